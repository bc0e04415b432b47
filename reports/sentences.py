"""The verdict in words. Pure; HTML and Markdown dress the same spans, so that a name can never pass for markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from typing import Literal

from msgspec import Struct

from harness.record import Missing
from reports.analysis import Analysis, classes
from reports.metrics import BY_ID, METRICS
from reports.standings import Standing
from reports.units import factor, listed


class Span(Struct, frozen=True):
    """A piece of a sentence. `name`: a target's, which came from outside."""

    text: str
    kind: Literal["text", "name"] = "text"


class Verdict(Struct, frozen=True):
    """What a target wins, in sentences: `wins` first, then where it ties for the lead, then where it was not ranked."""

    target: str
    target_class: str
    winner: bool
    wins: tuple[Span, ...]
    ties: tuple[Span, ...]
    unranked: tuple[Span, ...]


def verdicts(analysis: Analysis) -> tuple[Verdict, ...]:
    """A verdict per target, in the plan's order within each class."""
    return tuple(
        _verdict(analysis, target, target_class)
        for target_class in classes(analysis.run)
        for target in analysis.run.plan.targets
        if analysis.run.targets[target].target_class == target_class
    )


def who_leads(standing: Standing) -> tuple[Span, ...]:
    """The lead on one axis, for the matrix: `rust, ×1.31 over go` or `tie: go, rust`."""
    if standing.winner and standing.runner_up and standing.lead:
        return (_name(standing.winner), Span(f" {factor(standing.lead.ahead)} over "), _name(standing.runner_up))
    if standing.note != "tie":
        reasons = {e.estimate.reason for e in standing.entries if isinstance(e.estimate, Missing)}
        return (Span(reasons.pop() if not standing.leaders and len(reasons) == 1 else standing.note),)
    return (Span("tie: "), *_names(standing.leaders))


def undecidable(analysis: Analysis) -> bool:
    """Whether no profile could be judged for want of trials: fewer than three blocks give values, but no ranking."""
    notes = [s.note for s in analysis.standings if len(s.leaders) > 1 and s.profile]
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


def _verdict(analysis: Analysis, target: str, target_class: str) -> Verdict:
    mine = [s for s in analysis.standings if s.target_class == target_class]
    won = [s for s in mine if s.winner == target]
    tied = [s for s in mine if target in s.leaders and s.note == "tie"]
    wins: list[Span] = [_name(target)]
    if won:
        wins += [Span(" wins "), *_joined(analysis, won, _won_phrase), Span(".")]
    elif all(len(s.entries) == 1 for s in mine):
        wins.append(Span(f" has no other target of its class ({target_class}) to be compared with."))
    else:
        wins.append(Span(" wins nowhere." if tied else " wins nowhere and shares no lead."))
    ties = (
        [Span("It ties for the lead "), *_joined(analysis, tied, partial(_tied_phrase, target)), Span(".")] if tied else []
    )
    return Verdict(target, target_class, bool(won), tuple(wins), tuple(ties), tuple(_unranked(analysis, target)))


def _joined(
    analysis: Analysis, standings: list[Standing], phrase: Callable[[str, list[Standing]], list[Span]]
) -> list[Span]:
    """`under CPU-bound load on A, B; under Database-bound load on C`, families gathered."""
    titles = {p.name: p.title for p in analysis.run.plan.profiles}
    order = {metric.id: i for i, metric in enumerate(METRICS)}
    spans: list[Span] = []
    for profile, group in groupby(standings_by_profile(standings, list(titles)), key=lambda s: s.profile):
        spans.append(Span("; " if spans else ""))
        spans.append(Span(f"under {titles[profile]} load on " if profile else "over the whole run on "))
        found = sorted(group, key=lambda s: order[s.metric])
        for i, (family, members) in enumerate(groupby(found, key=lambda s: BY_ID[s.metric].family)):
            spans.append(Span(", " if i else ""))
            spans += phrase(family, list(members))
    return spans


def standings_by_profile(standings: list[Standing], profiles: list[str]) -> list[Standing]:
    """In the profiles' order, those of the whole run last."""
    return sorted(standings, key=lambda s: profiles.index(s.profile) if s.profile else len(profiles))


def _family(family: str, members: list[Standing]) -> str:
    """`latency p50 and p90`, or the family's name alone where it has one axis or all of them are meant."""
    size = sum(metric.family == family for metric in METRICS)
    if size in (1, len(members)):
        return family
    return f"{family} {listed([BY_ID[s.metric].short for s in members])}"


def _won_phrase(family: str, members: list[Standing]) -> list[Span]:
    leads = [s.lead.ahead for s in members if s.lead]
    low, high = factor(min(leads)), factor(max(leads))
    over = list(dict.fromkeys(s.runner_up for s in members if s.runner_up))
    by = low if low == high else f"{low} to {high}"
    return [Span(f"{_family(family, members)} ({by} over "), *_names(over), Span(")")]


def _tied_phrase(target: str, family: str, members: list[Standing]) -> list[Span]:
    spans: list[Span] = []
    partners: dict[tuple[str, ...], list[Standing]] = {}
    for standing in members:
        partners.setdefault(tuple(t for t in standing.leaders if t != target), []).append(standing)
    for others, found in partners.items():
        spans += [Span(f"{', ' if spans else ''}{_family(family, found)} (with "), *_names(others), Span(")")]
    return spans


def _unranked(analysis: Analysis, target: str) -> list[Span]:
    """Profiles in which a target has no valid trial at all, with the verdicts of those it has."""
    spans: list[Span] = []
    for profile in analysis.run.plan.profiles:
        if analysis.cell(target, profile.name):
            continue
        cell = (target, profile.name)
        found = {r.verdict.replace("_", " ") for r in analysis.not_valid if (r.trial.target, r.trial.profile) == cell}
        why = listed(sorted(found)) if found else "it did not run"
        spans.append(Span(f"{' ' if spans else ''}Not ranked under {profile.title} load: no valid trial ({why})."))
    return spans
