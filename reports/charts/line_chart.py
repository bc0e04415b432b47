"""The charts, as Vega-Lite specifications from frozen data. Pure: reports/charts/svg.py draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from msgspec import Struct

from reports.charts.palette import BLUE, GREY, INK, MUTED, VERMILION, Look
from reports.charts.theme import WIDTH, Spec, finish, source, unvalidated
from reports.text.units import Unit, scale_of

#: Above this ratio of largest to smallest value a linear axis would hide the small ones.
LOG_ABOVE_RATIO = 8.0
LABEL_HEIGHT = 14.0
#: Room for names left of the axis, the same in all charts, so that they line up.
LABEL_WIDTH = 118
#: An oblique cross of strokes, as a path in a square of side 2.
CROSS = "M-1,-1L1,1M-1,1L1,-1"


class Dot(Struct, frozen=True):
    """One target's row of a dot chart: the estimate with its interval, valid trials, and trials that are not valid."""

    target: str
    median: float | None
    low: float | None
    high: float | None
    trials: tuple[float, ...]
    not_valid: tuple[float, ...]


class Line(Struct, frozen=True):
    """One target's curve; `faint` ones (single trials) have no label."""

    target: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    faint: bool = False


class Track(Struct, frozen=True):
    """One target's points (x, y) in the order in which they are joined; `hollow` ones don't count."""

    target: str
    points: tuple[tuple[float, float], ...]
    hollow: tuple[tuple[float, float], ...] = ()


class Bar(Struct, frozen=True):
    """One target's stacked bar: parts, microseconds, in the order of PARTS (or the first of them)."""

    target: str
    note: str
    parts: tuple[float, ...]


#: Parts of a response.
PARTS = ("PostgreSQL", "service CPU", "waiting, pool, network")
PART_COLOURS = (BLUE.light, VERMILION.light, GREY.light)


@unvalidated
def dots(rows: Sequence[Dot], looks: Mapping[str, Look], unit: Unit) -> Spec:
    """Estimates as dots with intervals, single trials as small dots, trials that are not valid as crosses."""
    every = [v for r in rows for v in (r.median, r.low, r.high, *r.trials, *r.not_valid) if v is not None]
    if not every:
        raise ValueError("a dot chart needs a value")
    scale, symbol = scale_of(max(every), unit)
    logarithmic = max(every) / min(every) > LOG_ABOVE_RATIO
    domain = _log_domain(every, scale) if logarithmic else [0, max(every) / scale * 1.05]
    order = [looks[row.target].token for row in rows]
    estimates, singles = [], []
    for row in rows:
        label = looks[row.target].token
        base = {"target": label, "colour": looks[row.target].colour, "marker": looks[row.target].marker}
        if row.median is not None:
            low, high = (row.median if bound is None else bound for bound in (row.low, row.high))
            # An interval may reach beyond the trials by far; the axis shows the trials, the table the numbers.
            estimates.append(
                base
                | {
                    "value": row.median / scale,
                    "low": max(low / scale, domain[0]),
                    "high": min(high / scale, domain[1]),
                }
            )
        singles += [{"target": label, "colour": base["colour"], "value": v / scale, "valid": 1} for v in row.trials]
        singles += [{"target": label, "colour": MUTED.light, "value": v / scale, "valid": 0} for v in row.not_valid]
    y = alt.Y("target:N", sort=None, title=None, scale=alt.Scale(domain=order), axis=_name_axis())
    title = f"{symbol}, logarithmic" if logarithmic else symbol
    x_scale = alt.Scale(type="log", domain=domain, nice=False) if logarithmic else alt.Scale(domain=domain, nice=False)
    x = alt.X("value:Q", title=title, scale=x_scale, axis=alt.Axis(tickCount=5, labelOverlap=True, format=",~r"))
    colour = alt.Color("colour:N", scale=None)
    middle = source("estimates").encode(y=y, color=colour)
    intervals = middle.mark_rule(strokeWidth=2, clip=True).encode(x=alt.X("low:Q", title=title, scale=x_scale), x2="high:Q")
    points = middle.mark_point(filled=True, size=75, opacity=1).encode(x=x, shape=alt.Shape("marker:N", scale=None))
    small = (
        source("singles")
        .mark_point(size=16, opacity=0.55, strokeWidth=1.2, yOffset=7)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=alt.Shape("valid:O", scale=alt.Scale(domain=[0, 1], range=[CROSS, "circle"]), legend=None),
        )
    )
    return finish(
        alt.layer(intervals, small, points), {"estimates": estimates, "singles": singles}, height=max(len(rows), 2) * 27
    )


@unvalidated
def lines(
    curves: Sequence[Line],
    looks: Mapping[str, Look],
    *,
    x_title: str,
    y_title: str,
    log_y: bool = False,
    percentile_axis: bool = False,
    marks: Sequence[float] = (),
    counts: Sequence[int] = (),
    height: int = 230,
) -> Spec:
    """Curves with their names at their ends. `percentile_axis`: x is 1 / (1 - quantile), labelled in percent.

    `marks`: dashed lines at these x. `counts`: x are these whole numbers, and nothing lies between them.
    """
    xs = [v for c in curves for v in c.x]
    ys = [v for c in curves for v in c.y]
    y_domain = _log_domain(ys, 1.0) if log_y else [0, max(*ys, 1e-9) * 1.05]
    x_domain = [1, max(*xs, 10.0)] if percentile_axis else [min(xs), max(xs)]
    values = [
        {
            "key": i,
            "x": x,
            "y": y,
            "colour": looks[c.target].colour,
            "dash": looks[c.target].token,
            "width": 1 if c.faint else 2,
        }
        for i, c in enumerate(curves)
        for x, y in zip(c.x, c.y, strict=True)
    ]
    y_scale = alt.Scale(type="log", domain=y_domain, nice=False) if log_y else alt.Scale(domain=y_domain, nice=False)
    x_scale = (
        alt.Scale(type="log", domain=x_domain, nice=False) if percentile_axis else alt.Scale(domain=x_domain, nice=False)
    )
    x_axis = _percentile_axis() if percentile_axis else alt.Axis(tickCount=6)
    if counts:
        x_axis = alt.Axis(values=list(counts), format="d")
    shown = [c for c in curves if not c.faint]
    dash = alt.StrokeDash(
        "dash:N",
        legend=None,
        scale=alt.Scale(domain=[looks[c.target].token for c in shown], range=[list(looks[c.target].dash) for c in shown]),
    )
    x = alt.X("x:Q", title=x_title, scale=x_scale, axis=x_axis)
    y = alt.Y(
        "y:Q",
        title=y_title,
        scale=y_scale,
        axis=alt.Axis(tickCount=5, format=",~r" if log_y else alt.Undefined, labelOverlap=True),
    )
    drawn = (
        source("curves")
        .mark_line(clip=True, interpolate="linear")
        .encode(
            x=x,
            y=y,
            color=alt.Color("colour:N", scale=None),
            strokeDash=dash,
            detail="key:N",
            strokeWidth=alt.StrokeWidth("width:Q", scale=None),
            opacity=alt.condition("datum.width == 1", alt.value(0.3), alt.value(1.0)),
        )
    )
    labels = _end_labels([(c.target, c.y[-1]) for c in shown], looks, y_domain, log_y, height)
    layers: list[alt.Chart] = [drawn, _names()]
    inside = [{"x": at} for at in marks if min(xs) < at < max(xs)]
    if inside:
        rules = source("marks").mark_rule(strokeDash=[3, 3], color=MUTED.light).encode(x=alt.X("x:Q", scale=x_scale))
        layers.insert(0, rules)
    data = {"curves": values, "labels": labels, "marks": inside}
    return finish(alt.layer(*layers), data, height=height, right=110)


@unvalidated
def bars(rows: Sequence[Bar], looks: Mapping[str, Look], x_title: str) -> Spec:
    """A whole per target, split into parts, as shares of it."""
    count = len(rows[0].parts)
    order = [looks[row.target].token for row in rows]
    values: list[dict[str, Any]] = []
    notes = []
    for row in rows:
        start, total = 0.0, sum(row.parts)
        for name, part in zip(PARTS[:count], row.parts, strict=True):
            end = start + part / total * 100
            values.append({"target": looks[row.target].token, "part": name, "start": start, "end": end})
            start = end
        notes.append({"target": looks[row.target].token, "note": row.note, "at": 100})
    y = alt.Y("target:N", sort=None, title=None, scale=alt.Scale(domain=order), axis=_name_axis())
    x_scale = alt.Scale(domain=[0, 100], nice=False)
    drawn = (
        source("parts")
        .mark_bar(height=15)
        .encode(
            y=y,
            x=alt.X("start:Q", title=x_title, scale=x_scale, axis=alt.Axis(tickCount=5)),
            x2="end:Q",
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=list(PARTS[:count]), range=list(PART_COLOURS[:count])),
                legend=alt.Legend(orient="top", title=None, symbolType="square", columns=3, columnPadding=12),
            ),
        )
    )
    labels = (
        source("notes")
        .mark_text(align="left", dx=8, color=INK.light)
        .encode(y=y, x=alt.X("at:Q", scale=x_scale), text="note:N")
    )
    return finish(alt.layer(drawn, labels), {"parts": values, "notes": notes}, height=max(len(rows), 2) * 27, right=80)


@unvalidated
def tracks(rows: Sequence[Track], looks: Mapping[str, Look], x_title: str, y_title: str, height: int = 230) -> Spec:
    """Points joined by a line in their order, y logarithmic; those that don't count are hollow and beside the line."""
    every = [point for row in rows for point in (*row.points, *row.hollow)]
    xs, ys = [x for x, _ in every], [y for _, y in every]
    logarithmic = max(xs) / min(xs) > LOG_ABOVE_RATIO
    y_domain = _log_domain(ys, 1.0)
    x_domain = _log_domain(xs, 1.0) if logarithmic else [0, max(xs) * 1.05]

    def points(kind: str) -> list[dict[str, Any]]:
        return [
            {"x": x, "y": y, "target": looks[row.target].token, "colour": looks[row.target].colour,
             "marker": looks[row.target].marker}
            for row in rows
            for x, y in getattr(row, kind)
        ]  # fmt: skip

    x = alt.X(
        "x:Q",
        title=f"{x_title}, logarithmic" if logarithmic else x_title,
        scale=alt.Scale(type="log" if logarithmic else "linear", domain=x_domain, nice=False),
        axis=alt.Axis(tickCount=5, labelOverlap=True, format=",~r"),
    )
    y = alt.Y(
        "y:Q",
        title=y_title,
        scale=alt.Scale(type="log", domain=y_domain, nice=False),
        axis=alt.Axis(tickCount=5, format=",~r", labelOverlap=True),
    )
    colour = alt.Color("colour:N", scale=None)
    shape = alt.Shape("marker:N", scale=None)
    order = [row.target for row in rows]
    dash = alt.StrokeDash(
        "target:N",
        legend=None,
        scale=alt.Scale(domain=[looks[t].token for t in order], range=[list(looks[t].dash) for t in order]),
    )
    line = source("points").mark_line().encode(x=x, y=y, color=colour, strokeDash=dash, detail="target:N")
    solid = source("points").mark_point(filled=True, size=55, opacity=1).encode(x=x, y=y, color=colour, shape=shape)
    hollow = source("hollow").mark_point(filled=False, size=55).encode(x=x, y=y, color=colour, shape=shape)
    last = [(row.target, max((*row.points, *row.hollow))[1]) for row in rows]
    labels = _end_labels(last, looks, y_domain, True, height)
    data = {"points": points("points"), "hollow": points("hollow"), "labels": labels}
    return finish(alt.layer(line, solid, hollow, _names()), data, height=height, right=110)


def _names() -> alt.Chart:
    """The labels of `_end_labels`, right of the picture."""
    names: alt.Chart = source("labels").mark_text(align="left", dx=6, fontWeight="bold")
    return names.encode(
        x=alt.value(WIDTH), y=alt.Y("y:Q", scale=None), text="name:N", color=alt.Color("colour:N", scale=None)
    )


def _end_labels(
    ends: Sequence[tuple[str, float]], looks: Mapping[str, Look], y_domain: Sequence[float], log_y: bool, height: int
) -> list[dict[str, Any]]:
    """Names at the curves' ends (target, y), moved apart where they would lie on one another; y in pixels."""

    def place(value: float) -> float:
        low, high, at = (math.log(v) if log_y else v for v in (y_domain[0], y_domain[1], max(value, y_domain[0])))
        return height * (1 - (at - low) / (high - low))

    wanted = sorted((place(y), target) for target, y in ends)
    placed = spread([at for at, _ in wanted], LABEL_HEIGHT, height)
    return [
        {"y": at, "name": looks[target].token, "colour": looks[target].colour}
        for (_, target), at in zip(wanted, placed, strict=True)
    ]


def spread(positions: Sequence[float], gap: float, height: float) -> list[float]:
    """Ascending positions moved apart to at least `gap`, within [0, height] where there is room."""
    placed: list[float] = []
    for at in positions:
        placed.append(max(at, placed[-1] + gap) if placed else at)
    overflow = placed[-1] - height if placed else 0.0
    limit = height
    if overflow > 0:
        for i in range(len(placed) - 1, -1, -1):
            placed[i] = min(placed[i], limit)
            limit = placed[i] - gap
    return placed


def _name_axis() -> alt.Axis:
    return alt.Axis(
        labelLimit=LABEL_WIDTH - 8, minExtent=LABEL_WIDTH, maxExtent=LABEL_WIDTH, grid=True, ticks=False, domain=False
    )


def _percentile_axis() -> alt.Axis:
    names = {2: "50 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %"}
    expression = " : ".join(f"datum.value == {value} ? '{name}'" for value, name in names.items()) + " : ''"
    return alt.Axis(values=list(names), labelExpr=expression, labelOverlap=False)


def _log_domain(values: Sequence[float], scale: float) -> list[float]:
    """From a little below the smallest to a little above the largest value."""
    return [min(values) / scale / 1.25, max(values) / scale * 1.25]
