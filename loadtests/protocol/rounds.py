"""Decides from counters which rounds of a group count, and when there are enough of them. It never looks at who is faster.

A round is dropped for all copies where something other than the service under load worked: another service, which a compiler
or a collector kept busy, or a neighbour of the virtual machine. Rounds in which a copy still got faster are warm-up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median, stdev

from msgspec import Struct

#: What the services and databases without load may use of a CPU, and how much of it each copy adds: runtimes have timers.
IDLE_SHARE, IDLE_SHARE_EACH = 0.003, 0.001
STEAL_LIMIT = 0.05
#: Of the services' CPUs. The kernel counts in ticks, of which two may be wrong in a slice.
OTHER_WORK_LIMIT, TICKS_SECONDS = 0.05, 0.02
#: A copy whose CPU per request falls by more within the rounds that count is still warming up.
FALL_LIMIT = 0.03
#: So many times the wanted rounds are measured at most.
MOST_TIMES = 3


class Seen(Struct, frozen=True):
    """The counters of one slice, as in `SliceEvent`."""

    seconds: float
    requests: int
    service_cpu_ns: int
    others_ns: int
    other_work: float
    steal: float


def problem(slices: Mapping[int, Seen]) -> str:
    """Why a round does not count; empty: it counts. `slices`: copy -> its slice."""
    limit = IDLE_SHARE + IDLE_SHARE_EACH * len(slices)
    for seen in slices.values():
        if seen.others_ns > limit * seen.seconds * 1e9:
            share = seen.others_ns / seen.seconds / 1e9
            return f"services without load used {share:.1%} of a CPU (limit {limit:.1%})"
        if seen.steal > STEAL_LIMIT:
            return f"the hypervisor took {seen.steal:.0%} of the services' CPUs (steal, limit {STEAL_LIMIT:.0%})"
        if seen.other_work > OTHER_WORK_LIMIT + TICKS_SECONDS / seen.seconds:
            return (
                f"other work took {seen.other_work:.0%} of the services' CPUs (limit {OTHER_WORK_LIMIT:.0%} and two ticks)"
            )
    return ""


def still_warming(rounds: Sequence[Mapping[int, Seen]]) -> tuple[int, ...]:
    """The copies whose CPU time per request still falls over the rounds, compared with the median copy of each round.

    The machine's speed changes for all copies of a round alike, so it does not show here.
    """
    third = len(rounds) // 3
    if third < 1:
        return ()
    logs: dict[int, list[float]] = {}
    for slices in rounds:
        costs = {
            copy: math.log(s.service_cpu_ns / s.requests) for copy, s in slices.items() if s.requests and s.service_cpu_ns
        }
        if not costs:
            return ()
        middle = median(costs.values()) if len(costs) > 2 else 0.0
        for copy, cost in costs.items():
            logs.setdefault(copy, []).append(cost - middle)
    return tuple(copy for copy, series in logs.items() if _falls(series, third))


def _falls(series: Sequence[float], third: int) -> bool:
    if len(series) < 2 * third:
        return False
    early, late = series[:third], series[-third:]
    noise = 3 * math.sqrt((_variance(series) / third) * 2)
    return fmean(early) - fmean(late) > max(FALL_LIMIT, noise)


def _variance(series: Sequence[float]) -> float:
    """The variance from round to round, which a slow fall hardly changes."""
    steps = [after - before for before, after in pairwise(series)]
    return stdev(steps) ** 2 / 2 if len(steps) > 1 else 0.0


class Rounds:
    """The rounds of a level so far."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._seen: dict[int, Mapping[int, Seen]] = {}
        self.dropped: dict[int, str] = {}
        #: The copies that still got faster in the rounds that count, when the last round was measured.
        self.warming: tuple[int, ...] = ()

    def add(self, number: int, slices: Mapping[int, Seen]) -> None:
        self._seen[number] = slices
        if why := problem(slices):
            self.dropped[number] = why

    def counting(self) -> list[int]:
        return [number for number in self._seen if number not in self.dropped]

    def enough(self, names: Sequence[str], *, closed: bool) -> bool:
        """Whether the level is over. A third of the rounds becomes warm-up where a copy still got faster in them."""
        counting = self.counting()
        last = len(self._seen) >= MOST_TIMES * self._wanted
        if len(counting) < self._wanted:
            return last
        self.warming = still_warming([self._seen[number] for number in counting]) if closed else ()
        if not self.warming or last:
            return True
        who = ", ".join(dict.fromkeys(names[copy] for copy in self.warming))
        for number in counting[: max(1, self._wanted // 3)]:
            self.dropped[number] = f"warm-up: {who} still got faster"
        return False
