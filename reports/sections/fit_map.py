"""The fit map: which kind of scale each target is good at, from measured values alone.

Three indices, each a geometric mean of measured values, as a multiple of the geometric mean over the targets of its class:

    scale-up   requests per core-second on `cpu`, saturated
    scale-out  requests per core-second on `db`, saturated, and requests/s per GiB of working set there
    velocity   1 / start time, 1 / source lines, and 1 / time from an edit to the running service where it was measured

A target's position is (scale-up / scale-out, velocity). On the right are targets whose strength is one machine pushed hard,
on the left those whose strength is many small instances. Lower means quicker to start and to change, with less source.
The article calls the other end of the vertical axis rigor. That is its opinion, as are the faint positions: nothing here
measures them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis, classes
from reports.charts.fit_map_chart import Point, fit_map
from reports.metrics.catalogue import BY_ID
from reports.sections.elements import Figure, Row, drawn, styles_of
from reports.stats.intervals import MIN_TRIALS, log_interval
from reports.units import factor

INDICES = ("scale-up", "scale-out", "velocity")
FORMULAS = (
    ("scale-up", "requests per core-second on cpu, saturated"),
    ("scale-out", "√(requests per core-second × requests/s per GiB of working set), both on db, saturated"),
    (
        "velocity",
        "1 ÷ ∛(start time × source lines × edit to running); 1 ÷ √(start time × source lines) in a record without builds",
    ),
)
#: Positions read by eye from the article's words: (language, scale-out -1 to scale-up 1, velocity -1 to rigor 1).
ARTICLE = (
    ("C++, Zig", 0.95, 0.55), ("Rust", 0.6, 0.98), ("Java", 0.35, 0.6), ("Kotlin", 0.2, 0.35), ("Go", -0.7, 0.2),
    ("Node", -0.45, -0.55), ("Python, Ruby", -0.2, -0.9),
)  # fmt: skip


class Index(Struct, frozen=True):
    """A target's index as a multiple of its class's mean; no interval with fewer than three trials."""

    value: float
    low: float | None
    high: float | None


class Position(Struct, frozen=True):
    """A target's indices, by name; `missing` gives the reason for each that it lacks."""

    target: str
    target_class: str
    indices: Mapping[str, Index]
    missing: Mapping[str, str]


class _Logs(Struct, frozen=True):
    """The logarithm of a target's raw index: centre, and half width of its interval."""

    centre: float
    half: float | None


def positions(analysis: Analysis) -> tuple[Position, ...]:
    """Every target's indices, in the plan's order within each class."""
    found = []
    for target_class in classes(analysis.run):
        targets = [t for t in analysis.run.plan.targets if analysis.run.targets[t].target_class == target_class]
        raw = {name: {t: _raw(analysis, name, t) for t in targets} for name in INDICES}
        means = {
            name: fmean(logs.centre for logs in by_target.values() if isinstance(logs, _Logs))
            for name, by_target in raw.items()
            if any(isinstance(logs, _Logs) for logs in by_target.values())
        }
        for target in targets:
            here = {name: raw[name][target] for name in INDICES}
            found.append(
                Position(
                    target,
                    target_class,
                    {n: _index(logs, means[n]) for n, logs in here.items() if isinstance(logs, _Logs)},
                    {n: logs.reason for n, logs in here.items() if isinstance(logs, Missing)},
                )
            )
    return tuple(found)


def _index(logs: _Logs, mean: float) -> Index:
    centre = logs.centre - mean
    if logs.half is None:
        return Index(math.exp(centre), None, None)
    return Index(math.exp(centre), math.exp(centre - logs.half), math.exp(centre + logs.half))


def _raw(analysis: Analysis, index: str, target: str) -> _Logs | Missing:
    """An index of a target before scaling: the geometric mean of its parts, over trials."""
    if index == "scale-up":
        return _mean_of(analysis, target, (("cpu", "cpu@saturate", -1.0),))
    if index == "scale-out":
        where = "db@saturate"
        return _mean_of(analysis, target, (("cpu", where, -0.5), ("throughput", where, 0.5), ("working-set", where, -0.5)))
    if all(scope.id != "build" for scope in analysis.scopes):
        return _mean_of(analysis, target, (("start", "", -1 / 2), ("source-lines", "", -1 / 2)))
    return _sum(
        _mean_of(analysis, target, (("start", "", -1 / 3), ("source-lines", "", -1 / 3))),
        _mean_of(analysis, target, (("rebuild", "build", -1 / 3),)),
    )


def _sum(first: _Logs | Missing, second: _Logs | Missing) -> _Logs | Missing:
    """The sum of parts from different trials. Their noise is independent, so the half widths add in squares."""
    if isinstance(first, Missing):
        return first
    if isinstance(second, Missing):
        return second
    known = first.half is not None and second.half is not None
    return _Logs(first.centre + second.centre, math.hypot(first.half or 0.0, second.half or 0.0) if known else None)


def _mean_of(analysis: Analysis, target: str, parts: Sequence[tuple[str, str, float]]) -> _Logs | Missing:
    """Sum of power x logarithm over parts (metric, scope, power), formed trial by trial.

    Parts of one trial share its noise, so the sum is formed before the interval.
    """
    by_part = []
    for metric, scope_id, power in parts:
        scope = next((p for p in analysis.scopes if p.id == scope_id), None)
        if scope is None:
            return Missing(f"{scope_id} is not in this record")
        values = analysis.values(metric, target, scope)
        if isinstance(values, Missing):
            return Missing(f"{BY_ID[metric].title}: {values.reason}")
        by_part.append({pair: power * math.log(value) for pair, value in values.items()})
    common = set.intersection(*(set(part) for part in by_part))
    logs = [sum(part[pair] for part in by_part) for pair in sorted(common)]
    if not logs:
        return Missing("no trial has all of its parts")
    if len(logs) < MIN_TRIALS:
        return _Logs(fmean(logs), None)
    centre, half = log_interval(logs, analysis.run.configuration.report.confidence_percent / 100)
    return _Logs(centre, half)


def fit_figures(analysis: Analysis) -> tuple[Figure, ...]:
    """The fit map of each class, with the table of its indices."""
    every = positions(analysis)
    found = []
    for number, target_class in enumerate(classes(analysis.run)):
        mine = [p for p in every if p.target_class == target_class]
        several = len(classes(analysis.run)) > 1
        found.append(_figure(analysis, mine, f"fit-{number}", f"Fit map{f', class {target_class}' if several else ''}"))
    return tuple(found)


def _figure(analysis: Analysis, mine: Sequence[Position], name: str, title: str) -> Figure:
    points = tuple(point for position in mine if (point := _point(position)))
    svg = None
    if points:
        svg = drawn(analysis, fit_map(points, ARTICLE, styles_of(analysis)), name, title)
    reading = (
        "Right: strongest where one machine is pushed hard. Left: strongest where work is spread over many small instances. "
        "Down: quick to start and little to write. Each index is a multiple of the targets' mean, and bars are intervals. "
        "A target far ahead on both kinds of scale is in the middle: the table has each index by itself. Faint names are "
        "where the article puts the languages, by eye. Rigor, the upper end, is the article's opinion and is not measured."
    )
    return Figure(
        name,
        title,
        svg,
        reading if points else "No target has all three indices in this record. The table says what is missing.",
        ("Target", *INDICES, "Missing"),
        tuple(_row(position) for position in mine),
    )


def _row(position: Position) -> Row:
    cells = []
    for name in INDICES:
        index = position.indices.get(name)
        if index is None:
            cells.append("–")
        elif index.low is None or index.high is None:
            cells.append(factor(index.value))
        else:
            cells.append(f"{factor(index.value)} ({factor(index.low)}–{factor(index.high)})")
    return (position.target, *cells, "; ".join(f"{n}: {why}" for n, why in position.missing.items()) or "nothing")


def _point(position: Position) -> Point | None:
    """A target's point on the map. The two indices come from different trials, so half widths add in squares."""
    if set(position.indices) != set(INDICES):
        return None
    up, out, velocity = (position.indices[name] for name in INDICES)
    x = math.log2(up.value / out.value)
    half_x = math.hypot(_half(up), _half(out))
    y = math.log2(velocity.value)
    return Point(position.target, x, y, half_x, _half(velocity))


def _half(index: Index) -> float:
    """Half the width of an interval, in powers of two; 0 where there is none."""
    return 0.0 if index.low is None or index.high is None else math.log2(index.high / index.low) / 2
