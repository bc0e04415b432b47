# /// fitmap
# title = "Database-bound"
# question = "What does a request that lives in PostgreSQL cost?"
# routes = ["GET /products/{id}", "GET /customers/{id}/orders", "POST /orders", "GET /reports/regions"]
# connections = 32
# levels = ["saturate", "1000/s"]
# ///
"""The database mix: 60 % a product by key, 25 % a customer's orders, 10 % a new order, 5 % a report over a week."""

from __future__ import annotations

import json
import random
from functools import partial
from typing import Any

from loadtests import reference
from loadtests.generator.exchange import Exchange, expect_shape, get, post_json
from loadtests.generator.passes import mixed
from loadtests.generator.user import LeanUser

PASSES = 82
# Customers of the lower half only read, those of the upper half only buy. So the answers to readers can be checked.
READERS = reference.CUSTOMERS // 2
ORDERS_PER_PAGE = 10


def is_product(product_id: int, answer: Any) -> bool:
    return (
        list(answer) == ["id", "name", "price_cents", "stock"]
        and answer["id"] == product_id
        and answer["name"] == f"Product {product_id}"
        and answer["price_cents"] == reference.price_cents(product_id)
        and 0 <= answer["stock"] <= 1_000_000
    )


def product(rng: random.Random) -> Exchange:
    product_id = rng.randint(1, reference.PRODUCTS)
    check = expect_shape(partial(is_product, product_id), f"product {product_id}")
    return Exchange(0, get(f"/products/{product_id}"), check)


def is_page(customer_id: int, answer: Any) -> bool:
    orders = answer["orders"]
    times = [order["created_at"] for order in orders]
    return (
        list(answer) == ["customer", "orders"]
        and answer["customer"] == reference.customer(customer_id)
        # The seed gives every customer 100 orders.
        and len(orders) == ORDERS_PER_PAGE
        and times == sorted(times, reverse=True)
        and all(list(order) == ["id", "created_at", "status", "total_cents", "lines"] for order in orders)
        and all(order["status"] in reference.STATUSES and 1 <= order["lines"] <= 5 for order in orders)
    )


def customer_orders(rng: random.Random) -> Exchange:
    customer_id = rng.randint(1, READERS)
    check = expect_shape(partial(is_page, customer_id), f"the newest orders of customer {customer_id}")
    return Exchange(1, get(f"/customers/{customer_id}/orders?limit={ORDERS_PER_PAGE}"), check)


def is_order(total_cents: int, answer: Any) -> bool:
    return list(answer) == ["id", "total_cents"] and answer["id"] > 100_000 and answer["total_cents"] == total_cents


def new_order(rng: random.Random) -> Exchange:
    customer_id = rng.randint(READERS + 1, reference.CUSTOMERS)
    # Multiples of 1,000 are sold out in the seed.
    products = [p for p in rng.sample(range(1, reference.PRODUCTS), rng.randint(1, 5)) if p % 1000] or [1]
    lines = [{"product_id": product_id, "quantity": rng.randint(1, 3)} for product_id in products]
    total = sum(line["quantity"] * reference.price_cents(line["product_id"]) for line in lines)
    body = json.dumps({"customer_id": customer_id, "lines": lines}).encode()
    check = expect_shape(partial(is_order, total), f"a new order over {total} cents", status=201)
    return Exchange(2, post_json("/orders", body), check)


def is_report(days: int, answer: Any) -> bool:
    rows = [(-row["revenue_cents"], row["region"]) for row in answer["regions"]]
    return (
        list(answer) == ["days", "regions"]
        and answer["days"] == days
        and sorted(row["region"] for row in answer["regions"]) == list(reference.REGIONS)
        and rows == sorted(rows)
        and all(list(row) == ["region", "orders", "revenue_cents"] for row in answer["regions"])
    )


def report(rng: random.Random) -> Exchange:
    # All reports cost nearly the same: otherwise the draw of a few of them would decide a window's throughput.
    days = rng.randint(6, 8)
    return Exchange(3, get(f"/reports/regions?days={days}"), expect_shape(partial(is_report, days), "a report"))


def stream(rng: random.Random) -> list[Exchange]:
    return mixed(rng, {product: 60, customer_orders: 25, new_order: 10, report: 5}, PASSES)


class ProfileUser(LeanUser):
    """The `db` profile."""

    host = "http://127.0.0.1:18080"
    routes = ("GET /products/{id}", "GET /customers/{id}/orders", "POST /orders", "GET /reports/regions")
    stream = staticmethod(stream)
    pass_requests = 100
