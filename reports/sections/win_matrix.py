"""The win matrix: the leader of each metric in each scope, with every target's value."""

from __future__ import annotations

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis, at_least
from reports.analysis.caveats import caveats
from reports.analysis.ranking import RankedTarget, Ranking, too_few
from reports.analysis.representatives import of_class
from reports.metrics.catalogue import BY_ID
from reports.metrics.scopes import load_id
from reports.sections.elements import Sentence, Span
from reports.units import factor, quantity, span

#: A tie of more targets is counted, not listed.
MOST_NAMED = 2


class MatrixCell(Struct, frozen=True):
    """A target's value of a metric. `state`: wins, tie, ranked or unranked."""

    target: str
    value: str
    detail: str
    behind: str
    state: str
    group: int | None
    caveats: tuple[str, ...] = ()


class MatrixRow(Struct, frozen=True):
    """One metric: its leader, and the cells of all targets."""

    title: str
    better: str
    lead: Sentence
    cells: tuple[MatrixCell, ...]


class MatrixGroup(Struct, frozen=True):
    """The metrics of a scope. No rows: nothing was measured there."""

    title: str
    question: str
    rows: tuple[MatrixRow, ...]


class Matrix(Struct, frozen=True):
    """The win matrix of one class."""

    target_class: str
    targets: tuple[str, ...]
    groups: tuple[MatrixGroup, ...]


def make_matrix(analysis: Analysis, target_class: str) -> Matrix:
    """The win matrix of a class: one group per scope, in the plan's order. The routes of a load are in its group, each where
    any target has a value.
    """
    run = analysis.run
    targets = of_class(run, target_class)
    mine = [(s, analysis.scope(s)) for s in analysis.rankings if s.target_class == target_class]
    groups = (
        MatrixGroup(
            scope.title,
            scope.question,
            tuple(
                _row(analysis, s, at.route, targets)
                for s, at in mine
                if load_id(s.scope) == scope.id and (not at.route or s.leaders)
            ),
        )
        for scope in analysis.scopes
        if not scope.route
    )
    return Matrix(target_class, targets, tuple(groups))


def _row(analysis: Analysis, ranking: Ranking, route: str, targets: tuple[str, ...]) -> MatrixRow:
    metric = BY_ID[ranking.metric]
    entries = {entry.target: entry for entry in ranking.entries}
    return MatrixRow(
        title=f"{metric.title}, {route}" if route else metric.title,
        better="higher is better" if metric.direction == "higher" else "lower is better",
        lead=(*_lead(ranking), *_without(ranking), *_two_states(ranking)),
        cells=tuple(_cell(analysis, ranking, entries[target]) for target in targets),
    )


def _lead(ranking: Ranking) -> Sentence:
    """Who leads: `rust ×1.31 over go`, `tie: go and rust`, `tie of 4`, or why there is no ranking."""
    if ranking.winner and ranking.runner_up and ranking.lead:
        ahead = Span(f" {factor(ranking.lead.ahead)} over ")
        return (Span(ranking.winner, "name"), ahead, Span(ranking.runner_up, "name"))
    if ranking.note != "tie":
        reasons = {e.estimate.reason for e in ranking.entries if isinstance(e.estimate, Missing)}
        return (Span(reasons.pop() if not ranking.leaders and len(reasons) == 1 else ranking.note),)
    if len(ranking.leaders) > MOST_NAMED:
        return (Span(f"tie of {len(ranking.leaders)}"),)
    first, last = ranking.leaders
    return (Span("tie: "), Span(first, "name"), Span(" and "), Span(last, "name"))


def _without(ranking: Ranking) -> Sentence:
    """Who is not ranked for want of trials: `; without go (2 valid trials)`."""
    found: list[Span] = []
    for entry in ranking.set_apart:
        found += (Span(", " if found else "; without "), Span(entry.target, "name"), Span(f" ({too_few(entry)})"))
    return tuple(found)


def _two_states(ranking: Ranking) -> Sentence:
    """Who has two steady states: `; two steady states: java (nobody wins or loses inside their range)`."""
    found: list[Span] = []
    for entry in ranking.entries:
        if entry.states:
            found += (Span(", " if found else "; two steady states: "), Span(entry.target, "name"))
    return (*found, Span(" (nobody wins or loses inside their range)")) if found else ()


def _cell(analysis: Analysis, ranking: Ranking, entry: RankedTarget) -> MatrixCell:
    metric, found = BY_ID[ranking.metric], entry.estimate
    if isinstance(found, Missing):
        return MatrixCell(entry.target, "–", found.reason, "", "unranked", None)
    if metric.exact:
        detail = "exact"
    elif found.low is None or found.high is None:
        detail = f"{found.trials} trial{'s' if found.trials > 1 else ''}, no interval"
    else:
        detail = span(found.low, found.high, metric.unit)
    if entry.target == ranking.winner:
        state = "wins"
    elif entry.group == 1 and ranking.note == "tie":
        state = "tie"
    elif entry.group is None:
        state = "unranked"
    else:
        state = "ranked"
    group = None if ranking.note.startswith("too few") else entry.group
    behind = f"{factor(entry.behind.ahead)} behind" if entry.behind and state == "ranked" and group else ""
    bound = "≥ " if at_least(analysis, ranking, entry.target) else ""
    value = f"{bound}{quantity(found.median, metric.unit)}"
    return MatrixCell(
        entry.target, value, detail, behind, state, group, caveats(entry, metric.unit, analysis.run.targets[entry.target])
    )
