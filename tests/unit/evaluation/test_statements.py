"""Statement counts: what the database executed against what the requests require."""

from __future__ import annotations

import pytest

from harness.evaluation.statements import Contract, count_statements, name_of, read_contract
from harness.evaluation.validity import statement_problems
from harness.files import ROOT


@pytest.fixture(scope="module")
def contract() -> Contract:
    return read_contract(ROOT / "services" / "contract" / "queries.toml")


def row(query: str, calls: int) -> dict[str, object]:
    return {"query": query, "calls": calls, "milliseconds": calls * 0.1}


PRODUCT = "SELECT id, name, price_cents, stock\n  FROM products WHERE id = $1"


def test_statements_are_recognized_however_they_are_shown(contract: Contract) -> None:
    assert name_of(contract, PRODUCT + ";") == "product"
    assert name_of(contract, "SELECT $1") == "health"
    assert name_of(contract, "start transaction") == "BEGIN"
    slow = "SELECT id, name, price_cents, stock FROM products, pg_sleep($2::integer / $3) WHERE id = $1"
    assert name_of(contract, slow) == "product_slow"
    assert name_of(contract, "SELECT name FROM products") == "SELECT name FROM products"


def test_all_queries_of_the_contract_have_names_of_their_own(contract: Contract) -> None:
    used = {name for names in contract.routes.values() for name in names} - {"BEGIN", "COMMIT"}
    assert used == set(contract.names.values())


def test_exact_counts_are_no_problem(contract: Contract) -> None:
    counts = count_statements(contract, {"GET /products/{id}": 500}, [row(PRODUCT, 500), row("SELECT $1", 16)])
    assert statement_problems(counts, pool_size=16) == []


@pytest.mark.parametrize("executed", [499, 501, 0])
def test_one_statement_more_or_less_is_a_problem(contract: Contract, executed: int) -> None:
    counts = count_statements(contract, {"GET /products/{id}": 500}, [row(PRODUCT, executed)])
    (problem,) = statement_problems(counts, pool_size=16)
    assert f"executed product {executed:,} times, but the requests require 500" in problem


def test_an_order_requires_six_statements(contract: Contract) -> None:
    counts = {c.name: c.expected for c in count_statements(contract, {"POST /orders": 3}, [])}
    assert counts == dict.fromkeys(["BEGIN", "lock_products", "take_stock", "insert_order", "insert_lines", "COMMIT"], 3)


def test_a_statement_per_request_outside_the_contract_is_a_problem(contract: Contract) -> None:
    rows = [row(PRODUCT, 500), row("SELECT pg_advisory_unlock_all()", 500)]
    counts = count_statements(contract, {"GET /products/{id}": 500}, rows)
    (problem,) = statement_problems(counts, pool_size=16)
    assert "pg_advisory_unlock_all" in problem


def test_a_few_statements_per_connection_at_start_are_no_problem(contract: Contract) -> None:
    counts = count_statements(contract, {}, [row("SET application_name = $1", 16)])
    assert statement_problems(counts, pool_size=16) == []
