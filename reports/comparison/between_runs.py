"""How far do whole runs of the same thing lie apart, beyond what the trials of each explain? Pure.

The interval of a value knows the trials of its own run: what is another machine tomorrow is not in it. Two runs and more
tell that part: the variance of the logarithms' differences beyond their standard errors (random effects by the method of
moments, pooled over the cells of an axis). ISO 5725-3 calls what trials scatter repeatability, what runs scatter
intermediate precision, and ISO 5725-6 the bound that two results keep in 95 of 100 cases their critical difference.

Whether that bound holds can be told from three runs on: it is taken from the runs that are left when one is set aside, and
tried on that one.
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

#: Two that are left, and the one that is set aside.
MIN_RUNS = 3


class CellPair(Struct, frozen=True):
    """An axis of a target at a place in two runs. `difference`: of the logarithms, after what the machine's speed explains;
    `measured`: as measured.
    """

    runs: tuple[str, str]
    metric: str
    difference: Difference
    measured: Difference


class BetweenRuns(Struct, frozen=True):
    """An axis over all pairs of runs. Standard deviations are of logarithms (0.03 is 3 %): `trials`: of a run's value, by
    its own trials; `runs`: of runs beyond that, after what the machine's speed explains; `measured`: the same, as measured.
    `outside`: how many of `cells` ratios have an interval, from the trials alone, that excludes 1, after the machine's
    speed; `outside_measured`: as measured.
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
        """The factor within which two runs' values lie, as measured, so often."""
        z = NormalDist().inv_cdf((1 + confidence_percent / 100) / 2)
        return math.exp(z * math.sqrt(2 * (self.trials**2 + self.measured**2)))


class Tried(Struct, frozen=True):
    """Intervals tried on a run that had no part in them: how many exclude 1 that know the trials alone, and that know what
    the other runs scatter as well.
    """

    intervals: int
    trials_alone: int
    widened: int


def cells_of(analyses: Sequence[Analysis]) -> tuple[CellPair, ...]:
    """Every cell that is measured, not read, of every two runs that have enough trials of it."""
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
    """Every axis, in the order of reports/metrics/load.py."""
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
    """Each run set aside in turn; None of fewer than three."""
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
    """The standard deviation of runs beyond what their trials explain; 0 of none, and where the trials explain it all."""
    squares = [each.mean**2 - each.error**2 for each in differences]
    return math.sqrt(max(0.0, fmean(squares)) / 2) if squares else 0.0


def _excludes(difference: Difference, confidence_percent: float, scatter: float) -> bool:
    """Whether the interval of a ratio excludes 1, when runs scatter so much beyond their trials."""
    z = NormalDist().inv_cdf((1 + confidence_percent / 100) / 2)
    half = math.hypot(difference.half(confidence_percent), z * math.sqrt(2) * scatter)
    return abs(difference.mean) > half
