"""The picture of a claim: its bound in the middle, the supporting side shaded, interval and value on a log scale."""

from __future__ import annotations

import math

from markupsafe import Markup

from reports.charts.marks import box, path, xy

WIDTH = 100.0


def claim_line(style: str, at: float, low: float, high: float, widest: float, *, upwards: bool) -> Markup:
    """`at`, `low`, `high`: as times the bound, within 1 / widest to widest. `style`: the class of the verdict's colour."""

    def x(times: float) -> float:
        return WIDTH / 2 + math.log(times) / math.log(widest) * (WIDTH / 2 - 4)

    parts = [
        box("ok", WIDTH / 2 if upwards else 0, 0, WIDTH / 2, 14),
        path("bd", "M50 0V14"),
        box(f"civ {style}", x(low), 5.5, max(x(high) - x(low), 0.1), 3),
        Markup(f'<circle class="{style}" cx="{xy(x(at))}" cy="7" r="3.2"/>'),  # noqa: S704
    ]
    return Markup('<svg viewBox="0 0 100 14" aria-hidden="true">') + Markup("").join(parts) + Markup("</svg>")
