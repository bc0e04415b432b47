"""Levels as they are written, and what they stand for."""

from __future__ import annotations

import pytest

from harness.config import PRESETS
from harness.errors import UsageError
from harness.levels import parse_levels, seconds, timed

ROUTES = ("GET /a", "POST /b")


def names(*texts: str) -> list[str]:
    return [level.name for level in parse_levels(texts, 32, ROUTES, "test")]


def test_a_rate_is_open_at_that_rate() -> None:
    (level,) = parse_levels(("500/s",), 32, ROUTES, "test")
    assert (level.name, level.kind, level.rate, level.connections, level.routes) == ("500/s", "open", 500.0, 32, ROUTES)


def test_the_closed_level_comes_first_and_is_there_where_others_lean_on_it() -> None:
    assert names("500/s", "saturate") == ["saturate", "500/s"]
    assert names("50%") == ["saturate", "50%"]
    assert names("capacity") == ["saturate", "capacity"]
    assert names("500/s") == ["500/s"]


def test_words_stand_for_several_levels() -> None:
    assert names("curve") == ["saturate", "25%", "50%", "75%", "90%"]
    levels = parse_levels(("routes",), 32, ROUTES, "test")
    assert [(level.name, level.kind, level.routes) for level in levels] == [
        ("GET /a", "closed", ("GET /a",)),
        ("POST /b", "closed", ("POST /b",)),
    ]


def test_the_same_level_twice_is_run_once() -> None:
    assert names("500/s", "500.0/s", "saturate", "saturate") == ["saturate", "500/s"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("satruate", 'did you mean "saturate"'),
        ("0/s", "within 0.1/s"),
        ("150%", "within 0% and 100%"),
        ("fast", "or a rate such as 500/s"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        names(text)


def test_no_level_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one level"):
        names()


def test_only_the_first_level_has_the_whole_warm_up() -> None:
    timing = PRESETS["quick"]
    first, second = (
        timed(level, timing, first=i == 0) for i, level in enumerate(parse_levels(("saturate", "9/s"), 32, ROUTES, "t"))
    )
    assert (first.warmup_seconds, first.warmup_limit_seconds) == (timing.warmup_seconds, timing.warmup_limit_seconds)
    assert (second.warmup_seconds, second.warmup_limit_seconds) == (timing.settle_seconds, timing.settle_seconds)
    assert seconds(first) < seconds(first, longest=True)
