"""The whole contract in plain Python: one request in, the answer that every target must give out, state kept.

It knows nothing of HTTP servers, pools or SQL: the seed's rows come from the seed's arithmetic (test_golden_file.py
compares them with what psql reads from the database image), CPU answers from loadtests/reference.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from loadtests import reference

Case = Mapping[str, Any]
Answer = dict[str, Any]

SEEDED_ORDERS = 100_000
BODY_LIMIT_BYTES = 1_048_576
INT32 = 2_147_483_647
MAX_ORDERS = 10_000
#: The newest order's instant: the shop's clock stands still there.
NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN_ORDERS = timedelta(seconds=315)
STOCK = 1_000_000
_DIGITS = re.compile(rb"[0-9]{1,10}")


class Refused(Exception):
    """The request gets an error: status and the short machine word."""

    def __init__(self, status: int, word: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, word)
        self.answer: Answer = {"status": status, "error": word}
        if headers:
            self.answer["headers"] = dict(headers)


def bad_request() -> NoReturn:
    raise Refused(400, "bad_request")


def not_found() -> NoReturn:
    raise Refused(404, "not_found")


@dataclass(frozen=True, slots=True)
class Order:
    """One row of orders, with the number of its lines."""

    id: int
    customer_id: int
    created_at: datetime
    status: str
    total_cents: int
    lines: int


def seeded_order(number: int) -> Order:
    """The seed's row of an order, 1 to 100,000."""
    total = 0
    for line in range(1, number % 5 + 2):
        product = (number * 104729 + line * 1299709) % 10_000 + 1
        total += ((number + line) % 4 + 1) * reference.price_cents(product)
    return Order(
        id=number,
        customer_id=number * 7919 % 1000 + 1,
        created_at=NEWEST - (SEEDED_ORDERS - number) * BETWEEN_ORDERS,
        status=reference.STATUSES[number % 4],
        total_cents=total,
        lines=number % 5 + 1,
    )


@cache
def seed() -> dict[int, list[Order]]:
    """The seeded orders by customer, oldest first."""
    orders: dict[int, list[Order]] = {}
    for number in range(1, SEEDED_ORDERS + 1):
        order = seeded_order(number)
        orders.setdefault(order.customer_id, []).append(order)
    return orders


@cache
def seeded_regions(days: int) -> dict[str, tuple[int, int]]:
    """Number and revenue of the seed's orders in the last days, by region."""
    found: dict[str, tuple[int, int]] = {}
    for customer_id, orders in seed().items():
        recent = [order.total_cents for order in orders if order.created_at > NEWEST - timedelta(days=days)]
        if recent:
            region = reference.customer(customer_id)["region"]
            count, revenue = found.get(region, (0, 0))
            found[region] = count + len(recent), revenue + sum(recent)
    return found


@dataclass(slots=True)
class Shop:
    """What was ordered since the seed. `last_id` is the sequence: a rolled back insert has used its number up."""

    orders: list[Order] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)
    last_id: int = SEEDED_ORDERS

    def stock(self, product_id: int) -> int:
        return (0 if product_id % 1000 == 0 else STOCK) - self.taken.get(product_id, 0)

    def product(self, product_id: int) -> Answer:
        if product_id > reference.PRODUCTS:
            not_found()
        return {
            "id": product_id,
            "name": f"Product {product_id}",
            "price_cents": reference.price_cents(product_id),
            "stock": self.stock(product_id),
        }

    def customer_orders(self, customer_id: int, limit: int) -> Answer:
        if customer_id > reference.CUSTOMERS:
            not_found()
        mine = seed()[customer_id] + [order for order in self.orders if order.customer_id == customer_id]
        mine.sort(key=lambda order: (order.created_at, order.id), reverse=True)
        return {
            "customer": reference.customer(customer_id),
            "orders": [
                {
                    "id": order.id,
                    "created_at": order.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "status": order.status,
                    "total_cents": order.total_cents,
                    "lines": order.lines,
                }
                for order in mine[:limit]
            ],
        }

    def regions(self, days: int) -> Answer:
        """What was ordered since the seed is `new`, and does not count."""
        ranked = [
            {"region": name, "orders": count, "revenue_cents": revenue}
            for name, (count, revenue) in sorted(seeded_regions(days).items(), key=lambda item: (-item[1][1], item[0]))
        ]
        return {"days": days, "regions": ranked}

    def create(self, customer_id: int, quantities: Mapping[int, int]) -> Order:
        if any(product > reference.PRODUCTS for product in quantities):
            not_found()
        if any(self.stock(product) < quantity for product, quantity in quantities.items()):
            raise Refused(409, "out_of_stock")
        self.last_id += 1
        if customer_id > reference.CUSTOMERS:
            not_found()
        for product, quantity in quantities.items():
            self.taken[product] = self.taken.get(product, 0) + quantity
        total = sum(quantity * reference.price_cents(product) for product, quantity in quantities.items())
        order = Order(self.last_id, customer_id, NEWEST, "new", total, len(quantities))
        self.orders.append(order)
        return order


class Query:
    """The parameters of a request, percent-decoded."""

    def __init__(self, text: str) -> None:
        self._pairs = [pair.partition("=") for pair in text.split("&") if pair]

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        values = [v for n, _, v in self._pairs if unquote_to_bytes(n) == name.encode()]
        if not values and default is not None:
            return default
        if len(values) != 1:
            bad_request()
        return integer(values[0], low, high)


def integer(text: str, low: int, high: int) -> int:
    """An integer of a path or a query."""
    raw = unquote_to_bytes(text)
    if not _DIGITS.fullmatch(raw) or not low <= int(raw) <= high:
        bad_request()
    return int(raw)


def parse_body(body: bytes) -> Any:
    """A body as RFC 8259 has it: UTF-8, and none of Python's NaN and Infinity."""

    def no_constant(_: str) -> NoReturn:
        bad_request()

    try:
        return json.loads(body.decode("utf-8"), parse_constant=no_constant)
    except ValueError:
        bad_request()


def _member(value: Any, key: str) -> Any:
    if not isinstance(value, dict) or key not in value:
        bad_request()
    return value[key]


def _whole(value: Any, key: str, low: int, high: int) -> int:
    number = _member(value, key)
    # Not isinstance: True is an int in Python.
    if type(number) is not int or not low <= number <= high:
        bad_request()
    return number


def _text(value: Any, key: str) -> str:
    text = _member(value, key)
    if not isinstance(text, str):
        bad_request()
    return text


def _list(value: Any, key: str) -> list[Any]:
    items = _member(value, key)
    if not isinstance(items, list):
        bad_request()
    return items


def summarize(body: bytes) -> Answer:
    orders = _list(parse_body(body), "orders")
    if len(orders) > MAX_ORDERS:
        bad_request()
    read = [
        {
            "customer": _text(order, "customer"),
            "region": _text(order, "region"),
            "lines": [
                {
                    "sku": _text(line, "sku"),
                    "quantity": _whole(line, "quantity", 1, 1_000_000),
                    "price_cents": _whole(line, "price_cents", 0, 100_000_000),
                }
                for line in _list(order, "lines")
            ],
        }
        for order in orders
    ]
    return reference.summarize(read)


def create_order(shop: Shop, body: bytes) -> Answer:
    value = parse_body(body)
    customer_id = _whole(value, "customer_id", 1, INT32)
    lines = _list(value, "lines")
    quantities = {_whole(line, "product_id", 1, INT32): _whole(line, "quantity", 1, 100) for line in lines}
    if not 1 <= len(lines) <= 20 or len(quantities) != len(lines):
        bad_request()
    order = shop.create(customer_id, quantities)
    return {
        "status": 201,
        "json": {"id": order.id, "total_cents": order.total_cents},
        "headers": {"location": f"/orders/{order.id}"},
    }


def _ok(value: Any) -> Answer:
    return {"status": 200, "json": value}


def _wait(query: Query) -> Answer:
    return _ok({"waited_ms": query.integer("ms", 0, 10_000)})


def _collatz(query: Query) -> Answer:
    return _ok(reference.collatz(query.integer("from", 1, 1_000_000), query.integer("count", 1, 100_000)))


def _slow(shop: Shop, product_id: int, query: Query) -> Answer:
    query.integer("ms", 0, 1000)
    return _ok(shop.product(product_id))


#: Route -> (pattern of the path, handler of shop, query, body, path's integer if it has one).
Handler = Callable[[Shop, Query, bytes, int], Answer]
ROUTES: dict[str, tuple[re.Pattern[str], Handler]] = {
    "GET /health": (re.compile(r"/health"), lambda s, q, b, i: _ok({"status": "ok"})),
    # Differs by target: test_process.py looks at it.
    "GET /meta": (re.compile(r"/meta"), lambda s, q, b, i: {"status": 200}),
    "GET /ping": (re.compile(r"/ping"), lambda s, q, b, i: {"status": 200, "text": "pong"}),
    "GET /cpu/collatz": (re.compile(r"/cpu/collatz"), lambda s, q, b, i: _collatz(q)),
    "POST /cpu/summarize": (re.compile(r"/cpu/summarize"), lambda s, q, b, i: _ok(summarize(b))),
    "GET /wait": (re.compile(r"/wait"), lambda s, q, b, i: _wait(q)),
    "GET /products/{id}": (re.compile(r"/products/([^/]+)"), lambda s, q, b, i: _ok(s.product(i))),
    "GET /products/{id}/slow": (re.compile(r"/products/([^/]+)/slow"), lambda s, q, b, i: _slow(s, i, q)),
    "GET /customers/{id}/orders": (
        re.compile(r"/customers/([^/]+)/orders"),
        lambda s, q, b, i: _ok(s.customer_orders(i, q.integer("limit", 1, 100, 20))),
    ),
    "POST /orders": (re.compile(r"/orders"), lambda s, q, b, i: create_order(s, b)),
    "GET /reports/regions": (
        re.compile(r"/reports/regions"),
        lambda s, q, b, i: _ok(s.regions(q.integer("days", 1, 365))),
    ),
}


def route_of(method: str, path: str) -> str | None:
    """The key of queries.toml's [routes] that a request asks for; None when it is another path or method."""
    bare = path.partition("?")[0]
    for route, (pattern, _) in ROUTES.items():
        if pattern.fullmatch(bare) and route.startswith(method + " "):
            return route
    return None


def body_of(case: Case) -> bytes | None:
    """The bytes that loadtests/generator/golden_cases.py sends for a case."""
    text = json.dumps(case["json"]) if "json" in case else case.get("text")
    return None if text is None else str(text).encode()


def _media_type(case: Case, body: bytes | None) -> str:
    headers = {name.lower(): value for name, value in case.get("headers", {}).items()}
    default = "" if body is None else "application/json"
    return str(headers.get("content-type", default)).partition(";")[0].strip().lower()


def answer(shop: Shop, case: Case) -> Answer:
    """What a golden case's request must be answered, in the form of a golden case's `answer`."""
    bare, _, query = case["path"].partition("?")
    here = {route: match for route, (pattern, _) in ROUTES.items() if (match := pattern.fullmatch(bare))}
    body = body_of(case)
    try:
        if not here:
            not_found()
        # No path has two methods.
        [(route, match)] = here.items()
        method = route.partition(" ")[0]
        if case["method"] != method:
            raise Refused(405, "method_not_allowed", {"allow": method})
        if method == "POST":
            if _media_type(case, body) != "application/json":
                raise Refused(415, "unsupported_media_type")
            if len(body or b"") > BODY_LIMIT_BYTES:
                raise Refused(413, "too_large")
        number = integer(match[1], 1, INT32) if match.re.groups else 0
        return ROUTES[route][1](shop, Query(query), body or b"", number)
    except Refused as refused:
        return refused.answer
