"""The files for CI that a gate writes into the run's folder, next to gate.json."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from harness.record.measurement import Missing
from harness.record.plan import BASE, TWIN
from reports.analysis.analysis import Analysis
from reports.analysis.cells import MetricInfo, cell_name, metric_info, parts_of
from reports.export.files import write_file
from reports.export.gate_markdown import gate_markdown, where
from reports.export.junit import junit_xml
from reports.metrics.metric import Direction
from reports.regression.gate_result import Gate
from reports.regression.history import HistoryEntry
from reports.units import clean, number

#: Cell -> the ends of its interval.
Intervals = Mapping[str, tuple[float, float]]

MARKDOWN, JUNIT, BENCHER, BIGGER, SMALLER = (
    "gate.md", "gate.junit.xml", "bencher.json", "github-action-benchmark-bigger.json",
    "github-action-benchmark-smaller.json",
)  # fmt: skip


def gate_files(gate: Gate, entry: HistoryEntry, intervals: Intervals | None = None) -> dict[str, bytes]:
    """Name -> content. `entry`: the run's values. `intervals`: their intervals as far as they are known."""
    known = intervals or {}
    return {
        MARKDOWN: gate_markdown(gate).encode(),
        JUNIT: junit_xml(gate),
        BENCHER: bencher_json(entry, known).encode(),
        BIGGER: action_json(entry, known, "higher").encode(),
        SMALLER: action_json(entry, known, "lower").encode(),
    }


def write_gate_files(gate: Gate, entry: HistoryEntry, folder: Path, intervals: Intervals | None = None) -> None:
    """Writes the files into the run's folder. Raises RunError if they can't be written."""
    for name, data in gate_files(gate, entry, intervals).items():
        write_file(folder / name, data)


class _Value(Struct, frozen=True):
    """A cell of a known metric. `where`: target and scope."""

    where: str
    metric: str
    figure: MetricInfo
    value: float
    interval: tuple[float, float] | None
    trials: int


def intervals(analysis: Analysis) -> Intervals:
    """The intervals of a run's cells, as far as they have one."""
    return {
        cell_name(entry.target, ranking.scope, ranking.metric): (found.low, found.high)
        for ranking in analysis.rankings
        for entry in ranking.entries
        if not isinstance(found := entry.estimate, Missing) and found.low is not None and found.high is not None
    }


def _values(entry: HistoryEntry, known: Intervals) -> Iterator[_Value]:
    for cell, value in entry.cells.items():
        target, scope, metric = parts_of(cell)
        figure = metric_info(metric)
        if figure is None or not math.isfinite(value) or target.endswith((TWIN, BASE)):
            continue
        ends = known.get(cell)
        holds = ends is not None and all(map(math.isfinite, ends)) and ends[0] <= value <= ends[1]
        title = clean(f"{target} {where(scope)}")
        yield _Value(title, metric, figure, value, ends if holds else None, entry.trials.get(cell, 0))


def bencher_json(entry: HistoryEntry, known: Intervals) -> str:
    """Bencher Metric Format: a benchmark is a target at a scope, a measure is one of our metrics under its id."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for each in _values(entry, known):
        ends = {"lower_value": each.interval[0], "upper_value": each.interval[1]} if each.interval else {}
        found.setdefault(each.where, {})[each.metric] = {"value": each.value} | ends
    return _text(found)


def action_json(entry: HistoryEntry, known: Intervals, direction: Direction) -> str:
    """The format of github-action-benchmark: customBiggerIsBetter (`higher`) or customSmallerIsBetter (`lower`)."""
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
