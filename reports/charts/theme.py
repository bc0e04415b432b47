"""How every chart looks: fonts, colours, room. Pure."""

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


def render(spec: dict[str, Any], name: str, label: str, names: Mapping[str, str]) -> Markup:
    """The chart as an SVG element with a text alternative, `names` in the place of their tokens.

    `name` is unique within the page: charts number their clip paths alike, and an id must be there once alone.
    """
    text = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, show_warnings=False)
    found = _OPEN.search(text)
    if not found:
        raise ValueError("vl-convert gave no SVG element")
    body = text[found.end() :]
    # Vega numbers them through the whole process: by order of appearance, the same chart gives the same bytes again.
    for number, identifier in enumerate(dict.fromkeys(_ID.findall(body))):
        body = body.replace(f'id="{identifier}"', f'id="{name}-{number}"').replace(
            f"url(#{identifier})", f"url(#{name}-{number})"
        )
    body = _TOKEN.sub(lambda match: f">{escape(names[match.group(1)])}<", body)
    width = found.group(1).split()[2]
    head = Markup('<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{}" width="{}" aria-label="{}">').format(
        found.group(1), width, clean(label)
    )
    # The specification is ours alone: names from outside are escaped above, the label by `head`.
    return head + Markup(body)  # noqa: S704
