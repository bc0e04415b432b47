# /// fitmap
# title = "Slow database"
# question = "A database that takes 20 ms behind a small pool: what would a faster language buy?"
# routes = ["GET /products/{id}/slow"]
# presets = ["full"]
# connections = 64
# levels = ["saturate", "400/s"]
# ///
"""A read during which PostgreSQL sleeps 20 ms, over more connections than the pool has: 16 ÷ 20 ms allow 800 requests/s."""

from __future__ import annotations

import random
from functools import partial

from loadtests import reference
from loadtests.db import is_product
from loadtests.generator.exchange import Exchange, expect_shape, get
from loadtests.generator.user import LeanUser

MILLISECONDS = 20
LENGTH = 2048


def slow_product(rng: random.Random) -> Exchange:
    product_id = rng.randint(1, reference.PRODUCTS)
    check = expect_shape(partial(is_product, product_id), f"product {product_id}")
    return Exchange(0, get(f"/products/{product_id}/slow?ms={MILLISECONDS}"), check)


class ProfileUser(LeanUser):
    """The `downstream` profile."""

    host = "http://127.0.0.1:18080"
    routes = ("GET /products/{id}/slow",)
    stream = staticmethod(lambda rng: [slow_product(rng) for _ in range(LENGTH)])
