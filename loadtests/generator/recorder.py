"""Counts requests and answers by route and phase. There is one thread, and greenlets switch only while they wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from loadtests.protocol import histogram
from loadtests.protocol.messages import RouteResult

FAILURE_SAMPLES = 10


class Phase:
    """The counts of one phase, with one list item per route.

    scheduled = answered + failed + timed_out + dropped + still open. Of the histograms a closed loop fills only `response`.
    """

    def __init__(self, routes: int) -> None:
        self.scheduled = [0] * routes
        self.answered = [0] * routes
        self.failed = [0] * routes
        self.timed_out = [0] * routes
        self.dropped = [0] * routes
        self.sum_microseconds = [0] * routes
        self.response = [histogram.new_counts() for _ in range(routes)]
        self.service = [histogram.new_counts() for _ in range(routes)]
        self.lag = [histogram.new_counts() for _ in range(routes)]

    def counts(self) -> tuple[list[int], ...]:
        return self.scheduled, self.answered, self.failed, self.timed_out, self.dropped, self.sum_microseconds

    def histograms(self) -> tuple[list[defaultdict[int, int]], ...]:
        return self.response, self.service, self.lag

    def open(self, route: int) -> int:
        """The requests of a route that are scheduled and not finished."""
        ended = self.answered[route] + self.failed[route] + self.timed_out[route] + self.dropped[route]
        return self.scheduled[route] - ended

    def total_open(self) -> int:
        return sum(self.open(route) for route in range(len(self.scheduled)))

    def results(self, routes: tuple[str, ...]) -> tuple[RouteResult, ...]:
        """The phase's results, route by route, with encoded histograms."""
        return tuple(
            RouteResult(
                route=name,
                scheduled=self.scheduled[route],
                requests=self.answered[route],
                failures=self.failed[route],
                timed_out=self.timed_out[route],
                dropped=self.dropped[route],
                open=self.open(route),
                sum_microseconds=self.sum_microseconds[route],
                response=histogram.encode(self.response[route]),
                service=histogram.encode(self.service[route]),
                lag=histogram.encode(self.lag[route]),
            )
            for route, name in enumerate(routes)
        )


def merged(phases: Sequence[Phase], routes: tuple[str, ...]) -> tuple[RouteResult, ...]:
    """The sum of some phases, route by route."""
    total = Phase(len(routes))
    for phase in phases:
        for ours, theirs in zip(total.counts(), phase.counts(), strict=True):
            for route, count in enumerate(theirs):
                ours[route] += count
        for mine, others in zip(total.histograms(), phase.histograms(), strict=True):
            for route, counts in enumerate(others):
                for index, count in counts.items():
                    mine[route][index] += count
    return total.results(routes)


class Recorder:
    """The current phase, all ended phases, and the first failures as sentences.

    Answers count in the phase that scheduled their requests. In an open loop some come after the end of that phase.
    """

    def __init__(self, routes: tuple[str, ...]) -> None:
        self.routes = routes
        self.phase = Phase(len(routes))
        self._ended: list[Phase] = []
        self._answered = [0] * len(routes)
        self._failed = [0] * len(routes)
        self.failure_samples: list[str] = []
        self.connections_opened = 0

    def explain(self, route: int, reason: str) -> None:
        """Keeps the first failures as sentences."""
        if len(self.failure_samples) < FAILURE_SAMPLES:
            self.failure_samples.append(f"{self.routes[route]}: {reason}")

    def next_phase(self) -> Phase:
        """Ends the current phase, begins a new one, and returns the ended one."""
        ended, self.phase = self.phase, Phase(len(self.routes))
        self._ended.append(ended)
        return ended

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """The requests since the start that were answered as expected, and those that were not, by route.

        Forgets ended phases: call it when no request is under way.
        """
        self.next_phase()
        for phase in self._ended:
            for route in range(len(self.routes)):
                self._answered[route] += phase.answered[route]
                self._failed[route] += phase.failed[route] + phase.timed_out[route]
        self._ended.clear()
        return dict(zip(self.routes, self._answered, strict=True)), dict(zip(self.routes, self._failed, strict=True))
