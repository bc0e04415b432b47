"""Dot charts of every metric, each with its explanation and its table."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis, at_least
from reports.analysis.caveats import caveats
from reports.analysis.ranking import RankedTarget, Ranking, too_few
from reports.charts import dot_chart
from reports.charts.dot_chart import Dot
from reports.metrics.catalogue import BY_ID
from reports.metrics.scopes import Scope
from reports.sections.elements import Figure, Section, styles_of
from reports.units import Unit, factor, number, quantity, span

BY_STATE = ("Behind in quiet rounds", "Behind in loud rounds")


def axis_sections(analysis: Analysis) -> tuple[Section, ...]:
    """The figures of all metrics by load, and of the whole run. Non-load profiles have their own sections."""
    others = {profile.name for profile in analysis.run.plan.profiles if profile.kind != "load"}
    sections = [
        Section(scope.title, scope_figures(analysis, scope, f"axis-{number}"))
        for number, scope in enumerate(analysis.scopes)
        if scope.profile not in others
    ]
    return tuple(section for section in sections if section.figures)


def scope_figures(analysis: Analysis, scope: Scope, name: str) -> tuple[Figure, ...]:
    """The figures of all metrics of a scope that have a value."""
    found: dict[str, list[Ranking]] = {}
    for ranking in analysis.rankings:
        if ranking.scope == scope.id:
            found.setdefault(ranking.metric, []).append(ranking)
    figures = (_metric_figure(analysis, f"{name}-{metric.replace('.', '_')}", s) for metric, s in found.items())
    return tuple(figure for figure in figures if figure)


def _metric_figure(analysis: Analysis, name: str, rankings: list[Ranking]) -> Figure | None:
    metric, scope = BY_ID[rankings[0].metric], analysis.scope(rankings[0])
    rows, table = [], []
    told = any(entry.by_state for ranking in rankings for entry in ranking.entries)
    for ranking, entry in [(s, entry) for s in rankings for entry in s.entries]:
        trials = analysis.of(entry.target, scope)
        # One value per trial: if a metric covers a whole trial, all of its levels carry the same value.
        values = {m.trial.id: v for m in trials if isinstance(v := m.values.get(metric.id), (float, int))}
        if metric.exact:
            # The number is the same in every trial: one dot is enough.
            values = dict(list(values.items())[:1])
        counted = {m.trial.id for m in trials if m.counts(scope.scope)}
        valid = tuple(v for trial, v in values.items() if trial in counted)
        others = tuple(v for trial, v in values.items() if trial not in counted)
        found = entry.estimate
        if isinstance(found, Missing):
            rows.append(Dot(entry.target, None, None, None, valid, others))
            reason = f"not ranked: {found.reason}"
            table.append((entry.target, "–", "–", reason, _values(valid, others, metric.unit), *_by_state(entry, told)))
            continue
        rows.append(Dot(entry.target, found.median, found.low, found.high, valid, others))
        interval = (
            "–" if found.low is None or found.high is None or metric.exact else span(found.low, found.high, metric.unit)
        )
        place = f"group {entry.group}" if entry.group else f"not ranked: {too_few(entry)}"
        bound = "at least " if at_least(analysis, ranking, entry.target) else ""
        table.append(
            (
                entry.target,
                f"{bound}{quantity(found.median, metric.unit)}",
                interval,
                "; ".join((place, *caveats(entry, metric.unit, analysis.run.targets[entry.target]))),
                _values(valid, others, metric.unit),
                *_by_state(entry, told),
            )
        )
    if not any(row.trials or row.not_valid or row.median for row in rows):
        return None
    better = "higher is better" if metric.direction == "higher" else "lower is better"
    title = f"{metric.title} ({better})"
    return Figure(
        id=name,
        title=title,
        reading=metric.meaning,
        headers=("Target", "Median", "Interval", "Tie group", "Single trials", *(BY_STATE if told else ())),
        rows=tuple(table),
        chart=partial(dot_chart.dots, rows, styles_of(analysis), metric.unit),
    )


def _by_state(entry: RankedTarget, told: bool) -> tuple[str, ...]:
    """How far behind the leader it is in quiet and in loud rounds, each with its interval."""
    if not told:
        return ()
    if entry.by_state is None:
        return ("–", "–")
    both = (entry.by_state.quiet, entry.by_state.loud)
    return tuple(f"{factor(each.ahead)} ({number(each.low)}–{number(each.high)})" for each in both)


def _values(valid: Iterable[float], others: Iterable[float], unit: Unit) -> str:
    shown = [quantity(v, unit) for v in valid]
    shown += [f"{quantity(v, unit)} (not valid)" for v in others]
    return ", ".join(shown) or "–"
