"""The chart of the fit map: targets with their intervals, the article's positions faint behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
from msgspec import Struct

from reports.charts.palette import GREY, LINE, Style
from reports.charts.theme import WIDTH, Spec, finish, source, unvalidated

HEIGHT = 290
#: The map reaches this factor beyond the outermost point: room for its name.
MARGIN = 1.3
#: Pixels: distance of a name above its mark, its height, its greatest width.
LABEL_RISE, LABEL_GAP, LABEL_REACH = 9.0, 16.0, 90.0


class Point(Struct, frozen=True):
    """A target on the map: x and y in powers of two, with the half widths of their intervals."""

    target: str
    x: float
    y: float
    half_x: float
    half_y: float


@unvalidated
def fit_map(points: Sequence[Point], article: Sequence[tuple[str, float, float]], looks: Mapping[str, Style]) -> Spec:
    """The fit map. `article`: name, and position in the frame from -1 to 1, with rigor at the top.

    Velocity therefore points down.
    """
    # Intervals that reach beyond the map are cut at its frame.
    reach_x = max(0.5, *(abs(s.x) for s in points)) * MARGIN
    reach_y = max(0.5, *(abs(s.y) for s in points)) * MARGIN
    rows = [
        {
            "x": s.x,
            "y": -s.y,
            "left": max(s.x - s.half_x, -reach_x),
            "right": min(s.x + s.half_x, reach_x),
            "down": max(-s.y - s.half_y, -reach_y),
            "up": min(-s.y + s.half_y, reach_y),
            "colour": looks[s.target].colour,
            "marker": looks[s.target].marker,
        }
        for s in points
    ]
    faint = [{"x": x * reach_x * 0.88, "y": y * reach_y * 0.9, "name": name} for name, x, y in article]
    ratio = "datum.value == 0 ? '1' : datum.value > 0 ? '×' + format(pow(2, datum.value), '.2~r') : "
    ratio += "'1/' + format(pow(2, -datum.value), '.2~r')"
    x_scale, y_scale = (alt.Scale(domain=[-reach, reach], nice=False) for reach in (reach_x, reach_y))
    x = alt.X("x:Q", scale=x_scale, title="← scale-out · scale-up ÷ scale-out · scale-up →", axis=_axis(ratio))
    y_expression = ratio.replace("datum.value", "(-datum.value)")
    y = alt.Y("y:Q", scale=y_scale, title="← velocity · (rigor) →", axis=_axis(y_expression))
    colour = alt.Color("colour:N", scale=None)
    shape = alt.Shape("marker:N", scale=None)
    zero = [{"at": 0}]
    middle_x = source("zero").mark_rule(color=LINE.light).encode(x=alt.X("at:Q", scale=x_scale))
    middle_y = source("zero").mark_rule(color=LINE.light).encode(y=alt.Y("at:Q", scale=y_scale))
    behind = source("article").mark_text(color=GREY.light, fontStyle="italic", fontSize=12).encode(x=x, y=y, text="name:N")
    layer = source("spots")
    across = layer.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        x=alt.X("left:Q", scale=x_scale), x2="right:Q", y=y, color=colour
    )
    along = layer.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        x=x, y=alt.Y("down:Q", scale=y_scale), y2="up:Q", color=colour
    )
    marks = layer.mark_point(filled=True, size=90, opacity=1).encode(x=x, y=y, color=colour, shape=shape)
    right = source("right").mark_text(align="left", dx=9, dy=-9, fontWeight="bold")
    left = source("left").mark_text(align="right", dx=-9, dy=-9, fontWeight="bold")
    names = [side.encode(x=x, y=y, text="name:N", color=colour) for side in (right, left)]
    chart = alt.layer(middle_x, middle_y, behind, across, along, marks, *names)
    return finish(
        chart,
        {"zero": zero, "article": faint, "spots": rows, **_labels(points, looks, reach_x, reach_y)},
        height=HEIGHT,
        right=60,
    )


def _labels(
    points: Sequence[Point], looks: Mapping[str, Style], reach_x: float, reach_y: float
) -> dict[str, list[dict[str, str | float]]]:
    """The names: right of their marks, or left where another mark is in the way."""

    def in_the_way(point: Point, other: Point) -> bool:
        right = (other.x - point.x) / (2 * reach_x) * WIDTH
        down = (other.y - point.y) / (2 * reach_y) * HEIGHT
        return other is not point and 0 <= right < LABEL_REACH and abs(down + LABEL_RISE) < LABEL_GAP

    placed: dict[str, list[dict[str, str | float]]] = {"right": [], "left": []}
    for point in points:
        side = "left" if any(in_the_way(point, other) for other in points) else "right"
        look = looks[point.target]
        placed[side].append({"x": point.x, "y": -point.y, "name": look.token, "colour": look.colour})
    return placed


def _axis(label: str) -> alt.Axis:
    return alt.Axis(tickCount=5, labelExpr=label, grid=False, labelOverlap=True)
