"""Statement counts: what the database executed against what the requests require."""

from __future__ import annotations

import pytest
from synthetic import reading

from harness.errors import TrialError
from harness.evaluation.inputs import DatabaseReading
from harness.evaluation.sessions import Sessions
from harness.evaluation.statements import Contract, count_statements, name_of, parse_statistics, read_contract
from harness.evaluation.validity import HEALTH_CHECKS, SETUP_STATEMENTS, outside_contract, statement_problems
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
    assert statement_problems(counts) == []


@pytest.mark.parametrize("executed", [499, 501, 0])
def test_one_statement_more_or_less_is_a_problem(contract: Contract, executed: int) -> None:
    counts = count_statements(contract, {"GET /products/{id}": 500}, [row(PRODUCT, executed)])
    (problem,) = statement_problems(counts)
    assert f"executed product {executed:,} times, but the requests require 500" in problem


def test_an_order_requires_six_statements(contract: Contract) -> None:
    counts = {c.name: c.expected for c in count_statements(contract, {"POST /orders": 3}, [])}
    assert counts == dict.fromkeys(["BEGIN", "lock_products", "take_stock", "insert_order", "insert_lines", "COMMIT"], 3)


def problems(now: DatabaseReading, first: DatabaseReading | None = None) -> tuple[str, ...]:
    contract = read_contract(ROOT / "services" / "contract" / "queries.toml")
    return outside_contract(contract, first or reading({}), now, pool_size=16)


def opened(sessions: int) -> Sessions:
    return Sessions(sessions, 0.0, 0.0, 0.0)


def test_a_statement_per_request_outside_the_contract_is_a_problem() -> None:
    rows = [row(PRODUCT, 500), row("SELECT pg_advisory_unlock_all()", 500)]
    (problem,) = problems(reading({"GET /products/{id}": 500}, *rows, sessions=opened(16)))
    assert "500 statements outside the contract" in problem and "pg_advisory_unlock_all" in problem


def test_many_different_statements_are_counted_together() -> None:
    allowed = SETUP_STATEMENTS * 16
    rows = [row(f"SELECT 1 AS a{'a' * number}", 1) for number in range(allowed + 1)]
    assert problems(reading({}, *rows[:-1], sessions=opened(16))) == ()
    (problem,) = problems(reading({}, *rows, sessions=opened(16)))
    assert f"{allowed + 1} statements outside the contract (limit {allowed}:" in problem


def test_sessions_that_a_service_opens_in_place_of_keeping_them_allow_no_more() -> None:
    rows = [row("SET application_name = $1", SETUP_STATEMENTS * 16 + 1)]
    assert problems(reading({}, *rows, sessions=opened(500)))
    # Neither does a pool that was opened in part.
    assert problems(reading({}, row("SET a = $1", SETUP_STATEMENTS * 4 + 1), sessions=opened(4)))


def test_what_ran_before_the_service_started_is_not_the_services() -> None:
    first = reading({}, row("VACUUM", 999), sessions=opened(99), evicted=3)
    now = reading({}, row("VACUUM", 999), row("SET a = $1", SETUP_STATEMENTS * 16), sessions=opened(115), evicted=3)
    assert problems(now, first) == ()


def test_a_few_statements_per_connection_at_start_and_health_checks_are_no_problem() -> None:
    rows = [row("SET application_name = $1", 16), row("SELECT $1", HEALTH_CHECKS)]
    assert problems(reading({}, *rows, sessions=opened(16))) == ()


def test_a_pool_that_checks_its_connections_in_the_words_of_a_health_check_is_a_problem() -> None:
    rows = [row(PRODUCT, 500), row("SELECT $1", 500)]
    (problem,) = problems(reading({"GET /products/{id}": 500}, *rows, sessions=opened(16)))
    assert "executed 500 health checks (limit 200)" in problem


def test_statements_that_were_forgotten_are_a_problem() -> None:
    assert "too many different statements" in problems(reading({}, sessions=opened(16), evicted=2))[0]


def test_counts_that_were_reset_are_a_problem() -> None:
    """What ran before the reset would count as never executed."""
    first = reading({}, row("SET a = $1", 10), sessions=opened(16), evicted=3)
    for now in (
        reading({}, sessions=opened(16), evicted=3),
        reading({}, row("SET a = $1", 9), sessions=opened(16), evicted=3),
        reading({}, row("SET a = $1", 11), sessions=opened(16), evicted=0),
    ):
        (problem,) = problems(now, first)
        assert "counts were reset" in problem
    assert problems(reading({}, row("SET a = $1", 6), row("SET a = $1", 5), sessions=opened(32), evicted=3), first) == ()


def test_the_printed_statistics_are_read_strictly() -> None:
    sessions = '{"opened": 18, "held_milliseconds": 1.5, "reported_milliseconds": 20, "used_milliseconds": 19.25}'
    text = (
        f'{{"statements": [{{"query": "SELECT 1", "calls": 2, "milliseconds": 0.1}}], "evicted": 0, "sessions": {sessions}}}'
    )
    found = parse_statistics(text)
    assert found.sessions == Sessions(18, 1.5, 20.0, 19.25)
    assert found.statements[0]["calls"] == 2
    for broken in ("psql: error", text.replace('"evicted": 0, ', "")):
        with pytest.raises(TrialError, match="not as expected"):
            parse_statistics(broken)
