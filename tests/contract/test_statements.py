"""What a target makes the database do: exactly the contract's statements, on the pool's connections, on fresh rows."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import checks
import pytest
from stand import Pair
from talking import Talk

from harness.evaluation.statements import count_statements, name_of, read_contract
from harness.evaluation.validity import SETUP_STATEMENTS
from harness.record.config import Limits
from loadtests import reference
from loadtests.generator.golden_cases import Response

pytestmark = pytest.mark.containers

CONTRACT = read_contract(checks.CONTRACT / "queries.toml")
THREADS = 24  # more than the pool has connections
REQUESTS_PER_THREAD = 12


def order_of(customer: int, products: list[int]) -> dict[str, object]:
    lines = [{"product_id": product, "quantity": 1} for product in products]
    return {"customer_id": customer, "lines": lines}


REQUESTS: dict[str, Callable[[Talk, random.Random], Response]] = {
    "GET /meta": lambda talk, rng: talk.get("/meta"),
    "GET /ping": lambda talk, rng: talk.get("/ping"),
    "GET /cpu/collatz": lambda talk, rng: talk.get("/cpu/collatz?from=27&count=3"),
    "POST /cpu/summarize": lambda talk, rng: talk.post("/cpu/summarize", {"orders": []}),
    "GET /wait": lambda talk, rng: talk.get("/wait?ms=1"),
    "GET /products/{id}": lambda talk, rng: talk.get(f"/products/{rng.randint(1, 10_000)}"),
    "GET /products/{id}/slow": lambda talk, rng: talk.get(f"/products/{rng.randint(1, 10_000)}/slow?ms=1"),
    "GET /customers/{id}/orders": lambda talk, rng: talk.get(f"/customers/{rng.randint(1, 1000)}/orders?limit=5"),
    "POST /orders": lambda talk, rng: talk.post(
        "/orders", order_of(rng.randint(1, 1000), rng.sample(range(1, 900), rng.randint(1, 5)))
    ),
    "GET /reports/regions": lambda talk, rng: talk.get("/reports/regions?days=1"),
}


@pytest.mark.essential
def test_the_pool_is_open_before_the_service_says_that_it_is_ready(pair: Pair, target: str) -> None:
    assert pair.connections_at_start == Limits().db_pool_size, target


@pytest.mark.essential
def test_opening_the_pool_executes_none_of_the_contracts_statements(pair: Pair, target: str) -> None:
    calls = {name_of(CONTRACT, row["query"]): row["calls"] for row in pair.statements_at_start}
    calls.pop("health", None)
    assert not calls.keys() & set(CONTRACT.names.values()), f"{target} executed {calls} before the first request"
    # What a driver sets up on a new connection is tolerated, as it is in a trial.
    assert sum(calls.values()) <= SETUP_STATEMENTS * Limits().db_pool_size, f"{target}: {calls}"


@pytest.mark.essential
def test_statements_under_concurrent_load_are_exactly_those_of_the_contract(pair: Pair, target: str) -> None:
    pair.database.psql("SELECT pg_stat_statements_reset()")

    def load(number: int) -> Counter[str]:
        rng = random.Random(number)
        answered: Counter[str] = Counter()
        with Talk(pair.port) as talk:
            for _ in range(REQUESTS_PER_THREAD):
                for route in rng.sample(list(REQUESTS), len(REQUESTS)):
                    answer = REQUESTS[route](talk, rng)
                    assert answer.status < 300, f"{target}: {route}: {answer.status} {answer.body[:200]!r}"
                    answered[route] += 1
        return answered

    with ThreadPoolExecutor(THREADS) as threads:
        answered = sum(threads.map(load, range(THREADS)), Counter[str]())
    assert set(answered) | {"GET /health"} == set(CONTRACT.routes)
    counts = count_statements(CONTRACT, answered, pair.database.statistics())
    wrong = [f"{c.name}: {c.executed} instead of {c.expected}" for c in counts if c.executed != c.expected]
    assert not wrong, f"{target}: {wrong}"
    assert len(counts) == len({name for route in answered for name in CONTRACT.routes[route]})
    # Neither more connections under load nor fewer after it.
    assert pair.database.connections() == Limits().db_pool_size, target


@pytest.mark.essential
def test_an_idle_service_executes_nothing(pair: Pair, target: str) -> None:
    pair.database.psql("SELECT pg_stat_statements_reset(), pg_sleep(1)")
    assert pair.database.statistics() == (), target


def test_health_executes_one_statement(pair: Pair, target: str) -> None:
    pair.database.psql("SELECT pg_stat_statements_reset()")
    for _ in range(7):
        assert pair.service.is_ready()
    rows = {name_of(CONTRACT, row["query"]): row["calls"] for row in pair.database.statistics()}
    assert rows == {"health": 7}, target


def test_rows_changed_behind_the_services_back_show_at_once(pair: Pair, target: str) -> None:
    database = pair.database
    with Talk(pair.port) as talk:
        for turn in ("first", "second"):
            name, price, region = f"{turn} new name", len(turn) * 111, f"{turn} region"
            # Asked before, so that a cache would have something to keep.
            for path in ("/products/4001", "/customers/401/orders?limit=1", "/reports/regions?days=1"):
                assert talk.get(path).status == 200
            database.psql(f"UPDATE products SET name = '{name}', price_cents = {price}, stock = {price} WHERE id = 4001")
            database.psql(f"UPDATE customers SET name = '{name}', region = '{region}' WHERE id = 401")
            database.psql(
                f"""UPDATE orders SET status = '{turn}', created_at = '2026-01-01T00:00:00Z' WHERE id =
                (SELECT max(id) FROM orders WHERE customer_id = 401)"""
            )
            wanted = {"id": 4001, "name": name, "price_cents": price, "stock": price}
            for path in ("/products/4001", "/products/4001/slow?ms=1"):
                assert json.loads(talk.get(path).body) == wanted, f"{target}: {path} shows an old row"
            page = json.loads(talk.get("/customers/401/orders?limit=1").body)
            assert page["customer"] == {"id": 401, "name": name, "region": region}, f"{target}: an old customer"
            assert page["orders"][0]["status"] == turn, f"{target}: an old order"
            report = json.loads(talk.get("/reports/regions?days=1").body)
            assert region in {row["region"] for row in report["regions"]}, f"{target}: an old report"
            ordered = talk.post("/orders", order_of(401, [4001]))
            assert json.loads(ordered.body)["total_cents"] == price, f"{target}: an old price"
    database.psql(f"UPDATE customers SET name = 'Customer 401', region = '{reference.REGIONS[401 * 7 % 8]}' WHERE id = 401")


@pytest.mark.essential
def test_orders_in_opposite_product_order_never_deadlock(pair: Pair, target: str) -> None:
    products = [501, 502, 503, 504, 505]
    before = pair.database.psql("SELECT sum(stock) FROM products WHERE id BETWEEN 501 AND 505")
    rounds = 15

    def buy(number: int) -> list[int]:
        lines = products if number % 2 else products[::-1]
        with Talk(pair.port) as talk:
            return [talk.post("/orders", order_of(number + 1, lines)).status for _ in range(rounds)]

    with ThreadPoolExecutor(16) as threads:
        statuses = Counter(status for answers in threads.map(buy, range(16)) for status in answers)
    assert statuses == {201: 16 * rounds}, target
    after = pair.database.psql("SELECT sum(stock) FROM products WHERE id BETWEEN 501 AND 505")
    assert int(before) - int(after) == 16 * rounds * len(products), f"{target}: stock was lost or sold twice"
    assert pair.database.psql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'fitmap'") == "0", target


@pytest.mark.essential
def test_the_last_piece_is_sold_once(pair: Pair, target: str) -> None:
    pair.database.psql("UPDATE products SET stock = 5 WHERE id = 600")

    def buy(number: int) -> int:
        with Talk(pair.port) as talk:
            return talk.post("/orders", order_of(number + 1, [599, 600])).status

    with ThreadPoolExecutor(16) as threads:
        statuses = Counter(threads.map(buy, range(16)))
    assert statuses == {201: 5, 409: 11}, target
    assert pair.database.psql("SELECT stock FROM products WHERE id = 600") == "0", target
