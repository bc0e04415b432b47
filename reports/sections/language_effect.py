"""The language effect: how far best and worst target are apart at each load, and what limits them."""

from __future__ import annotations

from collections import Counter
from statistics import median

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.ranking import RankedTarget, Ranking
from reports.metrics.catalogue import BY_ID
from reports.metrics.scopes import Scope
from reports.sections.elements import Span
from reports.sections.time_breakdown import LIMITS
from reports.units import factor, quantity

#: Below this factor between best and worst, a difference exists but is seldom a reason to choose a language.
HARDLY_BELOW = 1.25
#: Metrics compared at a load of each kind: first what a client sees, last what it costs.
_SEEN = {"closed": ("throughput", "cpu"), "open": ("p50", "p99", "cpu"), "held": ("waiter-memory", "wait", "cpu")}


class Gap(Struct, frozen=True):
    """One metric at a load: best and worst target, the ratio of their medians, and whether all targets tie."""

    axis: str
    best: str
    best_value: str
    worst: str
    worst_value: str
    apart: float
    tie: bool


class LanguageEffect(Struct, frozen=True):
    """The language effect at a load. `answer`: yes, hardly or no, by the first of its gaps."""

    title: str
    target_class: str
    answer: str
    sentence: tuple[Span, ...]
    gaps: tuple[Gap, ...]

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The gaps as rows of a table."""
        return tuple(
            (s.axis, s.best, s.best_value, s.worst, s.worst_value, f"{factor(s.apart)}{', a tie' if s.tie else ''}")
            for s in self.gaps
        )


def language_effects(analysis: Analysis) -> tuple[LanguageEffect, ...]:
    """The language effect of each load and class that has one."""
    classes = dict.fromkeys(s.target_class for s in analysis.rankings)
    found = (_effect(analysis, scope, c) for c in classes for scope in analysis.scopes if scope.load)
    return tuple(effect for effect in found if effect)


def _effect(analysis: Analysis, scope: Scope, target_class: str) -> LanguageEffect | None:
    if scope.load is None:
        return None
    rankings = {s.metric: s for s in analysis.rankings if s.scope == scope.id and s.target_class == target_class}
    gaps = tuple(gap for metric in _SEEN[scope.load.kind] if metric in rankings and (gap := _gap(rankings[metric])))
    if not gaps:
        return None
    first = gaps[0]
    answer = "no" if first.tie else "hardly" if first.apart < HARDLY_BELOW else "yes"
    return LanguageEffect(scope.title, target_class, answer, _sentence(analysis, scope, answer, first), gaps)


def _gap(ranking: Ranking) -> Gap | None:
    ranked = [(entry, entry.estimate) for entry in ranking.entries if not isinstance(entry.estimate, Missing)]
    if len(ranked) < 2:
        return None
    metric = BY_ID[ranking.metric]
    (best, best_found), (worst, worst_found) = ranked[0], ranked[-1]
    apart = max(best_found.median, worst_found.median) / min(best_found.median, worst_found.median)
    return Gap(
        axis=metric.title,
        best=best.target,
        best_value=quantity(best_found.median, metric.unit),
        worst=worst.target,
        worst_value=quantity(worst_found.median, metric.unit),
        apart=apart,
        tie=_all_tie(ranking, [entry for entry, _ in ranked]),
    )


def _all_tie(ranking: Ranking, entries: list[RankedTarget]) -> bool:
    return ranking.note == "tie" and len(ranking.leaders) == len(entries)


def _sentence(analysis: Analysis, scope: Scope, answer: str, first: Gap) -> tuple[Span, ...]:
    axis = first.axis[0].lower() + first.axis[1:]
    words: list[Span]
    if answer == "no":
        words = [Span(f"All targets tie on {axis}.")]
    else:
        words = [
            Span(first.best, "name"),
            Span(f" ({first.best_value}) is {factor(first.apart)} ahead of "),
            Span(first.worst, "name"),
            Span(f" ({first.worst_value}) in {axis}."),
        ]
    limit = _limited_by(analysis, scope)
    share = _database_share(analysis, scope)
    if limit:
        words.append(Span(f" {limit}"))
    if share is not None:
        words.append(Span(f" PostgreSQL does {share:.0%} of the work of a request (median over targets)."))
    return tuple(words)


def _limited_by(analysis: Analysis, scope: Scope) -> str:
    """The limits at a load, with the number of targets that each one limits."""
    found: list[str] = []
    for target in analysis.run.plan.targets:
        limits = [m.level.bottleneck for m in analysis.cell(target, scope.load)] if scope.load else []
        if limits:
            found.append(Counter(limits).most_common(1)[0][0])
    counted = Counter(found)
    if not found or set(counted) == {"none"}:
        return "No resource is used up at this load." if found else ""
    words = [f"{LIMITS[limit]} for {count} of {len(found)} targets" for limit, count in counted.most_common()]
    return f"Limited by {', '.join(words)}."


def _database_share(analysis: Analysis, scope: Scope) -> float | None:
    """PostgreSQL's share of PostgreSQL time + service CPU, median over targets."""
    shares = [p.database / (p.database + p.service_cpu) for p in analysis.parts if p.load == scope.id and p.database]
    return median(shares) if shares else None
