"""The fuse: in no second a service gets more requests than it may, whatever a profile says."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import gevent

#: A second, and as much as one request may be longer on its way than another. So the limit also holds where it arrives.
WINDOW_NS = 1_050_000_000


class _Sending:
    """When a request is sent; before that, when it may be."""

    __slots__ = ("at_ns",)

    def __init__(self, at_ns: int) -> None:
        self.at_ns = at_ns


class Fuse:
    """Lets at most `most` requests pass in any second, in the order in which they ask. For one worker.

    A request passes more than a second after the one that came `most` requests before it. So the limit holds for a second
    that begins at any instant, and not only in the mean.
    """

    def __init__(
        self,
        most: int,
        clock: Callable[[], int] = time.perf_counter_ns,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:
        if most < 1:
            raise ValueError(f"a fuse lets at least one request a second pass, not {most}")
        self._last: deque[_Sending] = deque(maxlen=most)
        self._clock = clock
        self._sleep = sleep
        #: How many requests had to wait.
        self.held = 0

    def take(self) -> bool:
        """Waits until a request may be sent. Whether it had to wait."""
        now = self._clock()
        before = self._last[0] if len(self._last) == self._last.maxlen else None
        mine = _Sending(now if before is None else max(now, before.at_ns + WINDOW_NS))
        self._last.append(mine)
        if before is None or before.at_ns + WINDOW_NS <= now:
            return False
        self.held += 1
        # The one before may itself have been later than it was allowed to be: timers overshoot.
        while (wait_ns := before.at_ns + WINDOW_NS - self._clock()) > 0:
            self._sleep(wait_ns / 1e9)
        mine.at_ns = self._clock()
        return True


def share_of(most: int, workers: int) -> int:
    """The requests a second that each of some workers may send. 0: there are more workers than requests."""
    return most // workers
