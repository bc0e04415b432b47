"""What each language is strongest at, and its price: picked by rule from the scorecard, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from reports.overview.cells import Cell
from reports.overview.columns import Column
from reports.overview.scorecard import Scorecard, ScoreRow
from reports.units import listed, times, times_words

#: From this factor on, being behind is a price worth naming.
PRICE_FROM = 1.5
#: How many rows a sentence names.
MOST_LEADS, MOST_LEVEL, MOST_PRICES, FEWEST_PRICES = 3, 2, 3, 2


class Price(Struct, frozen=True):
    """One price: `34 s from an edit to running`, and how many times the best that is (empty where the words say it)."""

    text: str
    factor: str


class Strength(Struct, frozen=True):
    """One language: where it is strongest (`first` weighs most), and its prices (none: no price worth naming)."""

    column: Column
    first: str
    more: tuple[str, ...]
    prices: tuple[Price, ...]


def make_strengths(card: Scorecard) -> tuple[Strength, ...]:
    """One entry per column that is ranked anywhere."""
    return tuple(
        _strength(card, column)
        for column in card.columns
        if any(row.cell(column.target).state in ("best", "tied", "close", "behind", "level") for row in card.rows)
    )


def _strength(card: Scorecard, column: Column) -> Strength:
    rows = [(row, row.cell(column.target)) for row in card.rows if row.row.noun]
    leads = [row for row, cell in rows if cell.state == "best"]
    tied = sorted(
        (row for row, cell in rows if cell.state == "tied" and _partners(row) <= len(card.columns) - 2), key=_partners
    )
    close = [row for row, cell in rows if cell.state == "close"]
    more = [
        _sentence("Level with the best in", tied[: MOST_LEADS if not leads else MOST_LEVEL]),
        _sentence("Not told apart from the best in", close[:MOST_LEVEL]),
    ]
    if leads:
        first = _sentence("Leads in", leads[:MOST_LEADS])
    elif tied:
        first, more = more[0], more[1:]
    else:
        first = _second(card, column, rows)
    said = [sentence for sentence in (first, *more) if sentence]
    return Strength(column, said[0] if said else "", tuple(said[1:]), _prices(rows))


def _sentence(head: str, rows: Iterable[ScoreRow]) -> str:
    nouns = [row.row.noun for row in rows]
    return f"{head} {listed(nouns)}." if nouns else ""


def _partners(row: ScoreRow) -> int:
    """How many others share the first tie group."""
    return sum(cell.in_front for cell in row.cells) - 1


def _second(card: Scorecard, column: Column, rows: list[tuple[ScoreRow, Cell]]) -> str:
    """The axis on which the target is least far behind and yet ahead of somebody."""
    able = [(row, cell) for row, cell in rows if cell.state == "behind" and _after(card, row, column)]
    if not able:
        return ""
    row, cell = min(able, key=lambda pair: pair[1].factor or 1.0)
    after = _after(card, row, column)
    behind = after[0] if len(after) == 1 else f"{len(after)} others" if len(after) > 2 else listed(after)
    to = card.name(row.best.target)
    head = "Second" if row.groups.get(column.target) == 2 else "Next"
    return f"{head} to {to} in {row.row.noun} ({times(cell.factor or 1.0)} behind, ahead of {behind})."


def _after(card: Scorecard, row: ScoreRow, column: Column) -> list[str]:
    """The languages that a target is told apart from, and ahead of."""
    mine = row.groups.get(column.target)
    return [card.name(target) for target, group in row.groups.items() if mine and group > mine]


def _prices(rows: list[tuple[ScoreRow, Cell]]) -> tuple[Price, ...]:
    """The greatest factor of each family first, then of what is left; three at most."""

    def behind_most(row: ScoreRow, cell: Cell) -> bool:
        worse = sum(group > row.groups.get(cell.target, 0) for group in row.groups.values())
        return worse <= len(row.ranked) / 2 - 1

    able = [
        (row, cell)
        for row, cell in rows
        if cell.state == "behind" and (cell.factor or 1.0) >= PRICE_FROM and behind_most(row, cell)
    ]
    factor: Callable[[tuple[ScoreRow, Cell]], float] = lambda pair: -(pair[1].factor or 1.0)  # noqa: E731
    first: dict[str, tuple[ScoreRow, Cell]] = {}
    for pair in able:
        first.setdefault(pair[0].row.family, pair)
    chosen = sorted(first.values(), key=factor)[:MOST_PRICES]
    if len(chosen) < FEWEST_PRICES:
        rest = sorted((pair for pair in able if pair not in chosen), key=factor)
        chosen += rest[: FEWEST_PRICES - len(chosen)]
    return tuple(_price(row, cell) for row, cell in chosen)


def _price(row: ScoreRow, cell: Cell) -> Price:
    number = cell.prose.partition("\u00a0")[0]
    text = row.row.price.format(n=times_words(cell.factor or 1.0), v=cell.prose, d=number)
    return Price(text, "" if "{n}" in row.row.price else times(cell.factor or 1.0))
