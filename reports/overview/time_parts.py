"""Where the time of a mean response goes, for the loads that most services resemble."""

from __future__ import annotations

from msgspec import Struct

from reports.analysis.analysis import Analysis, TimeBreakdown
from reports.overview.columns import Column
from reports.overview.scorecard import Scorecard

#: Loads at a rate: pure work, a service on a database, one behind a slow database.
LOADS = ("cpu@200/s", "service@500/s", "downstream@400/s")


class TimeParts(Struct, frozen=True):
    """One load: the parts of each target, and how large the language's own part is."""

    title: str
    parts: tuple[tuple[Column, TimeBreakdown], ...]
    sentence: str


def make_parts(analysis: Analysis, card: Scorecard) -> tuple[TimeParts, ...]:
    """The parts at the chosen loads, or at the first loads of a record that has none of these."""
    at_rates = [load for load in analysis.loads if load.ranked and load.open]
    by_id = {load.id: load for load in at_rates}
    chosen = [by_id[name] for name in LOADS if name in by_id] or at_rates[: len(LOADS)]
    columns = {column.target: column for column in card.columns}
    found = []
    for load in chosen:
        by_target = {part.target: part for part in analysis.parts if part.load == load.id}
        parts = tuple((column, by_target[target]) for target, column in columns.items() if target in by_target)
        if parts:
            found.append(TimeParts(load.title, parts, _sentence([part for _, part in parts])))
    return tuple(found)


def _sentence(parts: list[TimeBreakdown]) -> str:
    shares = [round(min(part.service_cpu / part.response, 1.0) * 100) for part in parts]
    low, high = min(shares), max(shares)
    return f"The language’s part: {low} %." if low == high else f"The language’s part: {low} to {high} %."
