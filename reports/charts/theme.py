"""How every chart looks: fonts, colours, room. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec

import altair as alt
from altair.utils.schemapi import debug_mode

from reports.charts.palette import INK, LINE, MUTED

#: Above this ratio of largest to smallest value a linear axis would hide the small ones.
LOG_ABOVE_RATIO = 8.0
#: Room for names left of the axis, the same in all charts, so that they line up.
LABEL_WIDTH = 118

Spec = dict[str, Any]
P = ParamSpec("P")

#: Charts are drawn near the width of a telephone, so that letters stay legible there; wide pages show two abreast.
WIDTH = 290
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def unvalidated(make: Callable[P, Spec]) -> Callable[P, Spec]:
    """Without Altair's checks against its schema, which cost half of a report's time; the tests do them instead."""

    @wraps(make)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Spec:
        with debug_mode(False):
            return make(*args, **kwargs)

    return wrapped


def source(name: str) -> alt.Chart:
    """A chart on data that `finish` adds by name: Altair copies what it is given, several times."""
    return alt.Chart(alt.NamedData(name))


def _rounded(value: Any) -> Any:
    """Five digits: finer than a pixel, and a third of the bytes."""
    return float(f"{value:.5g}") if isinstance(value, float) else value


def finish(chart: Any, data: Mapping[str, list[dict[str, Any]]], *, height: int, right: int = 12) -> Spec:
    axis: dict[str, Any] = {
        "labelColor": MUTED.light, "titleColor": MUTED.light, "domainColor": LINE.light, "tickColor": LINE.light,
        "gridColor": LINE.light, "labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal",
        "labelFont": FONT, "titleFont": FONT,
    }  # fmt: skip
    spec: Spec = chart.properties(width=WIDTH, height=height).to_dict(validate=False)
    spec["datasets"] = {name: [{k: _rounded(v) for k, v in row.items()} for row in rows] for name, rows in data.items()}
    spec["padding"] = {"left": 4, "top": 6, "right": right, "bottom": 4}
    spec["autosize"] = {"type": "pad"}
    spec["config"] = {
        "background": "transparent",
        "font": FONT,
        "aria": False,
        "view": {"stroke": None},
        "axis": axis,
        "axisY": {"labelColor": INK.light},
        "mark": {"aria": False},
        "text": {"fontSize": 13, "font": FONT},
        "legend": {"labelColor": INK.light, "labelFontSize": 13, "labelFont": FONT, "aria": False},
    }
    return spec


def name_axis() -> alt.Axis:
    return alt.Axis(
        labelLimit=LABEL_WIDTH - 8, minExtent=LABEL_WIDTH, maxExtent=LABEL_WIDTH, grid=True, ticks=False, domain=False
    )


def axis_of_percentiles() -> alt.Axis:
    names = {2: "50 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %"}
    expression = " : ".join(f"datum.value == {value} ? '{name}'" for value, name in names.items()) + " : ''"
    return alt.Axis(values=list(names), labelExpr=expression, labelOverlap=False)


def log_domain(values: Sequence[float], scale: float) -> list[float]:
    """From a little below the smallest to a little above the largest value."""
    return [min(values) / scale / 1.25, max(values) / scale * 1.25]
