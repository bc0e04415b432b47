"""Line charts as Vega-Lite specifications: curves over an axis, and paths of joined points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from reports.charts.end_labels import end_labels, end_names
from reports.charts.palette import MUTED, Style
from reports.charts.theme import LOG_ABOVE_RATIO, Columns, Spec, axis_of_percentiles, columns, finish, log_domain
from reports.charts.vega_lite import Part, category, layer, number, number_axis, scale


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
    x_scale = scale([1, max(*xs, 10.0)], "log") if percentile_axis else scale([min(xs), max(xs)])
    shown = [c for c in curves if not c.faint]
    inside = [at for at in marks if min(xs) < at < max(xs)]
    curve = {
        "x": number("x", title=x_title, scale=x_scale, axis=_x_axis(percentile_axis, counts)),
        "y": number(
            "y",
            title=y_title,
            scale=scale(y_domain, "log" if log_y else None),
            axis=number_axis() if log_y else {"labelOverlap": True, "tickCount": 5},
        ),
        "color": category("colour", scale=None),
        "strokeDash": _dashes("dash", [c.target for c in shown], looks),
        "strokeWidth": number("width", scale=None),
        "opacity": {"condition": {"test": "datum.width == 1", "value": 0.3}, "value": 1.0},
        "detail": category("key"),
    }
    layers = [layer("curves", "line", curve, clip=True, interpolate="linear"), end_names()]
    if inside:
        mark = {"x": number("x", scale=x_scale)}
        layers.insert(0, layer("marks", "rule", mark, strokeDash=[3, 3], color=MUTED.light))
    data = {
        "curves": _points(curves, looks),
        "labels": columns(end_labels([(c.target, c.y[-1]) for c in shown], looks, y_domain, log_y, height)),
        "marks": {"x": inside},
    }
    return finish(layers, data, height=height, right=110)


def paths(rows: Sequence[TrialPath], looks: Mapping[str, Style], x_title: str, y_title: str, height: int = 230) -> Spec:
    """Points joined in their order, with a logarithmic y axis. Hollow points are not joined."""
    every = [point for row in rows for point in (*row.points, *row.hollow)]
    xs, ys = [x for x, _ in every], [y for _, y in every]
    logarithmic = max(xs) / min(xs) > LOG_ABOVE_RATIO
    y_domain = log_domain(ys, 1.0)
    x_scale = scale(log_domain(xs, 1.0), "log") if logarithmic else scale([0, max(xs) * 1.05], "linear")

    def points(kind: str) -> Columns:
        return columns(
            [
                {"x": x, "y": y, "target": looks[row.target].token, "colour": looks[row.target].colour,
                 "marker": looks[row.target].marker}
                for row in rows
                for x, y in getattr(row, kind)
            ]
        )  # fmt: skip

    place = {
        "x": number("x", title=f"{x_title}, logarithmic" if logarithmic else x_title, scale=x_scale, axis=number_axis()),
        "y": number("y", title=y_title, scale=scale(y_domain, "log"), axis=number_axis()),
        "color": category("colour", scale=None),
    }
    track = {**place, "strokeDash": _dashes("target", [row.target for row in rows], looks), "detail": category("target")}
    point = {**place, "shape": category("marker", scale=None)}
    layers = (
        layer("points", "line", track),
        layer("points", "point", point, filled=True, size=55, opacity=1),
        layer("hollow", "point", point, filled=False, size=55),
        end_names(),
    )
    last = [(row.target, max((*row.points, *row.hollow))[1]) for row in rows]
    labels = columns(end_labels(last, looks, y_domain, True, height))
    return finish(
        layers, {"points": points("points"), "hollow": points("hollow"), "labels": labels}, height=height, right=110
    )


def _points(curves: Sequence[Line], looks: Mapping[str, Style]) -> Columns:
    """The points of all curves. `key` tells curves of one target apart."""
    found: dict[str, list[Any]] = {name: [] for name in ("key", "x", "y", "colour", "dash", "width")}
    for key, c in enumerate(curves):
        count, look = len(c.x), looks[c.target]
        found["x"] += c.x
        found["y"] += c.y
        same = {"key": key, "colour": look.colour, "dash": look.token, "width": 1 if c.faint else 2}
        for name, value in same.items():
            found[name] += [value] * count
    return found


def _x_axis(percentiles: bool, counts: Sequence[int]) -> Part:
    if counts:
        return {"format": "d", "values": list(counts)}
    return axis_of_percentiles() if percentiles else {"tickCount": 6}


def _dashes(field: str, targets: Sequence[str], looks: Mapping[str, Style]) -> Part:
    """The channel that gives the line of each target its dashes."""
    styles = [looks[target] for target in targets]
    dashes = {"domain": [style.token for style in styles], "range": [list(style.dash) for style in styles]}
    return category(field, legend=None, scale=dashes)
