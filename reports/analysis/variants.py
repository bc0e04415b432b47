"""Variants against their bases: the ratio of both on the headline axes, start by start.

A variant and its base are alive at the same time and get the same requests. So each start of both gives one ratio, and the
interval is Student's t over the starts. The intervals of a table hold together (Bonferroni over its rows).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean
from typing import Literal

from msgspec import Struct

from harness.record.measurement import Missing
from harness.record.plan import Variant
from reports.analysis.analysis import Analysis
from reports.analysis.tails import TAIL, tail_route
from reports.metrics.catalogue import BY_ID
from reports.metrics.metric import Metric
from reports.metrics.scopes import Scope
from reports.stats.intervals import Estimate, Ratio, estimate
from reports.stats.pairs import TrialValues, pair_logs, ratio_of

#: The headline axes in their order, each with the kinds of load at which it is compared. Memory and tail are those at a rate
#: that is the same for both; what a trial has once is compared once.
AXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cpu", ("closed", "open")),
    ("throughput", ("closed",)),
    (TAIL, ("open",)),
    ("working-set", ("open",)),
    ("start", ()),
)

Verdict = Literal["better", "worse", "below the relevance bound", "no difference", "not told apart", "too few starts"]
#: An interval that holds 1 shows that there is no difference only where it excludes every factor from here on.
NO_DIFFERENCE_BELOW = 1.05


class Comparison(Struct, frozen=True):
    """A variant against its base on one axis. `ratio`: of the variant to the base. None: fewer than three starts of both."""

    variant: str
    base: str
    metric: str
    scope: Scope
    values: tuple[Estimate, Estimate]
    ratio: Ratio | None
    verdict: Verdict


class Comparisons(Struct, frozen=True):
    """One table. `tuning`: its variants are of another class than their bases. `missing`: axes without a value, and why."""

    tuning: bool
    rows: tuple[Comparison, ...]
    missing: tuple[tuple[str, str, str], ...]

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(row.variant for row in self.rows), *(name for name, _, _ in self.missing))))


def comparisons(analysis: Analysis) -> tuple[Comparisons, ...]:
    """What versions bring, and what tuning buys; each only where there is such a variant with its base."""
    classes = {name: target.target_class for name, target in analysis.run.targets.items()}
    pairs = {name: variant for name, variant in variants_in(analysis) if variant.base in analysis.run.plan.targets}
    tables = []
    for tuning in (False, True):
        mine = {name: v for name, v in pairs.items() if (classes[name] != classes[v.base]) == tuning}
        if mine:
            tables.append(_table(analysis, mine, tuning=tuning))
    return tuple(tables)


def variants_in(analysis: Analysis) -> Iterator[tuple[str, Variant]]:
    """The variants of a record by name."""
    for name in (*analysis.run.plan.targets, *analysis.unranked):
        if variant := analysis.run.targets[name].variant:
            yield name, variant


def axes_of(analysis: Analysis) -> tuple[tuple[Metric, Scope], ...]:
    """The headline axes that a record may have."""
    found = []
    for metric, kinds in ((BY_ID[name], kinds) for name, kinds in AXES):
        for scope in (scope for scope in analysis.scopes if scope.scope == metric.scope):
            load = scope.load
            if load is None or (
                load.kind in kinds and scope.route == (tail_route(analysis, load) if metric.id == TAIL else "")
            ):
                found.append((metric, scope))
    return tuple(found)


def value_of(analysis: Analysis, metric: Metric, target: str, scope: Scope) -> Estimate | Missing:
    """A target's estimate of a metric at a scope, ranked or not."""
    found = analysis.trial_values(metric.id, target, scope)
    confidence = analysis.run.configuration.report.confidence_percent
    return found if isinstance(found, Missing) else estimate(list(found.values.values()), confidence, exact=metric.exact)


def _table(analysis: Analysis, variants: dict[str, Variant], *, tuning: bool) -> Comparisons:
    cells: list[tuple[str, str, Metric, Scope, TrialValues, TrialValues]] = []
    missing = []
    for name, variant in variants.items():
        for metric, scope in axes_of(analysis):
            mine, base = (analysis.trial_values(metric.id, target, scope) for target in (name, variant.base))
            if not isinstance(mine, Missing) and not isinstance(base, Missing):
                cells.append((name, variant.base, metric, scope, mine, base))
            elif measured(analysis, metric, scope):
                reason = f"{name}: {mine.reason}" if isinstance(mine, Missing) else f"{variant.base}: {_reason(base)}"
                missing.append((name, axis_title(metric, scope), reason))
    rows = tuple(_row(analysis, *cell, comparisons=len(cells)) for cell in cells)
    return Comparisons(tuning, rows, tuple(missing))


def _reason(found: TrialValues | Missing) -> str:
    return found.reason if isinstance(found, Missing) else ""


def measured(analysis: Analysis, metric: Metric, scope: Scope) -> bool:
    """Whether a metric says anything of what was measured at a scope."""
    return any((ranking.metric, ranking.scope) == (metric.id, scope.id) for ranking in analysis.rankings)


def axis_title(metric: Metric, scope: Scope) -> str:
    """An axis in words: `CPU per request, CPU-bound, saturated`; the metric alone for the whole run."""
    return metric.title if scope.scope == "run" else f"{metric.title}, {scope.title}"


def start_logs(mine: TrialValues, other: TrialValues) -> list[float]:
    """Logarithms of `mine` / `other`, one for each start: trials of several profiles may share one."""
    found = defaultdict(list)
    for pair, log in pair_logs(mine, other).items():
        found[pair.partition("/")[0]].append(log)
    return [fmean(logs) for logs in found.values()]


def _row(
    analysis: Analysis,
    variant: str,
    base: str,
    metric: Metric,
    scope: Scope,
    mine: TrialValues,
    other: TrialValues,
    *,
    comparisons: int,
) -> Comparison:
    report = analysis.run.configuration.report
    ratio = ratio_of(start_logs(mine, other), report.confidence_percent, comparisons)
    both = tuple(estimate(list(each.values.values()), report.confidence_percent) for each in (other, mine))
    bound = 1 + metric.relevance_percent(report.relevance_percent) / 100
    return Comparison(variant, base, metric.id, scope, (both[0], both[1]), ratio, verdict_of(ratio, metric, bound))


def verdict_of(ratio: Ratio | None, metric: Metric, bound: float) -> Verdict:
    """What the ratio of a variant to its base says. `bound`: the factor from which on a difference is relevant."""
    if ratio is None:
        return "too few starts"
    if ratio.low <= 1 <= ratio.high:
        narrow = max(ratio.high, 1 / ratio.low) < NO_DIFFERENCE_BELOW
        return "no difference" if narrow else "not told apart"
    if abs(math.log(ratio.ahead)) < math.log(bound):
        return "below the relevance bound"
    return "better" if (ratio.ahead > 1) == (metric.direction == "higher") else "worse"
