"""The look of every chart (fonts, colours, sizes), and the drawing of charts as SVG."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode
from markupsafe import Markup, escape

from reports.charts.palette import INK, LINE, MUTED
from reports.units import clean

#: The version whose specifications Altair writes; reports/export/interactive.py bundles the same one.
VEGA_LITE = "6.1"
_OPEN = re.compile(r"<svg\b[^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_ID = re.compile(r"\bid=\"((?:clip|gradient_|pattern_)\w*)\"")
_TOKEN = re.compile(r">(@\d+@)<")

#: Above this ratio of largest to smallest value a linear axis would hide the small ones.
LOG_ABOVE_RATIO = 8.0
#: Pixels for names left of the axis, the same in all charts, so that charts line up.
LABEL_WIDTH = 118

Spec = dict[str, Any]
P = ParamSpec("P")

#: Pixels. Charts are about as wide as a phone, so that letters stay legible there. Wide pages show two side by side.
WIDTH = 290
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def unvalidated(make: Callable[P, Spec]) -> Callable[P, Spec]:
    """Makes a chart without Altair's schema checks, which cost half of a report's time. The tests check."""

    @wraps(make)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Spec:
        with debug_mode(False):
            return make(*args, **kwargs)

    return wrapped


def source(name: str) -> alt.Chart:
    """A chart on data that `finish` adds by name, because Altair copies data several times."""
    return alt.Chart(alt.NamedData(name))


def _rounded(value: Any) -> Any:
    """The value in five digits: finer than a pixel, and a third of the bytes."""
    return float(f"{value:.5g}") if isinstance(value, float) else value


def finish(chart: Any, data: Mapping[str, list[dict[str, Any]]], *, height: int, right: int = 12) -> Spec:
    """The chart's specification with its data, size and look. `right`: pixels left free on the right."""
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
    """The axis of targets' names."""
    return alt.Axis(
        labelLimit=LABEL_WIDTH - 8, minExtent=LABEL_WIDTH, maxExtent=LABEL_WIDTH, grid=True, ticks=False, domain=False
    )


def axis_of_percentiles() -> alt.Axis:
    """The axis of percentiles, for x = 1 / (1 - quantile)."""
    names = {2: "50 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %"}
    expression = " : ".join(f"datum.value == {value} ? '{name}'" for value, name in names.items()) + " : ''"
    return alt.Axis(values=list(names), labelExpr=expression, labelOverlap=False)


def log_domain(values: Sequence[float], scale: float) -> list[float]:
    """The domain of a logarithmic axis: from a little below the smallest to above the largest value."""
    return [min(values) / scale / 1.25, max(values) / scale * 1.25]


def render(spec: dict[str, Any], name: str, label: str, names: Mapping[str, str]) -> Markup:
    """The chart as an SVG element with a text alternative, and with `names` instead of tokens.

    `name` is unique within the page: charts number their clip paths alike, and an id must occur only once.
    """
    text = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, show_warnings=False)
    found = _OPEN.search(text)
    if not found:
        raise ValueError("vl-convert gave no SVG element")
    body = text[found.end() :]
    # Vega counts ids over the whole process. Numbered by order of appearance, the same chart gives the same bytes.
    for number, identifier in enumerate(dict.fromkeys(_ID.findall(body))):
        body = body.replace(f'id="{identifier}"', f'id="{name}-{number}"').replace(
            f"url(#{identifier})", f"url(#{name}-{number})"
        )
    body = _TOKEN.sub(lambda match: f">{escape(names[match.group(1)])}<", body)
    width = found.group(1).split()[2]
    head = Markup('<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{}" width="{}" aria-label="{}">').format(
        found.group(1), width, clean(label)
    )
    # The specification has no text from outside: names are escaped above, the label by `head`.
    return head + Markup(body)  # noqa: S704
