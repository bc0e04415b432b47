"""The fit map's picture: targets with their uncertainty, the article's positions faint behind them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
from msgspec import Struct

from reports.charts.palette import GREY, LINE, Style
from reports.charts.theme import WIDTH, Spec, finish, source, unvalidated

HEIGHT = 290
#: Room between the outermost point and the frame, for its name.
MARGIN = 1.3
#: Pixels: how far a name stands above its mark, how high it is, how wide it may be.
LABEL_RISE, LABEL_GAP, LABEL_REACH = 9.0, 16.0, 90.0


class Point(Struct, frozen=True):
    """A target on the map: x and y in powers of two, with half the widths of their intervals."""

    target: str
    x: float
    y: float
    half_x: float
    half_y: float


@unvalidated
def fit_map(spots: Sequence[Point], article: Sequence[tuple[str, float, float]], looks: Mapping[str, Style]) -> Spec:
    """`article`: name and position within the frame, -1 to 1; y upwards is rigor, so velocity points down."""
    # An interval that is wider than the map says only that: it is cut at the frame.
    reach_x = max(0.5, *(abs(s.x) for s in spots)) * MARGIN
    reach_y = max(0.5, *(abs(s.y) for s in spots)) * MARGIN
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
        for s in spots
    ]
    faint = [{"x": x * reach_x * 0.88, "y": y * reach_y * 0.9, "name": name} for name, x, y in article]
    ratio = "datum.value == 0 ? '1' : datum.value > 0 ? '×' + format(pow(2, datum.value), '.2~r') : "
    ratio += "'1/' + format(pow(2, -datum.value), '.2~r')"
    x_scale, y_scale = (alt.Scale(domain=[-reach, reach], nice=False) for reach in (reach_x, reach_y))
    x = alt.X("x:Q", scale=x_scale, title="← scale-out · ratio of the two · scale-up →", axis=_axis(ratio))
    y_expression = ratio.replace("datum.value", "(-datum.value)")
    y = alt.Y("y:Q", scale=y_scale, title="← velocity · (rigor) →", axis=_axis(y_expression))
    colour = alt.Color("colour:N", scale=None)
    shape = alt.Shape("marker:N", scale=None)
    zero = [{"at": 0}]
    middle_x = source("zero").mark_rule(color=LINE.light).encode(x=alt.X("at:Q", scale=x_scale))
    middle_y = source("zero").mark_rule(color=LINE.light).encode(y=alt.Y("at:Q", scale=y_scale))
    behind = source("article").mark_text(color=GREY.light, fontStyle="italic", fontSize=12).encode(x=x, y=y, text="name:N")
    points = source("spots")
    across = points.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        x=alt.X("left:Q", scale=x_scale), x2="right:Q", y=y, color=colour
    )
    along = points.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        x=x, y=alt.Y("down:Q", scale=y_scale), y2="up:Q", color=colour
    )
    marks = points.mark_point(filled=True, size=90, opacity=1).encode(x=x, y=y, color=colour, shape=shape)
    right = source("right").mark_text(align="left", dx=9, dy=-9, fontWeight="bold")
    left = source("left").mark_text(align="right", dx=-9, dy=-9, fontWeight="bold")
    names = [side.encode(x=x, y=y, text="name:N", color=colour) for side in (right, left)]
    chart = alt.layer(middle_x, middle_y, behind, across, along, marks, *names)
    return finish(
        chart,
        {"zero": zero, "article": faint, "spots": rows, **_labels(spots, looks, reach_x, reach_y)},
        height=HEIGHT,
        right=60,
    )


def _labels(
    spots: Sequence[Point], looks: Mapping[str, Style], reach_x: float, reach_y: float
) -> dict[str, list[dict[str, str | float]]]:
    """Names on the right of their marks; on the left where another mark is where the name would be."""

    def in_the_way(spot: Point, other: Point) -> bool:
        right = (other.x - spot.x) / (2 * reach_x) * WIDTH
        down = (other.y - spot.y) / (2 * reach_y) * HEIGHT
        return other is not spot and 0 <= right < LABEL_REACH and abs(down + LABEL_RISE) < LABEL_GAP

    placed: dict[str, list[dict[str, str | float]]] = {"right": [], "left": []}
    for spot in spots:
        side = "left" if any(in_the_way(spot, other) for other in spots) else "right"
        look = looks[spot.target]
        placed[side].append({"x": spot.x, "y": -spot.y, "name": look.token, "colour": look.colour})
    return placed


def _axis(label: str) -> alt.Axis:
    return alt.Axis(tickCount=5, labelExpr=label, grid=False, labelOverlap=True)
