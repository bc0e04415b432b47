"""The search for the highest rate that meets an objective: doubling, bisection, and confirmation of both ends.

A probe is one fresh window at one rate. The result is an interval. Its lower end passed twice, its upper end failed twice,
and they differ by at most TOLERANCE.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from loadtests.protocol import histogram
from loadtests.protocol.messages import Measured, Objective

START_RATE = 50.0
TOLERANCE = 0.05
CONFIRMATIONS = 2
MAX_PROBES = 40
#: The share of the generator's calibrated ceiling that a level may use.
CEILING_SHARE = 0.7


class SearchProbe(Struct, frozen=True):
    """One probe: its rate in arrivals/s, and whether it met the objective."""

    rate: float
    passed: bool


def bounds(probes: Sequence[SearchProbe]) -> tuple[float, float | None]:
    """The highest rate that holds, and the lowest rate above it that does not (None: none has failed yet).

    Of a rate that both passed and failed the majority counts. A tie counts as a fail: one must be able to rely on a
    capacity.
    """
    score: dict[float, int] = {}
    for probe in probes:
        score[probe.rate] = score.get(probe.rate, 0) + (1 if probe.passed else -1)
    low = 0.0
    for rate in sorted(score):
        if score[rate] <= 0:
            return low, rate
        low = rate
    return low, None


def next_rate(probes: Sequence[SearchProbe], start_rate: float, ceiling: float) -> float | None:
    """The rate to probe next. None when the search is over.

    `ceiling`: the highest rate that the generator itself can send (0: not known). No higher rate is tried.
    """
    low, high = bounds(probes)
    if len(probes) >= MAX_PROBES:
        return None
    if high is None:
        if not low:
            return min(start_rate, ceiling or start_rate)
        if ceiling and low >= ceiling:
            return None
        return min(2 * low, ceiling or 2 * low)
    if not low:
        return high / 2 if high > 1 else None
    if high / low > 1 + TOLERANCE:
        return round(math.sqrt(low * high), 1)
    for rate, passed in ((low, True), (high, False)):
        if sum(probe.rate == rate and probe.passed == passed for probe in probes) < CONFIRMATIONS:
            return rate
    return None


def meets(measured: Measured, objective: Objective) -> bool:
    """True if a window met the objective: no request failed, and enough of the scheduled ones were answered in time.

    Requests that were dropped or never answered count as too late.
    """
    if any(route.failures or route.timed_out for route in measured.routes):
        return False
    scheduled = sum(route.scheduled for route in measured.routes)
    in_time = sum(histogram.at_most(route.response, objective.milliseconds * 1000) for route in measured.routes)
    return scheduled > 0 and in_time >= scheduled * objective.percent / 100
