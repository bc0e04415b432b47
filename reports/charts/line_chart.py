"""Line charts as Vega-Lite specifications: curves over an axis, and paths of joined points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from msgspec import Struct

from reports.charts.palette import MUTED, Style
from reports.charts.theme import LOG_ABOVE_RATIO, WIDTH, Spec, axis_of_percentiles, finish, log_domain, source, unvalidated

LABEL_HEIGHT = 14.0


class Line(Struct, frozen=True):
    """One target's curve. Faint ones are single trials and have no label."""

    target: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    faint: bool = False


class TrialPath(Struct, frozen=True):
    """One target's points (x, y), joined in this order. `hollow`: points without a valid trial."""

    target: str
    points: tuple[tuple[float, float], ...]
    hollow: tuple[tuple[float, float], ...] = ()


@unvalidated
def lines(
    curves: Sequence[Line],
    looks: Mapping[str, Style],
    *,
    x_title: str,
    y_title: str,
    log_y: bool = False,
    percentile_axis: bool = False,
    marks: Sequence[float] = (),
    counts: Sequence[int] = (),
    height: int = 230,
) -> Spec:
    """Curves with their names at their ends.

    `percentile_axis`: x is 1 / (1 - quantile), labelled in percent. `marks`: dashed lines at these x. `counts`: the
    labels of an x axis of whole numbers.
    """
    xs = [v for c in curves for v in c.x]
    ys = [v for c in curves for v in c.y]
    y_domain = log_domain(ys, 1.0) if log_y else [0, max(*ys, 1e-9) * 1.05]
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
    x_axis = axis_of_percentiles() if percentile_axis else alt.Axis(tickCount=6)
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
def paths(rows: Sequence[TrialPath], looks: Mapping[str, Style], x_title: str, y_title: str, height: int = 230) -> Spec:
    """Points joined in their order, with a logarithmic y axis. Hollow points are not joined."""
    every = [point for row in rows for point in (*row.points, *row.hollow)]
    xs, ys = [x for x, _ in every], [y for _, y in every]
    logarithmic = max(xs) / min(xs) > LOG_ABOVE_RATIO
    y_domain = log_domain(ys, 1.0)
    x_domain = log_domain(xs, 1.0) if logarithmic else [0, max(xs) * 1.05]

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
    """The layer that draws the labels of `_end_labels`, right of the picture."""
    names: alt.Chart = source("labels").mark_text(align="left", dx=6, fontWeight="bold")
    return names.encode(
        x=alt.value(WIDTH), y=alt.Y("y:Q", scale=None), text="name:N", color=alt.Color("colour:N", scale=None)
    )


def _end_labels(
    ends: Sequence[tuple[str, float]], looks: Mapping[str, Style], y_domain: Sequence[float], log_y: bool, height: int
) -> list[dict[str, Any]]:
    """The names at the curves' ends (target, y), moved apart where they would overlap; y in pixels."""

    def pixels(value: float) -> float:
        low, high, at = (math.log(v) if log_y else v for v in (y_domain[0], y_domain[1], max(value, y_domain[0])))
        return height * (1 - (at - low) / (high - low))

    wanted = sorted((pixels(y), target) for target, y in ends)
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
