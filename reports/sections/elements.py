"""Building blocks of the report's sections: sentences, figures, tables, answers to a profile's question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Literal

from msgspec import Struct

from harness.record.cpus import parse_cpu_list
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.charts import dot_chart
from reports.charts.dot_chart import Dot
from reports.charts.palette import Style, styles
from reports.charts.theme import Spec
from reports.metrics.scopes import Load
from reports.stats.intervals import estimate
from reports.units import quantity, span


class Span(Struct, frozen=True):
    """A piece of a sentence. Kind `name`: a target's name, which comes from outside and is escaped."""

    text: str
    kind: Literal["text", "name"] = "text"


Sentence = tuple[Span, ...]
Row = tuple[str, ...]


class Figure(Struct, frozen=True):
    """A table with its title and explanation, and what makes the specification of its chart.

    The interactive page alone draws charts (reports/export/interactive.py), so no other file waits for them. `chart` is None
    where there is nothing to draw; `reading` then says why.
    """

    id: str
    title: str
    reading: str
    headers: Row
    rows: tuple[Row, ...]
    chart: Callable[[], Spec] | None = None


class Table(Struct, frozen=True):
    """A table without a chart."""

    title: str
    headers: Row
    rows: tuple[Row, ...]


class Section(Struct, frozen=True):
    """The figures of a profile, a load, or the whole run. `more`: figures in a folded part. `tables` come below them."""

    title: str
    figures: tuple[Figure, ...]
    note: str = ""
    more: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


def styles_of(analysis: Analysis) -> dict[str, Style]:
    """The style of each target, the same in the whole report."""
    return styles(analysis.run.plan.targets)


class ProfileAnswer(Struct, frozen=True):
    """The answer to a profile's question. `table` is always visible; the figure's own table is folded."""

    id: str
    title: str
    question: str
    said: tuple[Sentence, ...]
    figure: Figure
    table: Table


def load_of(analysis: Analysis, profile: str, *, open_loop: bool) -> Load | None:
    """The profile's first open-loop load (one rate for all targets), or its first closed-loop load."""
    return next(
        (x for x in analysis.loads if x.profile == profile and x.ranked and not x.held and x.open == open_loop), None
    )


def middle(trials: Sequence[LevelObservation], value: Callable[[LevelObservation], float]) -> float:
    """The median of a value over trials."""
    return float(median(value(m) for m in trials))


def cpu_percent(analysis: Analysis, m: LevelObservation) -> float:
    """The share of its cores that the service used in the measured window, percent; 0 if that has no length, or if nobody
    sees it: `dots_figure` leaves these out.
    """
    if m.level.window_seconds <= 0 or "service" not in m.level.usage:
        return 0.0
    cores = len(parse_cpu_list(analysis.run.plan.placement.service))
    return m.level.usage["service"].cpu_seconds / m.level.window_seconds / cores * 100


def dots_figure(analysis: Analysis, name: str, title: str, reading: str, found: Mapping[str, Sequence[float]]) -> Figure:
    """A dot chart of percentages, one value per valid trial: medians, intervals and single trials.

    A target with a value of 0 is left out: a counter that did not move says nothing.
    """
    confidence = analysis.run.configuration.report.confidence_percent
    rows: list[Dot] = []
    table: list[Row] = []
    for target, values in found.items():
        if not values or min(values) <= 0:
            continue
        made = estimate(values, confidence)
        rows.append(Dot(target, made.median, made.low, made.high, tuple(values), ()))
        interval = "–" if made.low is None or made.high is None else span(made.low, made.high, "percent")
        table.append((target, quantity(made.median, "percent"), interval, ", ".join(quantity(v, "percent") for v in values)))
    chart = partial(dot_chart.dots, rows, styles_of(analysis), "percent") if rows else None
    headers = ("Target", "Median", "Interval", "Single trials")
    return Figure(name, title, reading if rows else "No valid trial.", headers, tuple(table), chart)


def named(*parts: str | tuple[str]) -> Sentence:
    """A sentence made of texts and of targets' names; each name is given as a tuple of one."""
    return tuple(Span(part) if isinstance(part, str) else Span(part[0], "name") for part in parts)
