"""Counts what is answered, by route, phase by phase. All in one thread: greenlets switch only while they wait."""

from __future__ import annotations

from loadtests.protocol import histogram
from loadtests.protocol.messages import RouteResult

FAILURE_SAMPLES = 10


class Phase:
    """Counts of one phase, a list item a route.

    scheduled = answered + failed + timed_out + dropped + still open. A closed loop fills `response` alone.
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

    def open(self, route: int) -> int:
        """Scheduled, and nothing has become of them yet."""
        ended = self.answered[route] + self.failed[route] + self.timed_out[route] + self.dropped[route]
        return self.scheduled[route] - ended

    def total_open(self) -> int:
        return sum(self.open(route) for route in range(len(self.scheduled)))

    def results(self, routes: tuple[str, ...]) -> tuple[RouteResult, ...]:
        """What became of it, route by route, with encoded histograms."""
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


class Recorder:
    """The current phase, all ended ones, and the first failures in words.

    Answers count into the phase that scheduled them: in an open loop some come after its end.
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
        """Keep the first failures in words."""
        if len(self.failure_samples) < FAILURE_SAMPLES:
            self.failure_samples.append(f"{self.routes[route]}: {reason}")

    def next_phase(self) -> Phase:
        """End the current phase, begin a new one, and return the ended one."""
        ended, self.phase = self.phase, Phase(len(self.routes))
        self._ended.append(ended)
        return ended

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """Answered as expected, and not, since the start, by route. Forgets ended phases: call it when all is answered."""
        self.next_phase()
        for phase in self._ended:
            for route in range(len(self.routes)):
                self._answered[route] += phase.answered[route]
                self._failed[route] += phase.failed[route] + phase.timed_out[route]
        self._ended.clear()
        return dict(zip(self.routes, self._answered, strict=True)), dict(zip(self.routes, self._failed, strict=True))
