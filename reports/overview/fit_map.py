"""The fit map: work per core across, economy of many small instances up, both as shares of the best.

Across is the least CPU per request of pure work ÷ a target's own. Up is the geometric mean of three such shares, with equal
weights: memory of an instance, time to the first answer, memory of a waiting request. Their noise is independent, so the
half widths of their logarithms add in squares. A target's place does not depend on targets that are behind it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.overview.cells import Cell
from reports.overview.columns import Column, read_languages
from reports.overview.headline import CPU_ROW, MEMORY_ON_DATABASE
from reports.overview.scorecard import Scorecard
from reports.units import listed

#: What the height is made of: rows of the scorecard, the first one that the record has, and their name.
PARTS = (
    (MEMORY_ON_DATABASE, "memory of an instance"),
    (("start",), "start to first answer"),
    (("waiters@4000/held waiter-memory",), "memory of a waiting request"),
)
#: With fewer parts there is no map.
MIN_PARTS = 2
#: The team's speed: in development, or, in records without that, to the release image.
BUILD, EDITS = "build", ("edit", "rebuild")


class Share(Struct, frozen=True):
    """A share of the best, with its interval (both ends are the share itself where there is none)."""

    low: float
    mid: float
    high: float


class Place(Struct, frozen=True):
    """A target on the map."""

    column: Column
    across: Share
    up: Share


class Duration(Struct, frozen=True):
    """Seconds from an edit to the running service; both ends are the median where there is no interval."""

    column: Column
    low: float
    mid: float
    high: float


class FitMap(Struct, frozen=True):
    """The map. `parts`: what the height is the mean of; `left_out`: languages that lack a value."""

    places: tuple[Place, ...]
    parts: tuple[str, ...]
    left_out: tuple[str, ...]


class Opinion(Struct, frozen=True):
    """A place of the article's own map, by eye; several languages share one."""

    names: str
    across: float
    up: float


def make_map(card: Scorecard) -> FitMap | None:
    """The map of a scorecard; None with one target, without pure work, or with fewer than two of the three parts."""
    work = card.row(CPU_ROW)
    rows = [(next((r for name in names if (r := card.row(name))), None), words) for names, words in PARTS]
    known = [(row, words) for row, words in rows if row is not None]
    if work is None or len(known) < MIN_PARTS or len(card.columns) < 2:
        return None
    places = []
    for column in card.columns:
        cells = [work.cell(column.target), *(row.cell(column.target) for row, _ in known)]
        if all(cell.at is not None for cell in cells):
            places.append(Place(column, _share(cells[:1]), _share(cells[1:])))
    there = {place.column.target for place in places}
    missing = tuple(column.name for column in card.columns if column.target not in there)
    return FitMap(tuple(places), tuple(words for _, words in known), missing) if len(places) > 1 else None


def _share(cells: Sequence[Cell]) -> Share:
    middles = [-math.log(cell.at or 1.0) for cell in cells]
    halves = [math.log(cell.high / cell.low) / 2 if cell.low and cell.high else 0.0 for cell in cells]
    middle, half = sum(middles) / len(cells), math.hypot(*halves) / len(cells)
    return Share(math.exp(middle - half), math.exp(middle), math.exp(middle + half))


def edit_metric(analysis: Analysis) -> str:
    """The metric of the team's speed that the record has."""
    targets = analysis.run.plan.targets
    return next((name for name in EDITS if any(analysis.estimate(name, BUILD, each) for each in targets)), EDITS[0])


def durations(analysis: Analysis, columns: Sequence[Column]) -> tuple[Duration, ...]:
    """From an edit to running, the soonest first."""
    metric = edit_metric(analysis)
    found = []
    for column in columns:
        value = analysis.estimate(metric, BUILD, column.target)
        if value is None or isinstance(value, Missing):
            continue
        low, high = (value.median if end is None else end for end in (value.low, value.high))
        found.append(Duration(column, low, value.median, high))
    return tuple(sorted(found, key=lambda each: (each.mid, each.column.name)))


def opinions() -> tuple[Opinion, ...]:
    """The article's own map (languages.toml)."""
    at: dict[tuple[float, float], list[str]] = {}
    for language in read_languages().values():
        if language.across is not None and language.up is not None:
            at.setdefault((language.across, language.up), []).append(language.name)
    return tuple(Opinion(", ".join(names), across, up) for (across, up), names in at.items())


def caption(found: FitMap) -> tuple[str, ...]:
    """How to read the map, in sentences."""
    left = f" {listed(found.left_out)} can’t be placed: a value is missing." if found.left_out else ""
    fewer = "" if len(found.parts) == len(PARTS) else " The record lacks the others that belong to it."
    return (
        "Across: requests per core-second on pure work, as a share of the best.",
        f"Up: the same for {listed(found.parts)}, as one mean (geometric, equal weights).{fewer}{left}",
    )
