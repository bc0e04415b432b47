"""Rounds of a group: the order in each, which slices count, and when there are enough. It never looks at who is faster.

A slice is dropped where something other than the service under load worked: another service, which a compiler or a collector
kept busy, or a neighbour of the virtual machine. Slices in which a copy still got faster are warm-up.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from statistics import fmean, stdev

from msgspec import Struct

#: What the services and databases without load may use of a CPU together, and what each copy adds. Runtimes have timers:
#: eleven copies used 1 to 2 % on a quiet machine, 5 % on a slow one. A compiler at work uses all of it.
IDLE_LIMIT, IDLE_LIMIT_EACH = 0.02, 0.01
STEAL_LIMIT = 0.05
#: Of the services' CPUs. The kernel counts in ticks, of which two may be wrong in a slice.
OTHER_WORK_LIMIT, TICKS_SECONDS = 0.05, 0.02
#: How the reasons begin for which the host costs a slice.
HOST_REASONS = ("other work", "the hypervisor")
#: A copy whose cost of a request falls by more within the rounds that count is still warming up.
FALL_LIMIT = 0.03
#: So many times the wanted rounds are measured at most.
MOST_TIMES = 3


class Seen(Struct, frozen=True):
    """The counters of one slice, as in `SliceEvent`.

    `cost_ns`: the service's CPU time; where its counter can't be read, the time that its answers took.
    """

    seconds: float
    requests: int
    cost_ns: int
    others_ns: int
    other_work: float
    steal: float


def problem(seen: Seen, copies: int) -> str:
    """Why a slice does not count; empty: it counts. `copies`: of the group."""
    limit = IDLE_LIMIT + IDLE_LIMIT_EACH * copies
    if seen.others_ns > limit * seen.seconds * 1e9:
        share = seen.others_ns / seen.seconds / 1e9
        return f"services without load used {share:.0%} of a CPU (limit {limit:.0%})"
    if seen.steal > STEAL_LIMIT:
        return f"the hypervisor took {seen.steal:.0%} of the services' CPUs (steal, limit {STEAL_LIMIT:.0%})"
    if seen.other_work > OTHER_WORK_LIMIT + TICKS_SECONDS / seen.seconds:
        return f"other work took {seen.other_work:.0%} of the services' CPUs (limit {OTHER_WORK_LIMIT:.0%} and two ticks)"
    return ""


def still_warming(rounds: Mapping[int, Mapping[int, Seen]], counting: Mapping[int, Sequence[int]]) -> tuple[int, ...]:
    """The copies whose cost of a request still falls, compared with the other copies of each round.

    The machine's speed changes for all copies of a round alike, so it does not show here. `counting`: copy -> the rounds in
    which its slice counts.
    """
    logs = {
        number: {copy: math.log(s.cost_ns / s.requests) for copy, s in slices.items() if s.requests and s.cost_ns}
        for number, slices in rounds.items()
    }
    found = []
    for copy, numbers in counting.items():
        series = []
        for number in (number for number in numbers if copy in logs[number]):
            others = [log for other, log in logs[number].items() if other != copy]
            series.append(logs[number][copy] - (fmean(others) if others else 0.0))
        if _falls(series):
            found.append(copy)
    return tuple(found)


def _falls(series: Sequence[float]) -> bool:
    third = len(series) // 3
    if third < 1:
        return False
    early, late = series[:third], series[-third:]
    noise = 3 * math.sqrt((_variance(series) / third) * 2)
    return fmean(early) - fmean(late) > max(FALL_LIMIT, noise)


def _variance(series: Sequence[float]) -> float:
    """The variance from round to round, which a slow fall hardly changes."""
    steps = [after - before for before, after in pairwise(series)]
    return stdev(steps) ** 2 / 2 if len(steps) > 1 else 0.0


class Rounds:
    """The rounds of a level so far. `wanted`: how many there should be."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._least = least_slices(wanted)
        self._seen: dict[int, Mapping[int, Seen]] = {}
        self._copies = 0
        #: Copy -> round -> why its slice does not count.
        self.dropped: dict[int, dict[int, str]] = {}
        #: The copies that still got faster in the slices that count, when the last round was measured.
        self.warming: tuple[int, ...] = ()

    def add(self, number: int, slices: Mapping[int, Seen]) -> None:
        self._seen[number] = slices
        self._copies = max(self._copies, len(slices))
        for copy, seen in slices.items():
            if why := problem(seen, self._copies):
                self._drop(copy, number, why)

    def _drop(self, copy: int, number: int, why: str) -> None:
        self.dropped.setdefault(copy, {})[number] = why

    def counting(self, copy: int) -> list[int]:
        """The rounds in which a copy's slice counts."""
        dropped = self.dropped.get(copy, {})
        return [number for number, slices in self._seen.items() if copy in slices and number not in dropped]

    def due(self, copies: Sequence[int], *, closed: bool) -> list[int]:
        """The copies that have a slice in the next round.

        At a rate no round is compared with another. So a further round is only for those that want slices.
        """
        if closed or len(self._seen) < self._wanted:
            return list(copies)
        return [copy for copy in copies if len(self.counting(copy)) < self._least]

    def enough(self, copies: Collection[int], *, closed: bool) -> bool:
        """Whether the level is over for these copies.

        The first third of a copy's slices becomes warm-up where it still got faster in them.
        """
        if len(self._seen) < self._wanted:
            return False
        last = len(self._seen) >= MOST_TIMES * self._wanted
        if any(len(self.counting(copy)) < self._least for copy in copies):
            return last
        counting = {copy: self.counting(copy) for copy in copies}
        self.warming = still_warming(self._seen, counting) if closed else ()
        if not self.warming or last:
            return True
        for copy in self.warming:
            for number in counting[copy][: max(1, self._wanted // 3)]:
                self._drop(copy, number, "warm-up: it still got faster")
        return False


def in_order(due: Sequence[int], families: Sequence[int], rng: random.Random) -> list[int]:
    """The copies of a round in random order, with those of one family next to each other. `families`: of each copy."""
    found: dict[int, list[int]] = {}
    for copy in due:
        found.setdefault(families[copy], []).append(copy)
    mixed = rng.sample(list(found.values()), len(found))
    # A family of one draws nothing: without variants a seed gives the order that it always gave.
    return [copy for family in mixed for copy in (rng.sample(family, len(family)) if len(family) > 1 else family)]


def least_slices(wanted: int) -> int:
    """How many slices of each copy must count: four fifths."""
    return max(1, wanted * 4 // 5)
