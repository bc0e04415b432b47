"""Cells that two records both have (or base and head in one record), with their values and the machine's speed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from msgspec import Struct

from harness.record.measurement import Missing
from harness.record.plan import BASE
from harness.record.run import Run
from reports.analysis.analysis import Analysis
from reports.analysis.cells import SPEED, cell_name, cells, metric_info, parts_of
from reports.metrics.catalogue import BY_ID
from reports.metrics.metric import Direction, Metric
from reports.metrics.scopes import Scope
from reports.stats.intervals import Difference, apart, welch
from reports.stats.pairs import TrialValues, pair_logs


class RecordPair(Struct, frozen=True):
    """A cell's values in both records. `slower`: for each role whose CPU speed affects the metric, the logarithms of the CPU
    speed probe's times for the values of now, and for those of before.

    `others`: where targets took turns in both records, what the targets whose images did not change had at the same times:
    the mean logarithm for each value of now, and of before. The machine made both slower alike, so the difference of the
    differences is the target's own.
    """

    now: Sequence[float]
    before: Sequence[float]
    slower: Sequence[tuple[Sequence[float], Sequence[float]]] = ()
    others: tuple[Sequence[float], Sequence[float]] | None = None

    def apart(self) -> Difference:
        """The difference of the mean logarithms, `now` minus `before`, at equal speed of the machine."""
        now, before = ([math.log(value) for value in values] for values in (self.now, self.before))
        if self.others:
            now, before = (
                [mine - theirs for mine, theirs in zip(logs, others, strict=True)]
                for logs, others in zip((now, before), self.others, strict=True)
            )
        if not self.slower:
            return welch(now, before)
        found = apart(now, before, self.slower)
        return Difference(found.mean, found.error, found.degrees)

    def ratio(self, confidence_percent: float) -> tuple[float, float, float]:
        """Geometric mean of `now` / that of `before` at equal speed of the machine, with its interval."""
        return self.apart().ratio(confidence_percent)


class MatchedCells(Struct, frozen=True):
    """A cell that both records have."""

    scope: Scope
    metric: Metric
    target: str
    versions: RecordPair


def match_cells(now: Analysis, before: Analysis) -> Iterator[MatchedCells]:
    """Every cell with a value in both, in the order of `now`."""
    speeds = [{cell.name: cell.values for cell in cells(each)} for each in (now, before)]
    same = unchanged(now.run, before.run)
    there = {*before.run.plan.targets, *before.unranked}
    for metric, scope, target in _measured(now):
        other = next((p for p in before.scopes if p.id == scope.id), None)
        if other is None or target not in there:
            continue
        current, earlier = _values(now, metric, target, scope), _values(before, metric, target, other)
        if not current.values or not earlier.values:
            continue
        slower: tuple[tuple[list[float], list[float]], ...] = ()
        others = None
        if current.rounds and earlier.rounds:
            references = [name for name in same if name != target]
            others = _others((now, before), (scope, other), metric, (current, earlier), references)
        else:
            slower = _slower(cell_name(target, scope.id, metric), (current.values, earlier.values), speeds)
        versions = RecordPair(tuple(current.values.values()), tuple(earlier.values.values()), slower, others)
        yield MatchedCells(scope, BY_ID[metric], target, versions)


def _measured(now: Analysis) -> Iterator[tuple[str, Scope, str]]:
    """Metric, scope and target of each cell: those of the rankings, then those of what is ranked nowhere."""
    for ranking in now.rankings:
        yield from ((ranking.metric, now.scope(ranking), entry.target) for entry in ranking.entries)
    scopes = {scope.id: scope for scope in now.scopes}
    for metric, scope in dict.fromkeys((ranking.metric, ranking.scope) for ranking in now.rankings):
        yield from ((metric, scopes[scope], target) for target in now.unranked)


def unchanged(now: Run, before: Run) -> tuple[str, ...]:
    """The targets of both records that were the same image in both."""
    return tuple(
        name
        for name in now.plan.targets
        if name in now.images and name in before.images and now.images[name].id == before.images[name].id
    )


def _values(analysis: Analysis, metric: str, target: str, scope: Scope) -> TrialValues:
    found = analysis.trial_values(metric, target, scope)
    return TrialValues({}) if isinstance(found, Missing) else found


def _others(
    analyses: tuple[Analysis, Analysis],
    scopes: tuple[Scope, Scope],
    metric: str,
    mine: tuple[TrialValues, TrialValues],
    references: Sequence[str],
) -> tuple[list[float], list[float]] | None:
    """RecordPair.others. Only targets with a value for each of a cell's values take part; None: there is none."""
    known = {
        name: [_values(each, metric, name, scope).values for each, scope in zip(analyses, scopes, strict=True)]
        for name in references
    }
    whole = [
        both
        for both in known.values()
        if all(own.values.keys() <= found.keys() for own, found in zip(mine, both, strict=True))
    ]
    if not whole:
        return None
    now, before = ([fmean(math.log(both[at][pair]) for both in whole) for pair in own.values] for at, own in enumerate(mine))
    return now, before


def _slower(
    cell: str, values: Sequence[Mapping[str, float]], speeds: Sequence[Mapping[str, Mapping[str, float]]]
) -> tuple[tuple[list[float], list[float]], ...]:
    """RecordPair.slower of a cell. Roles that were not probed for each of its values are left out."""
    target, scope, metric = parts_of(cell)
    figure = metric_info(metric)
    found = []
    for role in figure.covariates if figure else ():
        both_probed = [each.get(cell_name(target, scope, SPEED[role]), {}) for each in speeds]
        if all(pair in probed for mine, probed in zip(values, both_probed, strict=True) for pair in mine):
            now, before = (
                [math.log(probed[pair]) for pair in mine] for mine, probed in zip(values, both_probed, strict=True)
            )
            found.append((now, before))
    return tuple(found)


class PairedCell(Struct, frozen=True):
    """A cell's pairs: logarithms of how much worse the head was, and per role of how much slower the machine was then."""

    worse: tuple[float, ...]
    slower: tuple[tuple[float, ...], ...] = ()


def pairs_of(
    base: TrialValues,
    head: TrialValues,
    direction: Direction,
    speeds: Sequence[tuple[Mapping[str, float], Mapping[str, float]]] = (),
) -> PairedCell:
    """The pairs that base and head both have. `speeds`: per role, the CPU speed probe's times for base and head."""
    sign = -1.0 if direction == "higher" else 1.0
    logs = pair_logs(head, base)
    probed = [(b, h) for b, h in speeds if all(pair in b and pair in h for pair in logs)]
    return PairedCell(
        tuple(sign * log for log in logs.values()),
        tuple(tuple(math.log(h[pair] / b[pair]) for pair in logs) for b, h in probed),
    )


def all_pairs(again: Analysis) -> dict[str, PairedCell]:
    """All cells that base and head both have, as pairs."""
    every = {cell.name: cell for cell in cells(again)}
    values = {name: cell.values for name, cell in every.items()}
    found = {}
    for name, head in every.items():
        target, scope, metric = parts_of(name)
        figure, base = metric_info(metric), every.get(cell_name(target + BASE, scope, metric))
        if figure is None or base is None or metric in SPEED.values():
            continue
        speeds = [
            (
                values.get(cell_name(target + BASE, scope, SPEED[role]), {}),
                values.get(cell_name(target, scope, SPEED[role]), {}),
            )
            for role in figure.covariates
        ]
        found[name] = pairs_of(base.trials, head.trials, figure.direction, speeds)
    return found
