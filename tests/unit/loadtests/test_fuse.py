"""The fuse: in no second that begins at any instant do more requests pass than may."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.generator.exchange import Exchange
from loadtests.generator.fuse import Fuse, share_of
from loadtests.generator.loops import OpenLoop
from loadtests.generator.pass_loop import PassLoop
from loadtests.generator.recorder import Recorder

SECOND_NS = 1_000_000_000


class Clock:
    """A clock that moves when someone sleeps, and by as much more as timers overshoot."""

    def __init__(self, overshoot_ns: list[int]) -> None:
        self.now_ns = 0
        self._overshoot_ns = overshoot_ns

    def read(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9) + (self._overshoot_ns.pop() if self._overshoot_ns else 0)


def most_in_a_second(times: list[int]) -> int:
    ordered = sorted(times)
    return max(sum(first <= at < first + SECOND_NS for at in ordered) for first in ordered)


@given(
    st.integers(1, 20),
    st.lists(st.integers(0, 400_000_000), min_size=1, max_size=80),
    st.lists(st.integers(0, 30_000_000), max_size=80),
    st.lists(st.integers(0, 49_000_000), min_size=80, max_size=80),
)
def test_no_second_has_more_requests_than_may_pass(
    most: int, gaps: list[int], overshoot: list[int], under_way: list[int]
) -> None:
    clock = Clock(overshoot)
    fuse = Fuse(most, clock.read, clock.sleep)
    times, held = [], 0
    for gap in gaps:
        clock.now_ns += gap
        held += fuse.take()
        times.append(clock.now_ns)
    assert most_in_a_second(times) <= most
    # Also where they arrive, each a little later than the others.
    assert most_in_a_second([at + late for at, late in zip(times, under_way, strict=False)]) <= most
    assert fuse.held == held


def test_what_stays_below_is_not_held() -> None:
    clock = Clock([])
    fuse = Fuse(4, clock.read, clock.sleep)
    for _ in range(40):
        assert not fuse.take()
        clock.now_ns += 263_000_000
    assert fuse.held == 0


def test_connections_together_send_no_more_and_no_less() -> None:
    fuse, times = Fuse(40), list[int]()

    def connection() -> None:
        while True:
            fuse.take()
            times.append(time.perf_counter_ns())

    users = [gevent.spawn(connection) for _ in range(16)]
    gevent.sleep(2.3)
    gevent.killall(users)
    # Now, after a good second, and after two.
    assert len(times) == 120
    assert most_in_a_second(times) == 40


def test_each_worker_has_its_share() -> None:
    assert [share_of(most, 4) for most in (3, 4, 303)] == [0, 1, 75]
    with pytest.raises(ValueError, match="at least one request a second"):
        Fuse(0)


class Sent:
    """A connection that answers at once, and the instants at which it was asked."""

    body, keep_alive, unread_ns = b"", True, 0

    def __init__(self) -> None:
        self.times: list[int] = []

    def exchange(self, _request: bytes) -> int:
        self.times.append(time.perf_counter_ns())
        gevent.sleep(0)
        return 200

    def time_answers(self, wanted: bool) -> None:
        """It has no kernel to ask."""


def user() -> Any:
    return SimpleNamespace(route=0, phase=None, sent_at_ns=0)


EXCHANGES = [Exchange(0, b"", lambda _status, _body: None)] * 10


def test_a_closed_loop_sends_its_passes_at_the_fuses_rate() -> None:
    sent = Sent()
    loop = PassLoop(Recorder(("GET /",)), [EXCHANGES], 0, 0.0, lambda: 0.0, 2, Fuse(20))
    users = [gevent.spawn(loop.converse, user(), sent, None) for _ in range(4)]
    gevent.joinall(users, timeout=5)
    # Three passes of ten: twenty at once, and ten a second later.
    assert len(sent.times) == 30
    assert most_in_a_second(sent.times) == 20
    assert loop.done.is_set()


def test_an_open_loop_sends_what_waited_at_the_fuses_rate_and_nothing_after_its_end() -> None:
    sent, recorder, fuse = Sent(), Recorder(("GET /",)), Fuse(20)
    loop = OpenLoop(recorder, EXCHANGES, rate=200.0, seed=1, fuse=fuse)
    users = [gevent.spawn(loop.converse, user(), sent, None) for _ in range(4)]
    loop.start()
    gevent.sleep(0.5)
    # Requests of the queue would be sent for two seconds more.
    loop.end()
    at_the_end = len(sent.times)
    gevent.joinall(users, timeout=5)
    assert len(sent.times) == at_the_end
    assert most_in_a_second(sent.times) == 20
    assert fuse.held > 0
    # Each that was scheduled is accounted for: it was answered, or is open.
    phase = recorder.phase
    assert phase.answered[0] == len(sent.times) == phase.scheduled[0] - phase.open(0)
    # Its delay is the generator's own.
    assert max(phase.lag[0]) > 0
