"""Stacked bars: what a response or a bill is made of, one bar per target."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from reports.charts.marks import box, label_width, path, picture, text, xy

WIDTH, ROW, BAR = 430.0, 24.0, 16.0
#: Pixels right of the longest bar.
END = 8.0


class Stack(Struct, frozen=True):
    """One bar: its parts in order, as (class, value); the words before it; the interval of the whole, if any."""

    name: str
    parts: tuple[tuple[str, float], ...]
    words: str
    low: float | None = None
    high: float | None = None


def stacks(label: str, bars: Sequence[Stack]) -> Markup:
    """The bars below each other, on a scale of their own from 0."""
    names = label_width([bar.name for bar in bars])
    left = names + label_width([bar.words for bar in bars], 7.2) + 20
    most = max((max(sum(v for _, v in bar.parts), bar.high or 0.0) for bar in bars), default=1.0) or 1.0
    room = WIDTH - left - END
    parts: list[Markup] = []
    for i, bar in enumerate(bars):
        y = 4 + i * ROW
        x = left
        parts += [text(names, y + 12, bar.name, "nm", "end"), text(left - 8, y + 12, bar.words, "vl", "end")]
        for style, value in bar.parts:
            width = value / most * room
            if width > 0.05:
                parts.append(box(style, x, y, width, BAR))
            x += width
        if bar.low is not None and bar.high is not None and bar.high > bar.low:
            first, last = (left + end / most * room for end in (bar.low, bar.high))
            middle = y + BAR / 2
            ends = "".join(f"M{xy(end)} {xy(middle - 3)}v6" for end in (first, last))
            parts.append(path("wh", f"M{xy(first)} {xy(middle)}H{xy(last)}{ends}"))
    return picture(WIDTH, 4 + ROW * len(bars), label, parts)
