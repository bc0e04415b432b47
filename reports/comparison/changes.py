"""What changed between two records, cell by cell.

The trials of two records are not paired. The ratio of a cell is that of the geometric means, with the interval of Welch's t
on logarithms (B. L. Welch, Biometrika 34, 1947). The machine may have been slower in one of them. Where the targets took
turns, each target is compared with those whose images did not change (difference in differences). In older records the
machine's speed was probed, and its effect is removed by analysis of covariance with one slope for both records (`apart` in
reports/stats/intervals.py). Of many intervals some exclude 1 by chance; the result says how many that would be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

import msgspec
from msgspec import Struct

from harness.record.plan import BASE
from harness.record.run import Run
from reports.analysis.analysis import Analysis
from reports.analysis.cells import SPEED, MetricInfo, cell_name, cells, metric_info, parts_of
from reports.comparison.matched_cells import PairedCell, RecordPair, all_pairs, match_cells, unchanged
from reports.comparison.rank_agreement import agreement, said
from reports.metrics.catalogue import BY_ID, STATEMENTS
from reports.metrics.metric import Direction
from reports.stats.intervals import MIN_TRIALS, at_zero, student_t_quantile
from reports.units import number, quantity

BELOW = "below the relevance bound"
#: From this method on targets take turns, where their levels allow it.
SLICES_FROM = 7


class Change(Struct, frozen=True):
    """One cell: its value before and now, the ratio now / before with its interval, and the verdict."""

    scope: str = msgspec.field(name="place")
    axis: str
    target: str
    before: str
    now: str
    ratio: str
    verdict: str


class Changes(Struct, frozen=True):
    """All cells that both records have. `differences`: what else differs between the records; it may be the reason."""

    baseline: str
    rows: tuple[Change, ...]
    changed: tuple[Change, ...]
    expected_by_chance: float
    differences: tuple[tuple[str, str, str], ...]
    only_before: tuple[str, ...]
    only_now: tuple[str, ...]
    #: Measured in pairs of base and head, in one record.
    paired: bool = False
    #: The machine's speed compared with the base, in words; empty if it was not probed.
    machine: str = ""
    #: Whether both records rank the targets alike, in words; empty for pairs within one record.
    agreement: str = ""

    @property
    def irrelevant(self) -> int:
        """How many cells differ by less than the relevance bound, although their interval excludes 1."""
        return sum(row.verdict == BELOW for row in self.rows)


def changes(now: Analysis, before: Analysis) -> Changes:
    """Everything that changed from `before` to `now`."""
    confidence = now.run.configuration.report.confidence_percent
    rows = []
    judged = 0
    for cell in match_cells(now, before):
        metric = cell.metric
        bound = metric.relevance_percent(now.run.configuration.report.relevance_percent)
        ratio, verdict = _judged(cell.versions, metric.direction, confidence, bound, exact=metric.exact)
        # A value that was read, not measured, has no interval that could exclude 1 by chance.
        judged += not metric.exact and verdict != "too few trials"
        rows.append(
            Change(
                cell.scope.title,
                metric.title,
                cell.target,
                quantity(_middle(cell.versions.before), metric.unit),
                quantity(_middle(cell.versions.now), metric.unit),
                ratio,
                verdict,
            )
        )
    changed = tuple(row for row in rows if row.verdict in ("better", "worse"))
    return Changes(
        baseline=before.run.id,
        rows=tuple(rows),
        changed=changed,
        expected_by_chance=judged * (1 - confidence / 100),
        differences=differences(now.run, before.run),
        only_before=tuple(t for t in before.run.plan.targets if t not in now.run.plan.targets),
        only_now=tuple(t for t in now.run.plan.targets if t not in before.run.plan.targets),
        machine=_machine(now, before),
        agreement=said(agreement(now, before)),
    )


def has_pairs(analysis: Analysis) -> bool:
    """Whether a record has pairs: targets with their base versions."""
    return any(target.endswith(BASE) for target in analysis.run.plan.targets)


def paired_changes(analysis: Analysis) -> Changes:
    """All differences between base and head in a record of pairs. Intervals are of the pairs' ratios, with the effect of the
    machine's speed removed.
    """
    confidence = analysis.run.configuration.report.confidence_percent
    named = {cell.name: cell for cell in cells(analysis)}
    rows, judged = [], 0
    for name, pairs in all_pairs(analysis).items():
        target, scope, metric = parts_of(name)
        figure, now, before = metric_info(metric), named[name], named[cell_name(target + BASE, scope, metric)]
        if figure is None or metric == STATEMENTS:
            continue
        bound = BY_ID[metric].relevance_percent(analysis.run.configuration.report.relevance_percent)
        ratio, verdict = _judged_pairs(pairs, figure, confidence, bound)
        judged += not figure.exact and verdict != "too few trials"
        rows.append(
            Change(
                now.scope.title if now.scope else "",
                figure.title,
                target,
                quantity(before.mean, figure.unit),
                quantity(now.mean, figure.unit),
                ratio,
                verdict,
            )
        )
    return Changes(
        baseline="their bases",
        rows=tuple(rows),
        changed=tuple(row for row in rows if row.verdict in ("better", "worse")),
        expected_by_chance=judged * (1 - confidence / 100),
        differences=(),
        only_before=(),
        only_now=(),
        paired=True,
    )


def _judged_pairs(pairs: PairedCell, figure: MetricInfo, confidence: float, bound: float) -> tuple[str, str]:
    if len(pairs.worse) < MIN_TRIALS:
        return "", "too few trials"
    fit = at_zero(pairs.worse, pairs.slower)
    half = 0.0 if figure.exact else student_t_quantile((1 + confidence / 100) / 2, fit.degrees) * fit.error
    sign = -1.0 if figure.direction == "higher" else 1.0
    low, high = sorted((math.exp(sign * (fit.mean - half)), math.exp(sign * (fit.mean + half))))
    ratio = math.exp(sign * fit.mean)
    shown = number(ratio) if figure.exact else f"{number(ratio)} ({number(low)}–{number(high)})"
    return shown, _word(ratio, low, high, figure.direction, bound)


def _machine(now: Analysis, before: Analysis) -> str:
    """How fast the machine was, by the CPU speed probe on the service's CPUs, and by what changes are corrected for it."""
    speeds = [
        [math.log(value) for cell in cells(each) if cell.metric == SPEED["service"] for value in cell.values.values()]
        for each in (now, before)
    ]
    probed = ""
    if all(speeds):
        percent = 100 * math.expm1(fmean(speeds[0]) - fmean(speeds[1]))
        difference = f"{abs(percent):.0f} % {'more' if percent > 0 else 'less'} time than in the base"
        probed = f"a fixed piece of work on the service's CPUs took {difference}; "
    if min(now.run.method, before.run.method) < SLICES_FROM:
        return f"{probed}what that explains is taken out of the ratios of times and rates" if probed else ""
    same = unchanged(now.run, before.run)
    if not same:
        return f"{probed}every image differs, so nothing tells how much of the changes is the machine's"
    return (
        f"{probed}ratios of what was measured in turns are relative to the targets with the same image ({', '.join(same)})"
    )


def _middle(values: Sequence[float]) -> float:
    return math.exp(fmean(math.log(v) for v in values))


def _judged(versions: RecordPair, direction: Direction, confidence: float, bound: float, *, exact: bool) -> tuple[str, str]:
    """The ratio as text, and the verdict."""
    if exact:
        ratio = versions.now[0] / versions.before[0]
        return number(ratio), _word(ratio, ratio, ratio, direction, bound)
    if min(len(versions.now), len(versions.before)) < MIN_TRIALS:
        return number(_middle(versions.now) / _middle(versions.before)), "too few trials"
    centre, low, high = versions.ratio(confidence)
    return f"{number(centre)} ({number(low)}–{number(high)})", _word(centre, low, high, direction, bound)


def _word(ratio: float, low: float, high: float, direction: Direction, bound_percent: float) -> str:
    if low <= 1 <= high:
        return "no difference shown"
    if max(ratio, 1 / ratio) <= 1 + bound_percent / 100:
        return BELOW
    return "better" if (ratio > 1) == (direction == "higher") else "worse"


def differences(now: Run, before: Run) -> tuple[tuple[str, str, str], ...]:
    """What else differs: name, before, now. It may be the reason for a change."""
    pairs = {
        "Host": (before.host.name, now.host.name),
        "Processor": (before.host.cpu_model, now.host.cpu_model),
        "Kernel": (before.host.kernel, now.host.kernel),
        "Engine": (before.engine.version, now.engine.version),
        "Method version": (str(before.method), str(now.method)),
        "Image set": (before.image_set, now.image_set),
        "Preset": (before.plan.preset, now.plan.preset),
        "Placement": (_placement(before), _placement(now)),
        "Database": (before.database_version, now.database_version),
        "Seed data": (before.seed_checksum, now.seed_checksum),
        "fitmap": (before.revision or before.fitmap_version, now.revision or now.fitmap_version),
        **{
            f"Image of {name}": (before.images[name].id, now.images[name].id) for name in before.images if name in now.images
        },
    }
    return tuple((name, was, is_now) for name, (was, is_now) in pairs.items() if was != is_now)


def _placement(run: Run) -> str:
    placement = run.plan.placement
    return f"service {placement.service}, database {placement.database}, generator {placement.generator}"
