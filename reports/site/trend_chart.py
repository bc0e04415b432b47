"""A trend as a chart, and as a sparkline for lists. Both are complete without JavaScript."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from reports.charts.palette import BLUE, GREEN, INK, VERMILION
from reports.charts.theme import LOG_ABOVE_RATIO, Spec, columns, finish, render
from reports.charts.vega_lite import Part, chosen_labels, layer, number, number_axis, scale
from reports.site.trends import Series, Trend

#: An axis spans at least this ratio, so that a cell that varies by a hundredth does not look noisy.
MIN_SPAN = 1.2
SPARK_WIDTH, SPARK_HEIGHT = 200, 36
DOT: dict[str, Any] = {
    "strokeWidth": 3.6,
    "strokeCap": "round",
    "color": BLUE.light,
    "opacity": 0.75,
    "invalid": "break-paths-show-path-domains",
}
REGRESSED: dict[str, Any] = {
    "filled": True,
    "size": 90,
    "opacity": 1,
    "shape": "triangle-down",
    "yOffset": -9,
    "color": VERMILION.light,
}


def chart(trend: Trend, series: Series, days: Sequence[str], name: str) -> Markup:
    """The chart of a trend. `days`: of each run of the series, as ISO dates; `name` is unique within the page."""
    first = f"{len(trend.at)} runs, newest {trend.text(trend.values[-1])}"
    return render(trend_spec(trend, series, days), name, f"{trend.title}: {first}", {})


def trend_spec(trend: Trend, series: Series, days: Sequence[str]) -> Spec:
    """Runs as dots, levels as lines, change points, acknowledgements and regressions as marks."""
    factor, symbol = trend.scale
    low, high = _span(trend.values)
    logarithmic = high / low > LOG_ABOVE_RATIO
    y_scale = scale([low / factor, high / factor], "log" if logarithmic else "linear")
    title = f"{symbol}, logarithmic".lstrip(", ") if logarithmic else symbol
    x = number("x", title=None, scale=scale([-0.5, len(series.runs) - 0.5]), axis=_day_axis(days))
    # An unknown metric has no unit: its axis keeps Vega-Lite's own title.
    y = number("y", scale=y_scale, axis=number_axis(4), **({"title": title} if title else {}))
    points = [(at, value / factor) for at, value in zip(trend.at, trend.values, strict=True)]
    # All dots are one path of zero-length pieces with round ends. That takes a tenth of the bytes of single dots.
    dots: list[dict[str, Any]] = []
    for at, value in points:
        dots += [{"x": at, "y": value}, {"x": at + 0.5, "y": None}]
    by_run = dict(points)
    data = {
        "dots": dots,
        "levels": [{"x": level.start - 0.5, "to": level.end + 0.5, "y": level.value / factor} for level in trend.segments],
        "changes": [{"x": change.at - 0.5} for change in trend.changes],
        "accepted": [{"x": at - 0.5} for at in series.accepted],
        "regressed": [{"x": at, "y": by_run[at]} for at in trend.regressed if at in by_run],
    }
    layers = (
        layer("accepted", "rule", {"x": x}, strokeDash=[4, 3], strokeWidth=1.5, color=GREEN.light),
        layer("changes", "rule", {"x": x}, strokeWidth=1.5, color=VERMILION.light),
        layer("dots", "line", {"x": x, "y": y}, **DOT),
        layer("levels", "rule", {"x": x, "x2": {"field": "to"}, "y": y}, strokeWidth=1.8, color=INK.light),
        layer("regressed", "point", {"x": x, "y": y}, **REGRESSED),
    )
    return finish(layers, {name: columns(rows) for name, rows in data.items()}, height=150)


def sparkline(trend: Trend, runs: int) -> Markup:
    """The trend as a small picture next to its text. Screen readers skip it, because the text says the same."""
    low, high = (math.log(value) for value in _span(trend.values))

    def across(at: float) -> str:
        return f"{3 + (SPARK_WIDTH - 6) * at / max(runs - 1, 1):.4g}"

    def up(value: float) -> str:
        return f"{(SPARK_HEIGHT - 3) - (SPARK_HEIGHT - 6) * (math.log(value) - low) / (high - low):.3g}"

    def path(pairs: Sequence[tuple[float, float]]) -> str:
        return "M" + "L".join(f"{across(at)},{up(value)}" for at, value in pairs)

    values = path(list(zip(trend.at, trend.values, strict=True)))
    level = "".join(path([(each.start, each.value), (each.end, each.value)]) for each in trend.segments)
    cuts = "".join(f"M{across(change.at - 0.5)},1V{SPARK_HEIGHT - 1}" for change in trend.changes)
    end = (across(trend.at[-1]), up(trend.values[-1]))
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" aria-hidden="true" focusable="false"><g fill="none" stroke-linejoin="round">'
        '<path class="cuts" d="{}"/><path class="run" d="{}"/><path class="level" d="{}"/></g>'
        '<circle class="now" cx="{}" cy="{}" r="2.6"/></svg>'
    ).format(SPARK_WIDTH, SPARK_HEIGHT, cuts, values, level, *end)


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The range of the axis: from slightly below the smallest value to slightly above the largest."""
    low, high = math.log(min(values)), math.log(max(values))
    room = max((math.log(MIN_SPAN) - (high - low)) / 2, (high - low) * 0.06)
    return math.exp(low - room), math.exp(high + room)


def _day_axis(days: Sequence[str]) -> Part:
    """The days of the first and the last run, and one between them if there is room."""
    last = len(days) - 1
    shown = (0, last // 2, last) if last > 3 else (0, last)
    return chosen_labels({at: days[at] for at in shown}, labelFlush=True, labelOverlap=True, grid=False)
