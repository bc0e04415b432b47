"""Counts what is answered, by route, phase by phase. All in one thread: greenlets switch only while they wait."""

from __future__ import annotations

from loadtests.lean import histogram
from loadtests.lean.wire import RouteResult

FAILURE_SAMPLES = 10


class Phase:
    """Counts of one phase: per route the answers, the failures, the sum of latencies and their histogram."""

    def __init__(self, routes: int) -> None:
        self.answered = [0] * routes
        self.failed = [0] * routes
        self.sum_microseconds = [0] * routes
        self.counts = [histogram.new_counts() for _ in range(routes)]


class Recorder:
    """The current phase, the totals since the start, and the first failures in words."""

    def __init__(self, routes: tuple[str, ...]) -> None:
        self.routes = routes
        self.phase = Phase(len(routes))
        self.answered = dict.fromkeys(routes, 0)
        self.failed = dict.fromkeys(routes, 0)
        self.failure_samples: list[str] = []
        self.connections_opened = 0

    def fail(self, route: int, reason: str) -> None:
        self.phase.failed[route] += 1
        if len(self.failure_samples) < FAILURE_SAMPLES:
            self.failure_samples.append(f"{self.routes[route]}: {reason}")

    def next_phase(self) -> Phase:
        """End the current phase, begin a new one, and return the ended one."""
        ended, self.phase = self.phase, Phase(len(self.routes))
        for route, name in enumerate(self.routes):
            self.answered[name] += ended.answered[route]
            self.failed[name] += ended.failed[route]
        return ended

    def results(self, ended: Phase) -> tuple[RouteResult, ...]:
        return tuple(
            RouteResult(
                route=name,
                requests=ended.answered[route],
                failures=ended.failed[route],
                sum_microseconds=ended.sum_microseconds[route],
                histogram=histogram.encode(ended.counts[route]),
            )
            for route, name in enumerate(self.routes)
        )
