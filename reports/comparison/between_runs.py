"""Variation between whole runs of the same thing, beyond what the trials of each run explain.

The interval of a value knows only the trials of its own run. It does not contain how the machine changes from day to day.
Two or more runs show that part: the variance of the differences of logarithms beyond their standard errors (random effects
by the method of moments, pooled over the cells of a metric). ISO 5725-3 calls the variation over trials repeatability and
the variation over runs intermediate precision. ISO 5725-6 calls the bound that two results keep in 95 of 100 cases their
critical difference.

Three or more runs show whether that bound holds: each run is set aside in turn, the bound is computed from the others, and
it is tried on the run that was set aside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import NormalDist, fmean

from msgspec import Struct

from reports.analysis.analysis import Analysis
from reports.comparison.matched_cells import match_cells
from reports.metrics.catalogue import METRICS
from reports.stats.intervals import MIN_TRIALS, Difference, welch

#: One run is set aside, and two are left to compute a bound from.
MIN_RUNS = 3


class CellPair(Struct, frozen=True):
    """A cell in two runs. `difference`: of the logarithms, with the effect of the machine's speed removed. `measured`: the
    same as measured.
    """

    runs: tuple[str, str]
    metric: str
    difference: Difference
    measured: Difference


class BetweenRuns(Struct, frozen=True):
    """A metric over all pairs of runs. Standard deviations are of logarithms (0.03 is 3 %). `trials`: of a run's value, from
    its own trials. `runs`: between runs beyond that, with the effect of the machine's speed removed. `measured`: the same as
    measured. `outside`: how many of `cells` ratios have an interval, from the trials alone, that excludes 1, with the effect
    of the machine's speed removed. `outside_measured`: the same as measured.
    """

    metric: str
    title: str
    cells: int
    outside: int
    outside_measured: int
    trials: float
    runs: float
    measured: float

    def critical(self, confidence_percent: float) -> float:
        """The factor within which the measured values of two runs lie in `confidence_percent` of all cases."""
        z = NormalDist().inv_cdf((1 + confidence_percent / 100) / 2)
        return math.exp(z * math.sqrt(2 * (self.trials**2 + self.measured**2)))


class Tried(Struct, frozen=True):
    """Intervals tried on a run that had no part in them. `trials_alone`: how many exclude 1 if the interval knows the trials
    alone. `widened`: how many exclude 1 if it also knows the variation between the other runs.
    """

    intervals: int
    trials_alone: int
    widened: int


def cells_of(analyses: Sequence[Analysis]) -> tuple[CellPair, ...]:
    """All cells of every two runs that are measured, not read, and have enough trials in both."""
    return tuple(
        CellPair(
            (before.run.id, now.run.id),
            cell.metric.id,
            cell.versions.apart(),
            welch([math.log(v) for v in cell.versions.now], [math.log(v) for v in cell.versions.before]),
        )
        for before, now in combinations(analyses, 2)
        for cell in match_cells(now, before)
        if not cell.metric.exact and min(len(cell.versions.now), len(cell.versions.before)) >= MIN_TRIALS
    )


def between(cells: Sequence[CellPair], confidence_percent: float) -> tuple[BetweenRuns, ...]:
    """One row per metric, in the order of reports/metrics/catalogue.py."""
    found = []
    for metric in METRICS:
        mine = [cell for cell in cells if cell.metric == metric.id]
        if mine:
            found.append(
                BetweenRuns(
                    metric.id,
                    metric.title,
                    len(mine),
                    sum(_excludes(cell.difference, confidence_percent, 0.0) for cell in mine),
                    sum(_excludes(cell.measured, confidence_percent, 0.0) for cell in mine),
                    math.sqrt(fmean(cell.measured.error**2 for cell in mine) / 2),
                    excess(cell.difference for cell in mine),
                    excess(cell.measured for cell in mine),
                )
            )
    return tuple(found)


def tried(cells: Sequence[CellPair], confidence_percent: float) -> Tried | None:
    """Sets each run aside in turn and tries the intervals on it; None with fewer than three runs."""
    runs = {run for cell in cells for run in cell.runs}
    if len(runs) < MIN_RUNS:
        return None
    verdicts = []
    for aside in sorted(runs):
        for metric in {cell.metric for cell in cells}:
            mine = [cell for cell in cells if cell.metric == metric]
            scatter = excess(cell.difference for cell in mine if aside not in cell.runs)
            verdicts += [
                (
                    _excludes(cell.difference, confidence_percent, 0.0),
                    _excludes(cell.difference, confidence_percent, scatter),
                )
                for cell in mine
                if aside in cell.runs
            ]
    return Tried(len(verdicts), sum(alone for alone, _ in verdicts), sum(widened for _, widened in verdicts))


def excess(differences: Iterable[Difference]) -> float:
    """The standard deviation between runs beyond what their trials explain; 0 if the trials explain all of it."""
    squares = [each.mean**2 - each.error**2 for each in differences]
    return math.sqrt(max(0.0, fmean(squares)) / 2) if squares else 0.0


def _excludes(difference: Difference, confidence_percent: float, scatter: float) -> bool:
    """Whether the interval of a ratio excludes 1. `scatter`: the standard deviation between runs beyond their trials."""
    z = NormalDist().inv_cdf((1 + confidence_percent / 100) / 2)
    half = math.hypot(difference.half(confidence_percent), z * math.sqrt(2) * scatter)
    return abs(difference.mean) > half
