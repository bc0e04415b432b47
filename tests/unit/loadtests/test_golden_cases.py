"""The sentence about golden cases that fail before a trial."""

from __future__ import annotations

from loadtests.generator.golden_cases import first_of


def test_up_to_three_problems_are_all_named() -> None:
    assert first_of(["a: wrong", "b: wrong", "c: wrong"], "javascript") == "a: wrong; b: wrong; c: wrong"


def test_of_more_it_says_how_many_and_what_shows_them() -> None:
    assert first_of(["a", "b", "c", "d", "e"], "javascript") == (
        "a; b; c; 2 more. All: .venv/bin/python -m pytest tests/contract -k javascript"
    )
