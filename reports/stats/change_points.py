"""Finds where a series of values changes its level. Deterministic, and quick: a history has hundreds of cells.

The usual method is E-divisive (Matteson & James, Journal of the American Statistical Association 109, 2014). Its
permutation test takes tenths of a second per cell at 200 runs. Its successors test with Student's t instead (Fleming,
Kołaczkowski et al., Hunter, ICPE 2023; now Apache Otava). This module does the same, on logarithms, in two steps:

1. Candidates: the partition into levels with the least sum of squared distances plus a price for each level. It is found
   exactly (optimal partitioning: Jackson et al., IEEE Signal Processing Letters 12, 2005). The price is twice the variance
   times the logarithm of the length (Yao, Statistics & Probability Letters 6, 1988). Other methods split a series in two
   repeatedly. They can miss a series that went up and came back.
2. Verdicts: the weakest boundary is removed until every boundary passes Student's t test between its two neighbours. Each
   boundary was chosen among many positions, so the test's level is divided by their number (Bonferroni).

A single spike is not a change: values are first limited to three deviations around their neighbours' median (after
Hampel's filter), and a level has at least four runs. A change is therefore known four runs after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

import numpy as np
from msgspec import Struct

from reports.stats.intervals import student_t_quantile

MIN_RUNS = 4
#: Approximate chance of a change point in a series that has none (tests/reports/stats/test_change_points.py measures it).
FALSE_ALARM = 0.01
SPIKE_DEVIATIONS = 3.0
#: Median of the absolute difference of two standard normal variables.
_MEDIAN_DIFFERENCE = 0.6745 * math.sqrt(2)
#: Logarithms that are closer than this differ by rounding only.
_SAME = 1e-9


class Segment(Struct, frozen=True):
    """Positions from `start` to before `end`, and the geometric mean of the values there."""

    start: int
    end: int
    value: float


def segments(values: Sequence[float], *, exact: bool = False) -> tuple[Segment, ...]:
    """The levels of a series of positive values, oldest first. Each level but the first begins with a change point.

    `exact`: the values were read, not measured (an image's size), so every difference is a change.
    """
    if not values:
        return ()
    logs = np.log(np.asarray(values, dtype=float))
    steps = [i for i in range(1, len(logs)) if abs(logs[i] - logs[i - 1]) > _SAME]
    cuts = steps if exact else _confirmed(*_steady(logs))
    return tuple(
        Segment(start, end, math.exp(fmean(logs[start:end].tolist())))
        for start, end in zip((0, *cuts), (*cuts, len(logs)), strict=True)
    )


def _steady(logs: np.ndarray) -> tuple[np.ndarray, float]:
    """The logarithms without spikes, and their deviation within a level, estimated from differences of neighbours."""
    if len(logs) < 2:
        return logs, 0.0
    deviation = float(np.median(np.abs(np.diff(logs)))) / _MEDIAN_DIFFERENCE
    if deviation < _SAME:
        return logs, _SAME
    held = logs.copy()
    for i in range(len(logs)):
        middle = median(logs[max(0, i - MIN_RUNS) : i + MIN_RUNS + 1].tolist())
        held[i] = min(max(logs[i], middle - SPIKE_DEVIATIONS * deviation), middle + SPIKE_DEVIATIONS * deviation)
    return held, deviation


def _confirmed(logs: np.ndarray, deviation: float) -> list[int]:
    """The candidates that are left when all that fail the test were removed, the weakest first."""
    cuts = _candidates(logs, 2 * deviation**2 * math.log(max(len(logs), 2)))
    while cuts:
        bounds = [0, *cuts, len(logs)]
        strengths = [
            _strength(logs[bounds[i] : bounds[i + 1]], logs[bounds[i + 1] : bounds[i + 2]], len(logs))
            for i in range(len(cuts))
        ]
        weakest = min(range(len(cuts)), key=strengths.__getitem__)
        if strengths[weakest] >= 1:
            break
        del cuts[weakest]
    return cuts


def _candidates(logs: np.ndarray, price: float) -> list[int]:
    """The positions at which the levels of the cheapest partition begin, without the first level."""
    n = len(logs)
    centred = logs - logs.mean()
    sums = np.concatenate(([0.0], np.cumsum(centred)))
    squares = np.concatenate(([0.0], np.cumsum(centred**2)))
    best = np.full(n + 1, math.inf)
    best[0] = 0.0
    before = [0] * (n + 1)
    for end in range(MIN_RUNS, n + 1):
        starts = np.arange(end - MIN_RUNS + 1)
        spread = squares[end] - squares[starts] - (sums[end] - sums[starts]) ** 2 / (end - starts)
        costs = best[starts] + spread + price
        before[end] = int(np.argmin(costs))
        best[end] = costs[before[end]]
    cuts: list[int] = []
    at = n
    while at > 0 and before[at] > 0:
        at = before[at]
        cuts.append(at)
    return cuts[::-1]


def _strength(left: np.ndarray, right: np.ndarray, positions: int) -> float:
    """Student's t between two levels, divided by the t that is required for the best of so many positions."""
    difference = abs(float(left.mean() - right.mean()))
    if difference < _SAME:
        return 0.0
    degrees = len(left) + len(right) - 2
    within = float(((left - left.mean()) ** 2).sum() + ((right - right.mean()) ** 2).sum())
    error = math.sqrt(within / degrees * (1 / len(left) + 1 / len(right)))
    if error < _SAME:
        return math.inf
    return difference / error / student_t_quantile(1 - FALSE_ALARM / (2 * positions), degrees)
