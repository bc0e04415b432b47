"""The fit map: two shares of the best on log scales, a factor as many pixels both ways, and its small companions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from reports.charts.marks import box, colour_class, label_width, mark_at, path, picture, text, xy

WIDTH, LEFT, RIGHT, TOP = 640.0, 64.0, 614.0, 36.0
#: Pixels below the plot for ticks and the axis's name.
BELOW = 64.0
TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
#: The field of those that are good at both: within this factor of the best.
GOOD = 3.0
#: The plot is at least this high, and at most this high: beyond, the pixels of a factor shrink.
LEAST_HEIGHT, MOST_HEIGHT = 260.0, 430.0
RADIUS, LETTER, LINE = 7.5, 8.6, 16.0


class Spot(Struct, frozen=True):
    """A target on the map: (low, middle, high) of both shares, between 0 and 1."""

    name: str
    mark: int
    across: tuple[float, float, float]
    up: tuple[float, float, float]


class _Rectangle(Struct, frozen=True):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Rectangle) -> bool:
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom


def share_map(label: str, spots: Sequence[Spot], titles: tuple[str, str], corners: Sequence[str]) -> Markup:
    """`titles`: of the axis across and of the one up. `corners`: words for good at both, up alone, across alone, neither."""
    least_x = min(spot.across[0] for spot in spots)
    least_y = min(spot.up[0] for spot in spots)
    # The domain reaches a little beyond the data on both sides, and at least to a tenth.
    low_x, low_y = (min(least, 0.1) / 1.5 for least in (least_x, least_y))
    scale = (RIGHT - LEFT) / math.log(1.35 / low_x)
    height = min(max(scale * math.log(1.35 / low_y), LEAST_HEIGHT), MOST_HEIGHT)
    scale_y = height / math.log(1.35 / low_y)

    def x(share: float) -> float:
        return LEFT + math.log(share / low_x) * scale

    def y(share: float) -> float:
        return TOP + height - math.log(share / low_y) * scale_y

    bottom = TOP + height
    parts = [box("good", x(1 / GOOD), TOP, RIGHT - x(1 / GOOD), y(1 / GOOD) - TOP)]
    for tick in TICKS:
        words = "best" if tick == 1 else f"{tick * 100:g} %"
        if low_x <= tick:
            parts += [
                path("gr", f"M{xy(x(tick))} {xy(TOP)}V{xy(bottom)}"),
                text(x(tick), bottom + 18, words, "tk", "middle"),
            ]
        if low_y <= tick:
            parts += [path("gr", f"M{xy(LEFT)} {xy(y(tick))}H{xy(RIGHT)}"), text(LEFT - 8, y(tick) + 4, words, "tk", "end")]
    parts += [
        text(RIGHT, bottom + 44, f"{titles[0]} →", "axl", "end"),
        text(0, 16, f"↑ {titles[1]}", "axl"),
        text(RIGHT - 10, TOP + 18, corners[0], "cor", "end"),
        text(LEFT + 10, TOP + 18, corners[1], "cor"),
        text(RIGHT - 10, bottom - 12, corners[2], "cor", "end"),
        text(LEFT + 10, bottom - 12, corners[3], "cor"),
        text(x(1 / GOOD) + 8, y(1 / GOOD) - 8, f"within ×{GOOD:g}", "tk"),
    ]
    for spot in spots:
        (x0, x1, x2), (y0, y1, y2) = ([f(v) for v in values] for f, values in ((x, spot.across), (y, spot.up)))
        cross = f"M{xy(x0)} {xy(y1)}H{xy(x2)}M{xy(x1)} {xy(y0)}V{xy(y2)}"
        parts.append(path(f"whisk {colour_class(spot.mark)}", cross))
    centres = {spot.name: (x(spot.across[1]), y(spot.up[1])) for spot in spots}
    ends = {spot.name: (x(spot.across[0]), x(spot.across[2])) for spot in spots}
    parts += _labels(spots, centres, ends, _Rectangle(LEFT, TOP, RIGHT, bottom))
    parts += [mark_at(spot.mark, *centres[spot.name], RADIUS) for spot in spots]
    return picture(WIDTH, bottom + BELOW - 12, label, parts, "fitm")


def _labels(
    spots: Sequence[Spot],
    centres: dict[str, tuple[float, float]],
    ends: dict[str, tuple[float, float]],
    plot: _Rectangle,
) -> list[Markup]:
    """A name beside each mark: right, else left, else above or below; the first place that is free.

    Of a close pair the left one is labelled first on its left.
    """
    taken = [_Rectangle(cx - RADIUS, cy - RADIUS, cx + RADIUS, cy + RADIUS) for cx, cy in centres.values()]
    parts = []
    for spot in sorted(spots, key=lambda each: (centres[each.name], each.name)):
        cx, cy = centres[spot.name]
        low, high = ends[spot.name]
        width = label_width([spot.name], LETTER)
        right = (max(high, cx + RADIUS) + 6, cy + 5, "start")
        left = (min(low, cx - RADIUS) - 6, cy + 5, "end")
        pair = any(name != spot.name and 0 <= ox - cx < 60 and abs(oy - cy) < 2 * LINE for name, (ox, oy) in centres.items())
        places = [left, right] if pair else [right, left]
        places += [(cx, cy + step * LINE, "middle") for step in (-1.1, 1.7, -2.3, 2.9, -3.5, 4.1)]
        chosen = places[-1]
        for place in places:
            area = _area(place, width)
            inside = plot.left <= area.left and area.right <= plot.right and plot.top <= area.top
            if inside and not any(area.meets(other) for other in taken):
                chosen = place
                break
        taken.append(_area(chosen, width))
        at_x, at_y, anchor = chosen
        if abs(at_y - cy) > LINE * 2:
            parts.append(path("ld", f"M{xy(cx)} {xy(cy)}L{xy(at_x)} {xy(at_y - 5)}"))
        parts.append(text(at_x, at_y, spot.name, f"lab {colour_class(spot.mark)}", "" if anchor == "start" else anchor))
    return parts


def _area(place: tuple[float, float, str], width: float) -> _Rectangle:
    x, y, anchor = place
    left = x if anchor == "start" else x - width if anchor == "end" else x - width / 2
    return _Rectangle(left, y - 12, left + width, y + 4)


class Dot(Struct, frozen=True):
    """A target on a line of seconds."""

    name: str
    mark: int
    low: float
    mid: float
    high: float


SECONDS = ((0.1, "0.1 s"), (0.3, "0.3 s"), (1.0, "1 s"), (5.0, "5 s"), (15.0, "15 s"), (60.0, "1 min"), (300.0, "5 min"))


def seconds_chart(label: str, dots: Sequence[Dot]) -> Markup:
    """One row per target, sooner to the right."""
    left, right, row = max(56.0, label_width([dot.name for dot in dots])) + 8, 314.0, 26.0
    least, most = min(dot.low for dot in dots) / 1.15, max(dot.high for dot in dots) * 1.15
    least = max((s for s, _ in SECONDS if s <= least), default=least)

    def x(seconds: float) -> float:
        return right - math.log(max(seconds, least) / least) / math.log(most / least) * (right - left)

    bottom = 4 + row * len(dots)
    parts = []
    for seconds, words in SECONDS:
        if least <= seconds <= most:
            parts += [
                path("gr", f"M{xy(x(seconds))} 4V{xy(bottom)}"),
                text(x(seconds), bottom + 16, words, "tk", "middle"),
            ]
    parts.append(text(right, bottom + 33, "sooner →", "axl", "end"))
    for i, dot in enumerate(dots):
        y = 18 + i * row
        parts.append(text(left - 8, y + 4, dot.name, f"lab s {colour_class(dot.mark)}", "end"))
        if dot.high > dot.low:
            parts.append(path(f"whisk {colour_class(dot.mark)}", f"M{xy(x(dot.high))} {xy(y)}H{xy(x(dot.low))}"))
        parts.append(mark_at(dot.mark, x(dot.mid), y, 6))
    return picture(340, bottom + 37, label, parts)


def opinion_map(label: str, places: Sequence[tuple[str, float, float]]) -> Markup:
    """Names at places between -1 and 1 both ways: opinion, so without marks."""
    left, right, top, bottom = 22.0, 322.0, 6.0, 176.0
    mid_x, mid_y = (left + right) / 2, (top + bottom) / 2
    parts = [
        Markup(f'<rect class="frame" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}"/>'),  # noqa: S704
        path("gr", f"M{mid_x:g} {top:g}V{bottom:g}M{left:g} {mid_y:g}H{right:g}"),
    ]
    for names, across, up in places:
        x, y = mid_x + across * (right - left) / 2, mid_y - up * (bottom - top) / 2
        anchor = "end" if across > 0.4 else "" if across < -0.8 else "middle"
        parts.append(text(min(x, right - 6), min(max(y + 4, top + 14), bottom - 6), names, "op", anchor))
    parts += [
        text(left, bottom + 20, "← scale-out", "tk"),
        text(right, bottom + 20, "scale-up →", "tk", "end"),
        Markup('<text class="tk" text-anchor="end" transform="translate(13 6) rotate(-90)">rigor →</text>'),
        Markup('<text class="tk" transform="translate(13 176) rotate(-90)">← velocity</text>'),
    ]
    return picture(340, 204, label, parts)
