"""The win matrix: who is ahead on each axis at each place, with every target's value. Pure."""

from __future__ import annotations

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis, at_least
from reports.analysis.ranking import Entry, Standing
from reports.metrics.catalogue import BY_ID
from reports.sections.elements import Span
from reports.sections.verdict import who_leads
from reports.units import factor, quantity, span


class Cell(Struct, frozen=True):
    """A target's place on an axis. `state`: wins, tie, ranked, unranked."""

    target: str
    value: str
    detail: str
    behind: str
    state: str
    group: int | None


class MatrixRow(Struct, frozen=True):
    """An axis."""

    title: str
    better: str
    lead: tuple[Span, ...]
    cells: tuple[Cell, ...]


class MatrixGroup(Struct, frozen=True):
    """The axes of a place. No rows: nothing was measured there."""

    title: str
    question: str
    rows: tuple[MatrixRow, ...]


class Matrix(Struct, frozen=True):
    """The win matrix of one class."""

    target_class: str
    targets: tuple[str, ...]
    groups: tuple[MatrixGroup, ...]


def make_matrix(analysis: Analysis, target_class: str) -> Matrix:
    """A group per place, in the plan's order."""
    run = analysis.run
    targets = tuple(t for t in run.plan.targets if run.targets[t].target_class == target_class)
    mine = [s for s in analysis.standings if s.target_class == target_class]
    groups = (
        MatrixGroup(place.title, place.question, tuple(_row(analysis, s, targets) for s in mine if s.place == place.id))
        for place in analysis.places
    )
    return Matrix(target_class, targets, tuple(groups))


def _row(analysis: Analysis, standing: Standing, targets: tuple[str, ...]) -> MatrixRow:
    metric = BY_ID[standing.metric]
    entries = {entry.target: entry for entry in standing.entries}
    return MatrixRow(
        title=metric.title,
        better="higher is better" if metric.direction == "higher" else "lower is better",
        lead=who_leads(standing),
        cells=tuple(_cell(analysis, standing, entries[target]) for target in targets),
    )


def _cell(analysis: Analysis, standing: Standing, entry: Entry) -> Cell:
    metric, found = BY_ID[standing.metric], entry.estimate
    if isinstance(found, Missing):
        return Cell(entry.target, "–", found.reason, "", "unranked", None)
    if metric.exact:
        detail = "exact"
    elif found.low is None or found.high is None:
        detail = f"{found.trials} trial{'s' if found.trials > 1 else ''}, no interval"
    else:
        detail = span(found.low, found.high, metric.unit)
    if entry.target == standing.winner:
        state = "wins"
    elif entry.group == 1 and standing.note == "tie":
        state = "tie"
    else:
        state = "ranked"
    group = None if standing.note.startswith("too few") else entry.group
    behind = f"{factor(entry.behind.ahead)} behind" if entry.behind and state == "ranked" and group else ""
    bound = "≥ " if at_least(analysis, standing, entry.target) else ""
    return Cell(entry.target, f"{bound}{quantity(found.median, metric.unit)}", detail, behind, state, group)
