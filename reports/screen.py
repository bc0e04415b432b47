"""Is a run slower than the runs before it? Pure.

A cell is flagged where its value lies outside the one-sided prediction interval of the runs before it (Student's t on
logarithms; Hahn & Meeker, Statistical Intervals, 1991, chapter 4) and beyond a bound of relevance. A flag is a reason to
measure again, not a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from msgspec import Struct

from reports.standings import Direction
from reports.statistics import student_t_quantile

LEAST_RUNS = 10
MOST_RUNS = 30
SCREEN_CONFIDENCE = 0.995


class Screened(Struct, frozen=True):
    """A cell against its history. `change`: how much worse (0.1: a tenth), `limit`: what noise explains, both on the same
    scale; `flagged`: beyond the limit and beyond the relevance bound. `learning`: too few runs to say anything.
    """

    cell: str
    change: float
    limit: float
    runs: int
    flagged: bool
    learning: bool


def screen(cell: str, past: Sequence[float], now: float, direction: Direction, bound: float) -> Screened:
    """One cell: `past` oldest first, values above 0; `bound`: the least relevant worsening (0.05 is 5 %)."""
    recent = [math.log(v) for v in past[-MOST_RUNS:]]
    sign = -1.0 if direction == "higher" else 1.0
    n = len(recent)
    if n < LEAST_RUNS:
        change = math.expm1(sign * (math.log(now) - fmean(recent))) if recent else 0.0
        return Screened(cell, change, math.inf, n, flagged=False, learning=True)
    worse = sign * (math.log(now) - fmean(recent))
    limit = student_t_quantile(SCREEN_CONFIDENCE, n - 1) * stdev(recent) * math.sqrt(1 + 1 / n)
    return Screened(
        cell, math.expm1(worse), math.expm1(limit), n, flagged=worse > max(limit, math.log1p(bound)), learning=False
    )
