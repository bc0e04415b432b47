"""The line in a cell of the scorecard: from half to two hundred times the best, on one log scale in every cell."""

from __future__ import annotations

import math

from markupsafe import Markup

from reports.charts.marks import box, path, xy

LEAST, MOST = 0.5, 200.0
WIDTH, HEIGHT = 100.0, 7.0
#: A bar shorter than this would only thicken the tick.
SHORTEST = 0.6


def cell_line(at: float, low: float | None, high: float | None) -> Markup:
    """A bar from the best to the median, the interval, and a tick at the median. All as times worse than the best."""
    middle, best = _x(at), _x(1.0)
    parts = [path("ax", "M0 3.5H100")]
    if middle - best > SHORTEST:
        parts.append(box("bk", best, 1, middle - best, 5))
    if low is not None and high is not None and _x(high) > _x(low):
        parts.append(box("iv", _x(low), 2.6, max(_x(high) - _x(low), 0.8), 1.8))
    parts.append(box("tick", middle - 0.9, 0, 1.8, 7))
    head = f'<svg viewBox="0 0 {xy(WIDTH)} {xy(HEIGHT)}" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(head) + Markup("").join(parts) + Markup("</svg>")  # noqa: S704


def _x(times: float) -> float:
    inside = min(max(times, LEAST), MOST)
    return math.log(inside / LEAST) / math.log(MOST / LEAST) * WIDTH
