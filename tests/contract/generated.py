"""A thousand requests, the same every time: mostly sound ones, the others wrong in one place or several."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from oracle import Case

COUNT = 1000
SEED = 20260101
BROKEN_INTEGERS = (
    "",
    "0",
    "-1",
    "+1",
    "%2B5",
    "1.0",
    "1e2",
    "00000000007",
    "abc",
    "9999999999",
    "%D9%A3",
    "5%20",
    "2147483648",
)
BROKEN_VALUES: tuple[Any, ...] = (None, True, False, 0, -1, 1.5, 2.0, "x", "7", [], {}, [None], 2**31, 2**63, 10**20)
NAMES = (
    "Ada",
    "ada",
    "Bo",
    "Zoë",
    "Zoe\u0301",
    "日本",
    "😀",
    "\uff41",
    "",
    " ",
    'a"b\\c',
    "<&>",
    "\u2028",
    "\u0000",
    "\ud7ff",
)
WORDS = ("north", "south", "east", "ost", "Ωmega", "😀", "\uff41")
TYPES = ("application/json; charset=utf-8", "APPLICATION/JSON", "text/plain", "application/xml", "application/json5")
PATHS = (
    "/",
    "/pings",
    "/ping/",
    "/orders/1",
    "/products",
    "/products/7/",
    "/customers/7",
    "/cpu",
    "/wait/1",
    "/reports",
)
#: Orders are for the first products only, so that later requests meet what earlier ones did.
ORDERED = 60
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def _integer(rng: random.Random, low: int, high: int) -> str:
    """An integer of a path or query: sound nine times in ten, at its edges now and then."""
    draw = rng.random()
    if draw < 0.1:
        return rng.choice(BROKEN_INTEGERS)
    value = rng.choice((low, high, high + 1)) if draw < 0.2 else rng.randint(low, high)
    text = str(value).zfill(rng.choice((1, 1, 1, 10)))
    return quote(text) if rng.random() < 0.9 else "".join(f"%{ord(digit):02x}" for digit in text)


def _query(rng: random.Random, **parameters: str) -> str:
    pairs = list(parameters.items())
    draw = rng.random()
    if draw < 0.04:
        pairs.append(rng.choice(pairs))
    elif draw < 0.08:
        pairs.remove(rng.choice(pairs))
    elif draw < 0.2:
        pairs += [("unknown", "1"), ("unknown", "")]
    rng.shuffle(pairs)
    return "?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else ""


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a JSON document."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        inside = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [(value, key) for key, _ in inside] + [place for _, item in inside for place in _places(item)]


def _body(rng: random.Random, value: Any) -> dict[str, Any]:
    """A POST's part of a case: the document, or one that is wrong in one place."""
    draw = rng.random()
    case: dict[str, Any] = {"json": value}
    if draw < 0.25:
        broken = copy.deepcopy(value)
        container, key = rng.choice(_places({"": broken})[1:] or [({"": broken}, "")])
        if rng.random() < 0.3 and isinstance(container, dict):
            del container[key]
        else:
            container[key] = rng.choice(BROKEN_VALUES)
        case = {"json": broken}
    elif draw < 0.3:
        text = json.dumps(value)
        case = {"text": text[: rng.randrange(len(text))]}
    elif draw < 0.35:
        case = {"text": json.dumps(value, ensure_ascii=False, indent=rng.randint(0, 3))}
    if rng.random() < 0.06:
        case["headers"] = {"content-type": rng.choice(TYPES)}
    return case


def _collatz(rng: random.Random) -> Case:
    query = _query(rng, **{"from": _integer(rng, 1, 1_000_000), "count": str(rng.randint(1, 50))})
    return {"method": "GET", "path": "/cpu/collatz" + query}


def _summarize(rng: random.Random) -> Case:
    orders = [
        {
            "customer": rng.choice(NAMES),
            "region": rng.choice(WORDS),
            "lines": [
                # Few different numbers: ties are frequent.
                {
                    "sku": rng.choice(NAMES),
                    "quantity": rng.choice((1, 2, 10**6)),
                    "price_cents": rng.choice((0, 5, 10, 10**8)),
                }
                for _ in range(rng.randint(0, 3))
            ],
        }
        for _ in range(rng.choice((0, 1, 2, 5, 20, 60)))
    ]
    return {"method": "POST", "path": "/cpu/summarize", **_body(rng, {"orders": orders})}


def _wait(rng: random.Random) -> Case:
    return {"method": "GET", "path": "/wait" + _query(rng, ms=str(rng.choice((0, 1, 2, 3, 10_001))))}


def _product(rng: random.Random) -> Case:
    # Every other one of those that are ordered too.
    return {"method": "GET", "path": f"/products/{_integer(rng, 1, rng.choice((ORDERED, 10_000))) or 'x'}"}


def _slow(rng: random.Random) -> Case:
    ms = str(rng.choice((0, 1, 2, 3, 1001)))
    return {"method": "GET", "path": f"/products/{_integer(rng, 1, 10_000) or 'x'}/slow" + _query(rng, ms=ms)}


def _customer(rng: random.Random) -> Case:
    path = f"/customers/{_integer(rng, 1, 1000) or 'x'}/orders"
    return {"method": "GET", "path": path + _query(rng, limit=_integer(rng, 1, 100))}


def _order(rng: random.Random) -> Case:
    customer = rng.randint(1, 20) if rng.random() < 0.85 else rng.choice((rng.randint(1, 1000), 1001))
    products = rng.sample(range(1, ORDERED + 1), rng.randint(1, 8))
    if rng.random() < 0.15:
        products[0] = rng.choice((1000, 2000, 10_001, 2_147_483_647))
    if rng.random() < 0.03:
        products.append(products[0])
    lines = [{"product_id": product, "quantity": rng.choice((1, 2, 3, 99, 100))} for product in products]
    return {"method": "POST", "path": "/orders", **_body(rng, {"customer_id": customer, "lines": lines})}


def _report(rng: random.Random) -> Case:
    return {"method": "GET", "path": "/reports/regions" + _query(rng, days=_integer(rng, 1, 365))}


def _elsewhere(rng: random.Random) -> Case:
    known = ("/ping", "/orders", "/cpu/summarize", "/products/1", "/wait")
    return {"method": rng.choice(METHODS), "path": rng.choice((*PATHS, *known))}


def requests() -> list[Case]:
    """The thousand, in order; each with the `name` that a failure shows."""
    rng = random.Random(SEED)
    makers: dict[Callable[[random.Random], Case], int] = {
        _collatz: 12,
        _summarize: 20,
        _wait: 5,
        _product: 15,
        _slow: 6,
        _customer: 14,
        _order: 18,
        _report: 4,
        _elsewhere: 6,
    }
    drawn = rng.choices(list(makers), weights=list(makers.values()), k=COUNT)
    return [{"name": f"generated request {number}", **maker(rng)} for number, maker in enumerate(drawn, 1)]
