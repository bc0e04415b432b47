# /// fitmap
# title = "CPU-bound"
# question = "What does a request of pure work cost?"
# routes = ["GET /cpu/collatz", "POST /cpu/summarize"]
# connections = 32
# levels = ["saturate", "200/s"]
# ///
"""Pure work: half integer loops (500 Collatz walks, about 55,000 steps), half a JSON document (60 orders, 11 KB)."""

from __future__ import annotations

import json
import random
from typing import Any

from loadtests import reference
from loadtests.generator.exchange import Exchange, expect_json, get, post_json
from loadtests.generator.user import LeanUser

COLLATZ_STARTS = 500
ORDERS = 60
# The expected answers are computed here, in Python. With only a few distinct requests the start is short.
DISTINCT = 32
PASSES = 16


def collatz(rng: random.Random, starts: int = COLLATZ_STARTS) -> Exchange:
    first = rng.randint(1, 1_000_000)
    request = get(f"/cpu/collatz?from={first}&count={starts}")
    return Exchange(0, request, expect_json(reference.collatz(first, starts)))


def order(rng: random.Random) -> dict[str, Any]:
    lines = [
        {"sku": f"SKU-{rng.randint(1, 9999):04}", "quantity": rng.randint(1, 9), "price_cents": rng.randint(100, 9999)}
        for _ in range(3)
    ]
    return {"customer": f"Customer {rng.randint(1, 200)}", "region": rng.choice(reference.REGIONS), "lines": lines}


def summarize(rng: random.Random) -> Exchange:
    orders = [order(rng) for _ in range(ORDERS)]
    body = json.dumps({"orders": orders}).encode()
    return Exchange(1, post_json("/cpu/summarize", body), expect_json(reference.summarize(orders)))


def stream(rng: random.Random) -> list[Exchange]:
    # Each pass holds the same requests, in another order: so each pass is the same work.
    once = [*(collatz(rng) for _ in range(DISTINCT)), *(summarize(rng) for _ in range(DISTINCT))]
    return [exchange for _ in range(PASSES) for exchange in rng.sample(once, len(once))]


class ProfileUser(LeanUser):
    """The `cpu` profile."""

    host = "http://127.0.0.1:18080"
    routes = ("GET /cpu/collatz", "POST /cpu/summarize")
    stream = staticmethod(stream)
    pass_requests = 2 * DISTINCT
