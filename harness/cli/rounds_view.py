"""What the rounds of a level tell so far, in one line: how far two targets are apart, and how surely."""

from __future__ import annotations

import math
from statistics import fmean, stdev

from harness.record.plan import TWIN
from loadtests.protocol.group_messages import SliceEvent

#: With fewer rounds nothing is said.
LEAST_ROUNDS = 3


class RoundsView:
    """Follows the slices of a run, and knows the level under way."""

    def __init__(self) -> None:
        self._level = ("", "")
        #: Target -> round -> logarithms of CPU time per request, one for each of its services.
        self._logs: dict[str, dict[int, list[float]]] = {}

    def add(self, target: str, event: SliceEvent) -> None:
        if (event.profile, event.level) != self._level:
            self._level, self._logs = (event.profile, event.level), {}
        if event.requests and event.service_cpu_ns and not target.endswith(TWIN):
            rounds = self._logs.setdefault(target, {})
            rounds.setdefault(event.round, []).append(math.log(event.service_cpu_ns / event.requests))

    def words(self) -> str:
        """The ratio of CPU per request of the first and the last target by name, with about 95 % certainty; or nothing."""
        if len(self._logs) < 2:
            return ""
        names = sorted(self._logs)
        first, last = self._logs[names[0]], self._logs[names[-1]]
        apart = [fmean(first[each]) - fmean(last[each]) for each in sorted(first.keys() & last.keys())]
        if len(apart) < LEAST_ROUNDS:
            return ""
        half = 2 * stdev(apart) / math.sqrt(len(apart))
        ratio = f"{math.exp(fmean(apart)):.2f}"
        return f"{names[0]} / {names[-1]} CPU per request {ratio} \u00b1{math.expm1(half):.1%} after {len(apart)} rounds"
