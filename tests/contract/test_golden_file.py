"""golden.json can't rot: its answers are the oracle's, and the oracle's seed is what psql reads from the image."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import checks
import generated
import oracle
import pytest
from stand import Database, Stand

from harness.evaluation.statements import read_contract
from loadtests import reference

CONTRACT = read_contract(checks.CONTRACT / "queries.toml")


@pytest.fixture(scope="module")
def database(stand: Stand) -> Iterator[Database]:
    with stand.scope() as scope:
        yield scope.database()


def test_every_answer_is_the_oracles() -> None:
    shop = oracle.Shop()
    for case in checks.golden_cases():
        expected = oracle.answer(shop, case)
        assert json.dumps(case["answer"]) == json.dumps(expected), checks.describe(case)


def test_every_name_is_given_once() -> None:
    names = [case["name"] for case in checks.golden_cases()]
    assert len(names) == len(set(names))


def test_routes_are_those_of_the_contract() -> None:
    for case in checks.golden_cases():
        assert case.get("route") == oracle.route_of(case["method"], case["path"]), checks.describe(case)
    succeeding = {case["route"] for case in checks.golden_cases() if case["answer"]["status"] < 300}
    # /meta differs by target.
    assert succeeding == set(CONTRACT.routes) - {"GET /meta"}


def test_every_error_is_asked_for() -> None:
    statuses = {case["answer"]["status"] for case in checks.golden_cases()}
    # 413 needs a megabyte (checks.size_problems), 503 a broken database (test_outage.py).
    assert statuses == {200, 201, 400, 404, 405, 409, 415}


def test_every_route_is_refused_another_method() -> None:
    refused = {case["path"].partition("?")[0] for case in checks.golden_cases() if case["answer"]["status"] == 405}
    for route, (pattern, _) in oracle.ROUTES.items():
        assert any(pattern.fullmatch(path) for path in refused), route


def test_spot_checks_are_few_succeed_and_come_first() -> None:
    spots = [bool(case.get("spot")) for case in checks.golden_cases()]
    assert 1 <= sum(spots) <= 12
    # First, so that they find the same fresh database when they are asked alone.
    assert all(before or not after for before, after in pairwise(spots))
    chosen = [case for case in checks.golden_cases() if case.get("spot")]
    assert all(case["answer"]["status"] < 300 for case in chosen)
    assert {case["route"] for case in chosen} == set(CONTRACT.routes) - {"GET /meta", "GET /health"}
    orders = [case for case in chosen if case["route"] == "POST /orders"]
    assert orders[0]["answer"]["json"]["id"] == oracle.SEEDED_ORDERS + 1
    # The db profile reads customers of the lower half and knows all their orders.
    assert all(case["json"]["customer_id"] > reference.CUSTOMERS // 2 for case in orders)


def test_generated_requests_are_a_thousand_and_always_the_same() -> None:
    requests = checks.story()[len(checks.golden_cases()) :]
    assert requests == tuple(generated.requests())
    assert len(requests) == 1000
    answers = checks.expected_story()[len(checks.golden_cases()) :]
    succeeded = {
        oracle.route_of(case["method"], case["path"])
        for case, answer in zip(requests, answers, strict=True)
        if answer["status"] < 300
    }
    assert succeeded >= set(CONTRACT.routes) - {"GET /meta", "GET /health", "GET /ping"}
    assert {answer["status"] for answer in answers} == {200, 201, 400, 404, 405, 409, 415}


@pytest.mark.containers
def test_products_of_the_oracle_are_those_of_the_image(database: Database) -> None:
    shop = oracle.Shop()
    rows = database.rows("SELECT id, name, price_cents, stock FROM products ORDER BY id")
    assert rows == [shop.product(number) for number in range(1, reference.PRODUCTS + 1)]


@pytest.mark.containers
def test_customers_of_the_oracle_are_those_of_the_image(database: Database) -> None:
    rows = database.rows("SELECT id, name, region FROM customers ORDER BY id")
    assert rows == [reference.customer(number) for number in range(1, reference.CUSTOMERS + 1)]


@pytest.mark.containers
def test_orders_of_the_oracle_are_those_of_the_image(database: Database) -> None:
    printed = database.psql(
        """SELECT o.id, o.customer_id, to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), o.status,
           o.total_cents, count(*) FROM orders o JOIN order_lines l ON l.order_id = o.id GROUP BY o.id ORDER BY o.id"""
    )
    seeded = sorted((order for orders in oracle.seed().values() for order in orders), key=lambda order: order.id)
    expected = [
        f"{o.id}|{o.customer_id}|{o.created_at.strftime('%Y-%m-%dT%H:%M:%SZ')}|{o.status}|{o.total_cents}|{o.lines}"
        for o in seeded
    ]
    assert printed.splitlines() == expected


@pytest.mark.containers
def test_the_contracts_statements_find_what_the_oracle_says(database: Database) -> None:
    shop = oracle.Shop()
    sql = tomllib.loads((checks.CONTRACT / "queries.toml").read_text())["queries"]
    for days in (1, 7, 30, 364, 365):
        rows = database.rows(sql["regions"].replace("$1", str(days)))
        assert rows == shop.regions(days)["regions"], days
    for customer, limit in ((1, 20), (2, 1), (501, 5), (1000, 100)):
        query = sql["customer_orders"].replace("$1", str(customer)).replace("$2", str(limit))
        page = shop.customer_orders(customer, limit)
        assert [row["order_id"] for row in database.rows(query)] == [order["id"] for order in page["orders"]]


def rows_looked_at(node: dict[str, Any]) -> int:
    """Rows of tables that a node of an executed plan and those below it took up, those that it then dropped included."""
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if "Relation Name" in node else 0
    return int(own) + sum(rows_looked_at(child) for child in node.get("Plans", ()))


@pytest.mark.containers
def test_what_a_report_looks_at_does_not_grow_with_new_orders(stand: Stand) -> None:
    sql = tomllib.loads((checks.CONTRACT / "queries.toml").read_text())["queries"]["regions"].replace("$1", "7")

    def rows(database: Database) -> int:
        (told,) = json.loads(database.psql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}"))
        return rows_looked_at(told["Plan"])

    with stand.scope() as scope:
        fresh = scope.database()
        before = rows(fresh)
        fresh.psql(
            "INSERT INTO orders (customer_id, total_cents) SELECT g % 1000 + 1, 1000 FROM generate_series(1, 20000) AS g"
        )
        assert rows(fresh) == before
