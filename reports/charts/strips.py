"""Strips: the targets on a line from the best to the worst, once to fifty times as much."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from reports.charts.marks import mark_at, path, picture, text, xy

MOST = 50.0
WIDTH, LEFT, RIGHT = 440.0, 14.0, 386.0
TICKS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
ROW, TOP = 22.0, 12.0


def _x(times: float) -> float:
    inside = min(max(times, 1.0), MOST)
    return LEFT + math.log(inside) / math.log(MOST) * (RIGHT - LEFT)


def scale() -> Markup:
    """The numbers above the strips."""
    words = [text(_x(t), 14, "same" if t == 1 else f"×{t:g}", "tk", "" if t == 1 else "middle") for t in TICKS]
    head = Markup(f'<svg class="pic" viewBox="0 0 {xy(WIDTH)} 20" aria-hidden="true">')  # noqa: S704
    return head + Markup("").join(words) + Markup("</svg>")


def strips(label: str, lines: Sequence[tuple[Sequence[tuple[int, float]], float, bool, str]]) -> Markup:
    """One strip per line: marks with their factors, the largest factor, whether it matters, the words at its end."""
    height = TOP * 2 + ROW * (len(lines) - 1)
    parts = [path("gr", "".join(f"M{xy(_x(t))} 0V{xy(height)}" for t in TICKS))]
    for i, (marks, most, matters, words) in enumerate(lines):
        y = TOP + i * ROW
        end = max([_x(at) for _, at in marks] + [_x(most)])
        style = "real" if matters else "flat"
        parts.append(
            Markup(f'<rect class="{style}" x="7" y="{xy(y - 7.5)}" width="{xy(end)}" height="15" rx="7.5"/>')  # noqa: S704
        )
        parts += [mark_at(mark, _x(at), y, 4.6) for mark, at in sorted(marks, key=lambda pair: -pair[1])]
        if end > RIGHT - 60 and not matters:
            parts.append(text(end - 14, y - 10, words, "rl q", "end"))
        else:
            parts.append(text(end + 14, y + 4, words, "rl" if matters else "rl q"))
    return picture(WIDTH, height, label, parts)
