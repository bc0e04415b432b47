"""Levels as they are written, and what they stand for."""

from __future__ import annotations

import msgspec
import pytest

from harness.errors import UsageError
from harness.plan.config_file import PRESETS
from harness.plan.levels import HELD_RATE, in_slices, parse_levels, seconds, timed
from harness.record.plan import Level

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
        ("1000/held", "only profile waiters can use it"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        names(text)


def test_no_level_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one level"):
        names()


def held(*texts: str) -> tuple[Level, ...]:
    return parse_levels(texts, 250, ("GET /wait",), "test")


def test_held_requests_ask_for_the_wait_at_which_all_levels_have_one_rate() -> None:
    levels = held("250/held", "1000/held", "10000/held")
    assert [(level.kind, level.connections, level.hold_milliseconds) for level in levels] == [
        ("held", 250, 125), ("held", 1000, 500), ("held", 10_000, 5000),
    ]  # fmt: skip
    assert {level.connections / level.hold_milliseconds * 1000 for level in levels} == {HELD_RATE}


@pytest.mark.parametrize("text", ["9/held", "16001/held"])
def test_what_the_contract_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="between 10 and 16000"):
        held(text)


def test_a_held_level_has_a_whole_wait_before_its_window_and_one_in_it() -> None:
    timing = msgspec.structs.replace(PRESETS["smoke"], settle_seconds=1, measure_seconds=3)
    first, last = (timed(level, timing, first=i == 0) for i, level in enumerate(held("1000/held", "10000/held")))
    assert (first.warmup_seconds, first.warmup_limit_seconds, first.measure_seconds) == (3.5, 3.5, 3)
    assert (last.warmup_seconds, last.warmup_limit_seconds, last.measure_seconds) == (6, 6, 5)
    # Its last answers come a wait after its window.
    assert seconds(last) >= 6 + 5 + 5


@pytest.mark.parametrize(
    ("text", "preset", "window"),
    [
        ("500/s", "quick", 21),
        ("1000/s", "quick", 11),
        ("200/s", "quick", 10),
        ("500/s", "full", 21),
        ("400/s", "full", 6),
        ("500/s", "smoke", 3),
        ("2000/s", "quick", 10),
    ],
)
def test_a_window_at_a_rate_is_prolonged_until_its_p99_is_told_where_that_is_near(
    text: str, preset: str, window: int
) -> None:
    (level,) = parse_levels((text,), 32, ROUTES, "test")
    assert timed(level, PRESETS[preset], first=True).measure_seconds == window


@pytest.mark.parametrize(
    ("text", "routes", "slice_seconds"),
    [
        ("1000/s", ROUTES, 3.7),
        ("500/s", ROUTES, 7.4),
        ("400/s", ROUTES[:1], 4.6),
        ("2000/s", ROUTES[:1], 1.5),
        ("400/s", ROUTES, 1.5),
        ("saturate", ROUTES, 0.25),
    ],
)
def test_a_slice_at_a_rate_lasts_until_the_p99_of_its_most_frequent_route_is_told(
    text: str, routes: tuple[str, ...], slice_seconds: float
) -> None:
    """Half of the requests of each mix go to one route; at 400/s that would take too long."""
    (level,) = parse_levels((text,), 32, routes, "test")
    assert in_slices(level, PRESETS["quick"]).slice_seconds == slice_seconds


def test_only_the_first_level_has_the_whole_warm_up() -> None:
    timing = PRESETS["quick"]
    first, second = (
        timed(level, timing, first=i == 0) for i, level in enumerate(parse_levels(("saturate", "9/s"), 32, ROUTES, "t"))
    )
    assert (first.warmup_seconds, first.warmup_limit_seconds) == (timing.warmup_seconds, timing.warmup_limit_seconds)
    assert (second.warmup_seconds, second.warmup_limit_seconds) == (timing.settle_seconds, timing.settle_seconds)
    assert seconds(first) < seconds(first, longest=True)
