"""Is a run slower than the runs before it? Pure.

A cell is flagged where its value lies outside the one-sided prediction interval of the runs before it (Student's t on
logarithms; Hahn & Meeker, Statistical Intervals, 1991, chapter 4) and beyond a bound of relevance. Where the machine's speed
was probed beside each run, what it explains is taken out first (at_zero in reports/stats/intervals.py). A flag is a reason
to measure again, not a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from msgspec import Struct

from reports.analysis.cells import SPEED, Figure, cell_name, parts_of
from reports.analysis.ranking import Direction
from reports.stats.intervals import at_zero, student_t_quantile

LEAST_RUNS = 10
MOST_RUNS = 30
SCREEN_CONFIDENCE = 0.995


class Screened(Struct, frozen=True):
    """A cell against its history. `before`: the mean of the runs before it, as the machine was now; `change`: how much worse
    (0.1: a tenth), `limit`: what noise explains, both on the same scale (`limit` is infinite while learning). `flagged` and
    `improved`: beyond the limit and beyond the relevance bound, in either direction.
    """

    before: float | None
    change: float
    limit: float
    runs: int
    flagged: bool
    improved: bool

    @property
    def learning(self) -> bool:
        return self.runs < LEAST_RUNS


def screen(
    past: Sequence[float], now: float, direction: Direction, bound: float, covariates: Sequence[Sequence[float]] = ()
) -> Screened:
    """One cell: `past` oldest first, values above 0; `bound`: the least relevant worsening (0.05 is 5 %).

    `covariates`: logarithms of how fast the machine was in each past run against now, a sequence each.
    """
    recent = [math.log(v) for v in past[-MOST_RUNS:]]
    sign = -1.0 if direction == "higher" else 1.0
    n = len(recent)
    if n < LEAST_RUNS:
        mean = fmean(recent) if recent else math.log(now)
        change = math.expm1(sign * (math.log(now) - mean))
        return Screened(math.exp(mean) if recent else None, change, math.inf, n, flagged=False, improved=False)
    expected = at_zero(recent, [column[-MOST_RUNS:] for column in covariates])
    worse = sign * (math.log(now) - expected.mean)
    limit = student_t_quantile(SCREEN_CONFIDENCE, expected.degrees) * expected.scatter
    far = max(limit, math.log1p(bound))
    return Screened(
        math.exp(expected.mean), math.expm1(worse), math.expm1(limit), n, flagged=worse > far, improved=worse < -far
    )


def screen_cell(
    name: str, figure: Figure, now: Mapping[str, float], past: Sequence[Mapping[str, float]], bound: float
) -> Screened:
    """A cell of a run against the same cell of the runs before it, which may lack it; all by their cells' names."""
    target, place, _ = parts_of(name)
    speeds = [cell_name(target, place, SPEED[role]) for role in figure.covariates]
    # Only where every run has them: else some would be held against others that nothing was taken out of.
    having = [run for run in past if name in run][-MOST_RUNS:]
    probed = [speed for speed in speeds if speed in now and all(speed in run for run in having)]
    covariates = [[math.log(run[speed] / now[speed]) for run in having] for speed in probed]
    return screen([run[name] for run in having], now[name], figure.direction, bound, covariates)
