"""A run's values for services that follow benchmarks over time: Bencher, and github-action-benchmark. Pure.

    Bencher Metric Format      {"go cpu@saturate": {"throughput": {"value": ..., "lower_value": ..., "upper_value": ...}}}
    github-action-benchmark    [{"name": "go cpu@saturate throughput", "unit": "requests/s", "value": ..., "range": ...}]

The second knows one direction a file: there are two of them. Values are the history's (one geometric mean a run); intervals
are the report's, and left out where they don't hold the value. Left out as well: the other copy of a target that is
measured twice, and a metric that this version does not know, whose direction is unknown. JSON has no infinity: what is not
finite is no value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

from msgspec import Struct

from harness.plan.targets import BASE, TWIN
from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.cells import Figure, cell_name, figure_of, parts_of
from reports.analysis.ranking import Direction
from reports.export.gate_text import where
from reports.regression.history import Entry
from reports.text.units import clean, number

#: Cell -> the ends of its interval.
Intervals = Mapping[str, tuple[float, float]]


class _Value(Struct, frozen=True):
    """A cell that can be told. `where`: target and place."""

    where: str
    metric: str
    figure: Figure
    value: float
    interval: tuple[float, float] | None
    trials: int


def intervals(analysis: Analysis) -> Intervals:
    """The interval of each cell of a run that has one."""
    return {
        cell_name(entry.target, standing.place, standing.metric): (found.low, found.high)
        for standing in analysis.standings
        for entry in standing.entries
        if not isinstance(found := entry.estimate, Missing) and found.low is not None and found.high is not None
    }


def _values(entry: Entry, known: Intervals) -> Iterator[_Value]:
    for cell, value in entry.cells.items():
        target, place, metric = parts_of(cell)
        figure = figure_of(metric)
        if figure is None or not math.isfinite(value) or target.endswith((TWIN, BASE)):
            continue
        ends = known.get(cell)
        holds = ends is not None and all(map(math.isfinite, ends)) and ends[0] <= value <= ends[1]
        title = clean(f"{target} {where(place)}")
        yield _Value(title, metric, figure, value, ends if holds else None, entry.trials.get(cell, 0))


def bencher_json(entry: Entry, known: Intervals) -> str:
    """Bencher Metric Format: a benchmark is a target at a place, a measure one of our metrics under its id."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for each in _values(entry, known):
        ends = {"lower_value": each.interval[0], "upper_value": each.interval[1]} if each.interval else {}
        found.setdefault(each.where, {})[each.metric] = {"value": each.value} | ends
    return _text(found)


def action_json(entry: Entry, known: Intervals, direction: Direction) -> str:
    """github-action-benchmark's customBiggerIsBetter (`higher`) or customSmallerIsBetter (`lower`)."""
    extra = clean(f"run {entry.run}\nrevision {entry.revision or 'unknown'}")
    found = [
        {"name": f"{each.where} {each.metric}", "unit": each.figure.unit, "value": each.value}
        | ({"range": f"{number(each.interval[0])}–{number(each.interval[1])}"} if each.interval else {})
        | {"extra": f"{extra}\n{each.trials} trials"}
        for each in _values(entry, known)
        if each.figure.direction == direction
    ]
    return _text(found)


def _text(value: object) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"
