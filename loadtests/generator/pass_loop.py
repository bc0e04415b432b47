"""The closed loop of a slice: whole passes, which all connections share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gevent.event import Event

from loadtests.generator.connection import Connection
from loadtests.generator.exchange import Exchange
from loadtests.generator.fuse import Fuse
from loadtests.generator.loops import ClosedLoop, Sender
from loadtests.generator.recorder import Recorder

#: The least number of passes after the first one, however slow the service is: a throughput needs two ends.
LEAST_PASSES = 2


class Mark(NamedTuple):
    """An instant at which a connection was free for the first request after a pass: all requests before it were sent."""

    clock_ns: int
    requests: int
    busy_seconds: float


class PassLoop(ClosedLoop):
    """Sends passes one after the other, until the time is over at the end of a pass.

    Each connection takes the next request of the pass as soon as it has its answer. `busy`: the time, in seconds, that
    connections have spent with a request under way.

    The first pass begins with idle connections and the last one ends with them. Throughput is therefore taken between two
    marks: after the first pass and after the last one. At both, all connections but one are busy.
    """

    def __init__(
        self,
        recorder: Recorder,
        passes: list[list[Exchange]],
        first: int,
        seconds: float,
        busy: Callable[[], float],
        least_passes: int = LEAST_PASSES,
        fuse: Fuse | None = None,
    ) -> None:
        super().__init__(recorder, [])
        self._passes = passes
        self._next = first
        self._busy = busy
        self._fuse = fuse
        self._least_passes = least_passes
        self._active = 0
        self._exhausted = False
        self._shared = self._requests()
        self._ended = Event()
        self.done = Event()
        self.marks: list[Mark] = []
        self.start_ns = time.perf_counter_ns()
        self.end_ns = self.start_ns
        self._stop_ns = self.start_ns + int(seconds * 1e9)

    def _requests(self) -> Iterator[Exchange]:
        sent = 0
        while True:
            one = self._passes[self._next % len(self._passes)]
            yield from one
            sent += len(one)
            self._next += 1
            self.marks.append(Mark(time.perf_counter_ns(), sent, self._busy()))
            if self.marks[-1].clock_ns >= self._stop_ns and len(self.marks) > self._least_passes:
                self._exhausted = True
                return

    def _own_exchanges(self) -> Iterator[Exchange]:
        return self._fused(self._fuse) if self._fuse else self._shared

    def _fused(self, fuse: Fuse) -> Iterator[Exchange]:
        """The shared requests, for one connection, each when it may be sent."""
        for one in self._shared:
            if fuse.take() and self.over:
                return
            yield one

    def admit(self) -> None:
        """Lets a connection begin at once, or wait for the end when the last pass has been sent."""
        # A service that takes no connection any more answers no pass to its end.
        if time.perf_counter_ns() > self._stop_ns and not self._active:
            self._exhausted = True
            self._finish()
        if self._exhausted:
            self._ended.wait()

    def end(self) -> None:
        """Lets the connections leave the loop."""
        super().end()
        self._ended.set()

    def converse(self, user: Sender, connection: Connection, fire: Callable[..., None] | None) -> None:
        """Sends requests until the last pass has been sent. Raises Broken."""
        self._active += 1
        try:
            super().converse(user, connection, fire)
        finally:
            self._active -= 1
            if self._exhausted and not self._active:
                self._finish()

    def _finish(self) -> None:
        if not self.done.is_set():
            self.end_ns = time.perf_counter_ns()
            self.done.set()
