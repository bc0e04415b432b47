"""The verdict in words, as spans that HTML and Markdown escape: a name can never pass for markup."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis, classes, verdicts_at
from reports.analysis.ranking import Ranking
from reports.metrics.catalogue import BY_ID, METRICS
from reports.metrics.scopes import Scope
from reports.sections.elements import Span
from reports.units import factor, listed

#: At most so many partners of a tie are named. Of more, the sentence gives the number; the matrix has all.
NAMED_PARTNERS = 2


class TargetVerdict(Struct, frozen=True):
    """A target's verdict in sentences: where it wins, where it ties for the lead, where it was not ranked."""

    target: str
    target_class: str
    winner: bool
    wins: tuple[Span, ...]
    ties: tuple[Span, ...]
    unranked: tuple[Span, ...]


def verdicts(analysis: Analysis) -> tuple[TargetVerdict, ...]:
    """One verdict per target, in the plan's order within each class."""
    return tuple(
        _verdict(analysis, target, target_class)
        for target_class in classes(analysis.run)
        for target in analysis.run.plan.targets
        if analysis.run.targets[target].target_class == target_class
    )


def who_leads(ranking: Ranking) -> tuple[Span, ...]:
    """The lead on one metric, for the matrix: `rust ×1.31 over go` or `tie: go and rust`."""
    if ranking.winner and ranking.runner_up and ranking.lead:
        return (_name(ranking.winner), Span(f" {factor(ranking.lead.ahead)} over "), _name(ranking.runner_up))
    if ranking.note != "tie":
        reasons = {e.estimate.reason for e in ranking.entries if isinstance(e.estimate, Missing)}
        return (Span(reasons.pop() if not ranking.leaders and len(reasons) == 1 else ranking.note),)
    return (Span("tie: "), *_names(ranking.leaders))


def undecidable(analysis: Analysis) -> bool:
    """True if there are too few trials to rank anything: fewer than three blocks give values alone."""
    notes = [s.note for s in analysis.rankings if len(s.leaders) > 1 and s.scope]
    return bool(notes) and all(note.startswith("too few") for note in notes)


def _name(target: str) -> Span:
    return Span(target, "name")


def _names(targets: Iterable[str]) -> list[Span]:
    spans: list[Span] = []
    names = list(targets)
    for i, target in enumerate(names):
        if i:
            spans.append(Span(" and " if i == len(names) - 1 else ", "))
        spans.append(_name(target))
    return spans


def _verdict(analysis: Analysis, target: str, target_class: str) -> TargetVerdict:
    # Rankings without a leader are left out: no target has a value there (a percentile of too few requests).
    mine = [s for s in analysis.rankings if s.target_class == target_class and s.leaders]
    won = [s for s in mine if s.winner == target]
    tied = [s for s in mine if target in s.leaders and s.note == "tie"]
    wins: list[Span] = [_name(target)]
    if won:
        wins += [Span(" wins "), *_joined(_won(analysis, won, mine)), Span(".")]
    elif not mine:
        wins.append(Span(" is not ranked anywhere."))
    elif all(len(s.entries) == 1 for s in mine):
        wins.append(Span(f" is the only target of its class ({target_class}), so there is nothing to compare it with."))
    else:
        wins.append(Span(" wins no metric." if tied else " wins no metric and shares no lead."))
    ties = [Span("It shares the lead on "), *_joined(_tied(analysis, target, tied, mine)), Span(".")] if tied else []
    return TargetVerdict(target, target_class, bool(won), tuple(wins), tuple(ties), tuple(_unranked(analysis, target)))


def _joined(phrases: list[list[Span]]) -> list[Span]:
    return [span for i, phrase in enumerate(phrases) for span in ([Span("; "), *phrase] if i else phrase)]


def _by_family(rankings: list[Ranking]) -> dict[str, list[Ranking]]:
    """The rankings by family of metrics, in the metrics' order."""
    found: dict[str, list[Ranking]] = {metric.family: [] for metric in METRICS}
    for ranking in rankings:
        found[BY_ID[ranking.metric].family].append(ranking)
    return {family: members for family, members in found.items() if members}


def _won(analysis: Analysis, won: list[Ranking], mine: list[Ranking]) -> list[list[Span]]:
    """One phrase per family and set of its metrics: where the target wins, and over whom.

    `mine`: all rankings of the class.
    """
    phrases = []
    for family, members in _by_family(won).items():
        ranked = _by_family(mine)[family]
        for axes, scopes in _axes(members, ranked).items():
            found = [s for s in members if s.scope in scopes]
            leads = [s.lead.ahead for s in found if s.lead]
            low, high = factor(min(leads)), factor(max(leads))
            by = low if low == high else f"{low} to {high}"
            over = list(dict.fromkeys(s.runner_up for s in found if s.runner_up))
            where = _where(analysis, scopes, {s.scope for s in ranked})
            phrases.append([Span(f"{_axes_of(family, axes)}{where} ({by} over "), *_names(over), Span(")")])
    return phrases


def _tied(analysis: Analysis, target: str, tied: list[Ranking], mine: list[Ranking]) -> list[list[Span]]:
    """One phrase per family of metrics with ties, so that ties don't fill the page."""
    phrases = []
    for family, members in _by_family(tied).items():
        ranked = _by_family(mine)[family]
        sets = _axes(members, ranked)
        name = _axes_of(family, next(iter(sets))) if len(sets) == 1 else f"some {family} metrics"
        where = _where(analysis, [p for scopes in sets.values() for p in scopes], {s.scope for s in ranked})
        phrases.append([Span(f"{name}{where} (with "), *_partners(target, members), Span(")")])
    return phrases


def _partners(target: str, tied: list[Ranking]) -> list[Span]:
    """The names of the partners, or their number where there are more than NAMED_PARTNERS."""
    partners = list(dict.fromkeys(t for s in tied for t in s.leaders if t != target))
    if len(partners) <= NAMED_PARTNERS:
        return _names(partners)
    most = max(len(s.leaders) for s in tied) - 1
    if all(len(s.leaders) - 1 == len(partners) for s in tied):
        return [Span(f"{most} others")]
    return [Span(f"up to {most} of {len(partners)} others" if most < len(partners) else f"up to {most} others")]


def _axes(members: list[Ranking], ranked: list[Ranking]) -> dict[tuple[str, ...], list[str]]:
    """Sets of a family's metrics -> the scopes where exactly these are meant.

    The empty set means all metrics of the family that were ranked there (at least two if the family has two).
    """
    size = sum(metric.family == BY_ID[members[0].metric].family for metric in METRICS)
    found: dict[tuple[str, ...], list[str]] = {}
    for scope in dict.fromkeys(s.scope for s in ranked):
        axes = tuple(BY_ID[s.metric].short for s in members if s.scope == scope)
        if axes:
            every = len(axes) == sum(s.scope == scope for s in ranked) >= min(size, 2)
            found.setdefault(() if every else axes, []).append(scope)
    return found


def _axes_of(family: str, axes: tuple[str, ...]) -> str:
    """`latency p50 and p90`, or the family's name alone where all of its metrics are meant."""
    return f"{family} {listed(axes)}" if axes else family


def _where(analysis: Analysis, scopes: list[str], ranked: set[str]) -> str:
    """The loads in words: `, CPU-bound saturated and at 200 requests/s`; empty for the whole run."""
    chosen = [scope for scope in analysis.scopes if scope.id in scopes and scope.profile]
    if not chosen:
        return ""
    if len(ranked) > 1 and len(chosen) == len(ranked):
        return ", everywhere"
    by_profile: dict[str, list[Scope]] = {}
    for scope in chosen:
        by_profile.setdefault(scope.profile or "", []).append(scope)
    words = []
    for profile, found in by_profile.items():
        title = next(p.title for p in analysis.run.plan.profiles if p.name == profile)
        levels = [scope.load.phrase for scope in found if scope.load]
        size = sum(scope.profile == profile and scope.id in ranked for scope in analysis.scopes)
        if len(levels) > 1 and len(levels) == size:
            levels = ["at every level"]
        words.append(f"{title} {listed(levels)}" if levels else title)
    return f", {', '.join(words)}"


def _unranked(analysis: Analysis, target: str) -> list[Span]:
    """The loads at which a target has no valid trial, with the verdicts of its trials."""
    found = []
    for scope in analysis.scopes:
        if scope.load is None or analysis.cell(target, scope.load):
            continue
        why = listed(verdicts_at(target, scope, analysis.not_valid) or ["it did not run"])
        found.append(f"{scope.load.profile_title} {scope.load.phrase} ({why})")
    return [Span(f"Not ranked, because no trial is valid: {'; '.join(found)}.")] if found else []
