"""The look of every chart (fonts, colours, sizes), and the drawing of charts as SVG."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import vl_convert
from markupsafe import Markup, escape

from reports.charts.palette import INK, LINE, MUTED
from reports.charts.vega_lite import Part, chosen_labels
from reports.units import clean

#: The version that draws the charts; reports/export/interactive.py bundles the same one.
VEGA_LITE = "6.1"
#: The schema of Altair, with which the tests check specifications.
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.4.1.json"
_OPEN = re.compile(r"<svg\b[^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_ID = re.compile(r"\bid=\"((?:clip|gradient_|pattern_)\w*)\"")
_TOKEN = re.compile(r">(@\d+@)<")

#: Above this ratio of largest to smallest value a linear axis would hide the small ones.
LOG_ABOVE_RATIO = 8.0
#: Pixels for names left of the axis, the same in all charts, so that charts line up.
LABEL_WIDTH = 118

#: A chart as Vega-Lite has it, but for its data: name -> fields and rows, as the interactive page stores them.
Spec = dict[str, Any]
#: The data of a layer: field -> its values, one for each row. A chart may have half a million rows.
Columns = Mapping[str, Sequence[Any]]

#: Pixels. Charts are about as wide as a phone, so that letters stay legible there. Wide pages show two side by side.
WIDTH = 290
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED.light, "titleColor": MUTED.light, "domainColor": LINE.light, "tickColor": LINE.light,
        "gridColor": LINE.light, "labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal",
        "labelFont": FONT, "titleFont": FONT,
    },
    "axisY": {"labelColor": INK.light},
    "mark": {"aria": False},
    "text": {"fontSize": 13, "font": FONT},
    "legend": {"labelColor": INK.light, "labelFontSize": 13, "labelFont": FONT, "aria": False},
}  # fmt: skip


def columns(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Rows that all have the same fields, by column."""
    return {field: [row[field] for row in rows] for field in rows[0]} if rows else {}


def _rounded(column: Sequence[Any]) -> Sequence[Any]:
    """The column with its numbers in five digits: finer than a pixel, and a third of the bytes."""
    if not any(issubclass(kind, float) for kind in set(map(type, column))):
        return column
    return [float(f"{value:.5g}") if isinstance(value, float) else value for value in column]


def _packed(data: Columns) -> dict[str, Any]:
    rows = list(zip(*map(_rounded, data.values()), strict=True))
    return {"fields": list(data) if rows else [], "rows": rows}


def whole(spec: Spec) -> dict[str, Any]:
    """The chart with its data as Vega-Lite reads them."""
    data = spec["datasets"].items()
    unpacked = {name: [dict(zip(d["fields"], row, strict=True)) for row in d["rows"]] for name, d in data}
    return {**spec, "datasets": unpacked}


def finish(layers: Sequence[Part], data: Mapping[str, Columns], *, height: int, right: int = 12) -> Spec:
    """The specification of a chart: its layers with their data, size and look. `right`: pixels left free on the right."""
    return {
        "config": CONFIG,
        "layer": list(layers),
        "height": height,
        "width": WIDTH,
        "$schema": SCHEMA,
        "datasets": {name: _packed(each) for name, each in data.items()},
        "padding": {"left": 4, "top": 6, "right": right, "bottom": 4},
        "autosize": {"type": "pad"},
    }


def name_axis() -> Part:
    """The axis of targets' names."""
    return {
        "domain": False,
        "grid": True,
        "labelLimit": LABEL_WIDTH - 8,
        "maxExtent": LABEL_WIDTH,
        "minExtent": LABEL_WIDTH,
        "ticks": False,
    }


def axis_of_percentiles() -> Part:
    """The axis of percentiles, for x = 1 / (1 - quantile)."""
    names = {2: "50 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %"}
    return chosen_labels(names, labelOverlap=False)


def log_domain(values: Sequence[float], scale: float) -> list[float]:
    """The domain of a logarithmic axis: from a little below the smallest to above the largest value."""
    return [min(values) / scale / 1.25, max(values) / scale * 1.25]


def render(spec: Spec, name: str, label: str, names: Mapping[str, str]) -> Markup:
    """The chart as an SVG element with a text alternative, and with `names` instead of tokens.

    `name` is unique within the page: charts number their clip paths alike, and an id must occur only once.
    """
    text = vl_convert.vegalite_to_svg(whole(spec), vl_version=VEGA_LITE, show_warnings=False)
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
