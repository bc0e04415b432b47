"""Repeatability of a record: variation over trials, and the A/A test (twins: one image under two names).

Twins whose interval excludes 1 are a false alarm. That may happen as often as the interval's level allows, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import fmean, stdev

from msgspec import Struct

from harness.record.measurement import Missing
from harness.record.plan import TWIN
from reports.analysis.analysis import Analysis
from reports.analysis.cells import SPEED, metric_info, speed_cells
from reports.metrics.catalogue import METRICS
from reports.stats.intervals import MIN_TRIALS, at_zero
from reports.stats.pairs import TrialValues, paired_ratio

#: With fewer trials the effect of the machine's speed can't be estimated.
ENOUGH_TRIALS = 8


class Scatter(Struct, frozen=True):
    """The coefficient of variation of a cell over its valid trials (0.03 is 3 %). `unexplained`: the part that the machine's
    speed does not explain; None if the speed was not probed or the trials are too few.
    """

    scope: str
    metric: str
    target: str
    trials: int
    variation: float
    unexplained: float | None


class Separation(Struct, frozen=True):
    """Twins in a cell: the interval of their ratio over all blocks. `groups`: groups of three blocks (as many as preset
    `quick` has). `groups_apart`: those whose interval excludes 1. `groups_won`: those that also exceed the relevance bound
    and so would have been called a win.
    """

    scope: str
    metric: str
    target: str
    low: float
    high: float
    blocks: int
    groups: int
    groups_apart: int
    groups_won: int

    @property
    def apart(self) -> bool:
        return not self.low <= 1 <= self.high


def _cells(analysis: Analysis) -> Iterator[tuple[str, str, float, Mapping[str, TrialValues]]]:
    """Each ranking by a metric with noise: scope, metric, relevance bound in percent, and target -> its values."""
    bound = analysis.run.configuration.report.relevance_percent
    for ranking in analysis.rankings:
        metric = next(m for m in METRICS if m.id == ranking.metric)
        if metric.exact:
            continue
        scope = analysis.scope(ranking)
        names = [entry.target for entry in ranking.entries]
        values = {
            name: found
            for name in (*names, *(name + TWIN for name in names if name + TWIN in analysis.twins))
            if not isinstance(found := analysis.trial_values(metric.id, name, scope), Missing)
        }
        yield scope.id or "run", metric.id, metric.relevance_percent(bound), values


def scatter(analysis: Analysis) -> tuple[Scatter, ...]:
    """The variation of every cell with two trials or more."""
    speeds: dict[tuple[str, str], dict[str, Mapping[str, float]]] = {}
    for cell in speed_cells(analysis):
        if cell.scope:
            speeds.setdefault((cell.target, cell.scope.id or "run"), {})[cell.metric] = cell.values
    return tuple(
        Scatter(
            scope,
            metric,
            target,
            len(found.values),
            stdev(found.values.values()) / fmean(found.values.values()),
            _unexplained(metric, found.values, speeds.get((target, scope), {})),
        )
        for scope, metric, _, values in _cells(analysis)
        for target, found in values.items()
        if len(found.values) > 1
    )


def _unexplained(metric: str, values: Mapping[str, float], speeds: Mapping[str, Mapping[str, float]]) -> float | None:
    figure = metric_info(metric)
    wanted = [speeds.get(SPEED[role], {}) for role in figure.covariates] if figure else []
    if not wanted or len(values) < ENOUGH_TRIALS or any(pair not in speed for speed in wanted for pair in values):
        return None
    columns = [[math.log(speed[pair]) for pair in values] for speed in wanted]
    middles = [fmean(column) for column in columns]
    # Centred: at the mean of the covariates the intercept's own uncertainty is smallest.
    centred = [[value - middle for value in column] for column, middle in zip(columns, middles, strict=True)]
    fit = at_zero([math.log(value) for value in values.values()], centred)
    return math.sqrt(fit.scatter**2 - fit.error**2)


def separations(analysis: Analysis) -> tuple[Separation, ...]:
    """All cells of all twins. Each interval is for one comparison, at the run's confidence level."""
    level = analysis.run.configuration.report.confidence_percent
    found = []
    for scope, metric, relevance, values in _cells(analysis):
        for target, mine in values.items():
            twin = values.get(target + TWIN)
            ratio = paired_ratio(mine, twin, level, 1) if twin else None
            if ratio is None or twin is None:
                continue
            common = sorted(mine.values.keys() & twin.values.keys(), key=lambda pair: (int(pair.partition("/")[0]), pair))
            groups = [common[i : i + MIN_TRIALS] for i in range(0, len(common) - MIN_TRIALS + 1, MIN_TRIALS)]
            each = [paired_ratio(mine.only(group), twin.only(group), level, 1) for group in groups]
            apart = [r for r in each if r and not r.low <= 1 <= r.high]
            won = [r for r in apart if abs(math.log(r.ahead)) > math.log1p(relevance / 100)]
            found.append(
                Separation(scope, metric, target, ratio.low, ratio.high, ratio.blocks, len(groups), len(apart), len(won))
            )
    return tuple(found)
