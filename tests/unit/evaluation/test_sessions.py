"""Held connections: the mean over a level, though sessions report their times late."""

from __future__ import annotations

import pytest
from synthetic import reading

from harness.evaluation.load import held
from harness.evaluation.sessions import Sessions, mean_held

#: The seed's own sessions, before the service starts.
FIRST = Sessions(opened=9, held_milliseconds=700.0, reported_milliseconds=5_000.0, used_milliseconds=0.0)


def after(held_seconds: float, reported_seconds: float, used_seconds: float, opened: int = 16) -> Sessions:
    """A reading of sessions that the service opened; the times are sums over all of them."""
    return Sessions(
        FIRST.opened + opened,
        FIRST.held_milliseconds + held_seconds * 1e3,
        FIRST.reported_milliseconds + reported_seconds * 1e3,
        used_seconds * 1e3,
    )


def test_a_pool_that_is_held_all_the_time_is_full_whatever_is_not_reported_yet() -> None:
    # Sixteen sessions were used for ten seconds, and have not reported the last half second.
    assert mean_held(FIRST, FIRST, after(16 * 9.5, 16 * 9.5, 160.0), 10.0) == pytest.approx(16)


def test_what_the_level_before_had_not_reported_belongs_to_it() -> None:
    before = after(16 * 9.5, 16 * 9.5, 160.0)
    # The second level lasts 10 s and holds half of the pool. All that was late is reported, and 2 s of rest between them.
    now = after(16 * 9.5 + 16 * 0.25 + 80.0, 16 * 22.0, 16 * 22.0)
    assert mean_held(FIRST, before, now, 10.0) == pytest.approx(8.0, rel=0.01)


def test_idle_sessions_that_reported_at_rest_lack_nothing() -> None:
    # Reported ten seconds after the last request: more than was used.
    assert mean_held(FIRST, FIRST, after(40.0, 16 * 20.0, 160.0), 10.0) == pytest.approx(4.0)


def test_no_more_is_held_than_there_is() -> None:
    assert mean_held(FIRST, FIRST, after(200.0, 160.0, 160.0), 10.0) == 16.0
    assert mean_held(FIRST, FIRST, FIRST, 10.0) == 0.0


def test_requests_outside_the_window_count_at_its_rate() -> None:
    first, before = reading({}, sessions=FIRST), reading({"a": 100}, sessions=FIRST)
    now = reading({"a": 700, "b": 400}, sessions=after(64.0, 160.0, 160.0))
    # 1,000 requests of the level held a connection for 64 s; 500 of them came in the window's 4 s.
    assert held(first, before, now, 500, 4.0) == pytest.approx(8.0)
    assert held(first, before, now, 0, 4.0) == 0.0
