"""The scorecard: each target against the best one, on the headline axes.

Which targets are told apart is the ranking's to say (reports/analysis/ranking.py); this module only reads it. Factors are
"times behind the best". Positions are medians and ends of intervals over the best median, so more than 1 is worse, whatever
the axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis, ranked_among
from reports.analysis.caveats import caveats
from reports.analysis.ranking import RankedTarget, Ranking
from reports.metrics.catalogue import BY_ID
from reports.overview.bills import Bill, Bills
from reports.overview.cells import Cell, State, state_of
from reports.overview.columns import Column
from reports.overview.rows import Row
from reports.stats.intervals import MIN_TRIALS, Estimate
from reports.units import amount, cell_value


class ScoreRow(Struct, frozen=True):
    """One axis with its cells, in the order of the columns. `groups`: ranked target -> its tie group, 1 leads."""

    row: Row
    cells: tuple[Cell, ...]
    groups: Mapping[str, int]

    def cell(self, target: str) -> Cell:
        return next(cell for cell in self.cells if cell.target == target)

    @property
    def ranked(self) -> tuple[Cell, ...]:
        """The cells of targets that the ranking compared."""
        return tuple(cell for cell in self.cells if cell.state not in ("none", "few", "plain"))

    @property
    def level(self) -> bool:
        """Whether no target is told from any other."""
        return any(cell.state == "level" for cell in self.cells)

    @property
    def best(self) -> Cell:
        """The best of the first tie group. Raises ValueError where nobody is ranked."""
        return min((cell for cell in self.ranked if self.groups.get(cell.target) == 1), key=lambda cell: cell.at or 1.0)

    @property
    def worst(self) -> Cell:
        """The target told apart that is furthest behind. Raises ValueError where nobody is told apart."""
        return max((cell for cell in self.cells if cell.state == "behind"), key=lambda cell: cell.factor or 1.0)

    @property
    def limited(self) -> bool:
        """Whether any cell has a caveat."""
        return any(cell.caveats for cell in self.cells)

    @property
    def told_apart(self) -> bool:
        return any(cell.state == "behind" for cell in self.cells)


class Scorecard(Struct, frozen=True):
    """The scorecard of one class: columns, and rows in the order of scorecard.toml."""

    target_class: str
    columns: tuple[Column, ...]
    rows: tuple[ScoreRow, ...]

    @property
    def groups(self) -> tuple[tuple[str, tuple[ScoreRow, ...]], ...]:
        """The titles of the groups with their rows, in order."""
        titles = dict.fromkeys(row.row.group for row in self.rows)
        return tuple((title, tuple(row for row in self.rows if row.row.group == title)) for title in titles)

    def row(self, row_id: str) -> ScoreRow | None:
        """The row of an id (`cpu@saturate cpu`); None where the record lacks it."""
        return next((row for row in self.rows if row.row.id == row_id), None)

    def name(self, target: str) -> str:
        return next(column.name for column in self.columns if column.target == target)

    @property
    def reasons(self) -> tuple[tuple[str, str, str], ...]:
        """Language, axis and reason of each cell without a value."""
        return tuple(
            (column.name, row.row.title, cell.why)
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
            if cell.state == "none"
        )


def groups_on(analysis: Analysis, scope: str, metric: str, target_class: str) -> Mapping[str, int]:
    """Target -> tie group of a ranking; empty where the record lacks it."""
    ranking = _ranking(analysis, scope, metric, target_class)
    return {entry.target: entry.group for entry in ranking.entries if entry.group} if ranking else {}


def make_rows(
    analysis: Analysis, target_class: str, columns: tuple[Column, ...], rows: tuple[Row, ...], bills: Bills
) -> tuple[ScoreRow, ...]:
    """The rows of a class that the record has a value for."""
    places = {scope.id for scope in analysis.scopes}
    found = []
    for declared in rows:
        row = declared.placed(places)
        if row is None:
            continue
        if row.bill:
            bill = bills.of(row.metric)
            made = _bill_row(row, bill, columns) if bill else None
        else:
            made = score(analysis, row, target_class, columns)
        if made and any(cell.state != "none" for cell in made.cells):
            found.append(_plain(made, analysis, columns))
    return tuple(found)


def _bill_row(row: Row, bill: Bill, columns: tuple[Column, ...]) -> ScoreRow:
    """The row of a bill: it ranks by intervals alone, so it has two groups at most."""
    names = {column.target: column.name for column in columns}
    words = {"work": f"{bill.need.cpu_ms:g}", "reference": names.get(bill.need.reference, bill.need.reference)}
    shown = msgspec.structs.replace(row, title=row.title.format(**words), subtitle=row.subtitle.format(**words))
    groups = {cost.target: 1 if bill.ties(cost) else 2 for cost in bill.ranked}
    return ScoreRow(shown, tuple(bill.cell(column.target) for column in columns), groups)


def _plain(row: ScoreRow, analysis: Analysis, columns: tuple[Column, ...]) -> ScoreRow:
    """The row without marks where there is nothing to rank: one target, or too few blocks."""
    if len(columns) > 1 and analysis.run.plan.timing.blocks >= MIN_TRIALS:
        return row
    cells = tuple(
        cell if cell.state == "none" else msgspec.structs.replace(cell, state="plain", factor=None) for cell in row.cells
    )
    return ScoreRow(row.row, cells, {})


def _ranking(analysis: Analysis, scope: str, metric: str, target_class: str) -> Ranking | None:
    return next((r for r in analysis.rankings if (r.scope, r.metric, r.target_class) == (scope, metric, target_class)), None)


def score(analysis: Analysis, row: Row, target_class: str, columns: tuple[Column, ...]) -> ScoreRow | None:
    """The row of a metric, read from its ranking; None where the record has none. A target with too few trials for a
    ranking is set beside it, and does not keep the others from being ranked.
    """
    ranking = _ranking(analysis, row.place, row.metric, target_class)
    if ranking is None:
        return None
    metric = BY_ID[row.metric]
    higher = metric.direction == "higher"
    estimates = {e.target: e.estimate for e in ranking.entries if not isinstance(e.estimate, Missing)}
    able = {target for target, found in estimates.items() if found.ranks}
    if len(able) == 1 < len(estimates):
        # It has nobody to be compared with, so it is not the best.
        able = set()
    if able != set(estimates) and able and not ranking.set_apart:
        ranking = ranked_among(analysis, ranking, able)
    entries = {entry.target: entry for entry in ranking.entries if entry.target in able}
    medians = {target: estimates[target].median for target in able or estimates}
    best = (max if higher else min)(medians.values()) if medians else 1.0

    def behind(value: float) -> float:
        return best / value if higher else value / best

    level = len(able) > 1 and all(entry.group == 1 for entry in entries.values())
    alone = sum(entry.group == 1 for entry in entries.values()) == 1

    def cell(column: Column) -> Cell:
        found = estimates.get(column.target)
        if found is None:
            missing = next((e.estimate for e in ranking.entries if e.target == column.target), None)
            return Cell(column.target, "none", why=missing.reason if isinstance(missing, Missing) else "not measured")
        entry = entries.get(column.target)
        state = "few" if entry is None else _state(entry, behind(found.median), level, alone)
        ends = sorted(behind(v) for v in (found.low, found.high) if v is not None)
        return Cell(
            target=column.target,
            state=state,
            value=cell_value(found.median, metric.unit),
            factor=entry.behind.ahead if entry and entry.behind and state == "behind" else behind(found.median),
            at=behind(found.median),
            low=ends[0] if ends else None,
            high=ends[-1] if ends else None,
            interval=_interval(found, lambda v: cell_value(v, metric.unit)),
            trials=found.trials,
            prose=amount(found.median, metric.unit),
            caveats=caveats(entry, metric.unit, analysis.run.targets[column.target]),
        )

    groups = {target: entry.group for target, entry in entries.items() if entry.group}
    return ScoreRow(row, tuple(cell(column) for column in columns), groups)


def _state(entry: RankedTarget, factor: float, level: bool, alone: bool) -> State:
    if level:
        return "level"
    return state_of(entry.group == 1, alone, factor)


def _interval(found: Estimate, text: Callable[[float], str]) -> str:
    if found.low is None or found.high is None or found.low == found.high:
        return ""
    return f"{text(found.low)} to {text(found.high)}"
