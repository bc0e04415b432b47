"""Vega-Lite specification -> inline SVG: rendered in process, without a browser or a network, and the same every time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import vl_convert
from markupsafe import Markup, escape

from reports.units import clean

#: The version whose specifications Altair writes; reports/export/interactive.py bundles the same one.
VEGA_LITE = "6.1"
_OPEN = re.compile(r"<svg\b[^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_ID = re.compile(r"\bid=\"((?:clip|gradient_|pattern_)\w*)\"")
_TOKEN = re.compile(r">(@\d+@)<")


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
