"""What each language buys, and its price: each rule with a small record that makes its sentence."""

from __future__ import annotations

from small import Values, around, card_of, small

from reports.overview.strengths import Strength, make_strengths

CPU, MEMORY, START, WAITER = "cpu@saturate cpu", "service@500/s working-set", " start", "waiters@4000/held waiter-memory"
IMAGE, BUILD, P99 = " image", "build edit", "service@500/s GET /products/{id} p99"


def found(values: Values) -> dict[str, Strength]:
    return {each.column.target: each for each in make_strengths(card_of(small(values))[0])}


def row(**seconds: float) -> dict[str, tuple[float, ...]]:
    return {target: around(value) for target, value in seconds.items()}


def test_a_leader_is_told_by_its_first_three_rows() -> None:
    values = {
        CPU: row(rust=1, go=2, python=30),
        MEMORY: row(rust=1, go=3, python=9),
        WAITER: row(rust=1, go=2, python=3),
        START: row(rust=1, go=2, python=3),
    }
    assert found(values)["rust"].first == "Leads in work per core, memory per instance and waiting requests."


def test_ties_with_the_best_come_first_where_nothing_is_led() -> None:
    tied = {"rust": around(60), "go": around(60.5), "java": around(200), "python": around(300)}
    made = found({CPU: tied, MEMORY: row(rust=1, go=3, java=30, python=9)})
    assert made["go"].first == "Level with the best in work per core."
    assert made["rust"].first == "Leads in memory per instance."
    assert made["rust"].more == ("Level with the best in work per core.",)


def test_an_outlined_cell_is_not_told_apart() -> None:
    wide = {"rust": around(60, 0.05), "go": (60.0, 100.0, 160.0), "java": around(700), "python": around(2000)}
    assert found({CPU: wide})["go"].first == "Not told apart from the best in work per core."


def test_second_says_how_far_behind_and_ahead_of_whom() -> None:
    assert found({CPU: row(rust=1, go=2, python=30)})["go"].first == (
        "Second to Rust in work per core (×2.0 behind, ahead of Python)."
    )
    many = row(rust=1, go=2, java=20, kotlin=30, python=40)
    assert found({CPU: many})["go"].first == "Second to Rust in work per core (×2.0 behind, ahead of 3 others)."
    assert found({CPU: many})["java"].first == "Next to Rust in work per core (×20 behind, ahead of Kotlin and Python)."


def test_prices_take_the_worst_of_each_family_and_three_at_most() -> None:
    values = {
        CPU: row(rust=1, go=2, java=3, python=30),
        MEMORY: row(rust=2.5e6, go=9e6, java=25e6, python=150e6),
        START: row(rust=0.1, go=0.2, java=0.3, python=1.4),
        BUILD: row(rust=1, go=2, java=3, python=34),
        P99: row(rust=1000, go=2000, java=3000, python=5000),
    }
    prices = found(values)["python"].prices
    assert [(price.text, price.factor) for price in prices] == [
        ("143\u00a0MiB of memory per instance", "×60"),
        ("34\u00a0s from an edit to running", "×34"),
        ("30 times the CPU for pure work", ""),
    ]
    assert found(values)["rust"].prices == ()


def test_no_price_for_being_a_little_behind_or_in_the_better_half() -> None:
    assert found({CPU: row(rust=1, go=1.4)})["go"].prices == ()
    assert found({CPU: row(rust=1, go=2, java=3, kotlin=4, python=5)})["go"].prices == ()


def test_a_language_that_is_ranked_nowhere_has_no_line() -> None:
    values: Values = {CPU: {**row(rust=1, go=2), "python": "no valid trial (failed)"}}
    assert set(found(values)) == {"rust", "go"}
