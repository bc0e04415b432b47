"""The interactive page: the report with a live advisor, a filter of targets and charts to zoom, in one file.

It needs no network, like report.html, and works where eval is forbidden. Its policy allows its two scripts by their hashes,
so no other text can run, whatever names a record contains. The same view gives the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from markupsafe import Markup

from reports.analysis import cost_model
from reports.charts.palette import styles
from reports.charts.theme import VEGA_LITE, Spec
from reports.export.html import STATIC_POLICY, TEMPLATES, render_page, render_template
from reports.export.view import View
from reports.sections.elements import Figure
from reports.units import clean, is_clean

#: Parts of the page's own script; each needs only those before it.
PARTS = ("page.js", "advisor.js", "filter.js", "form.js", "charts.js", "cells.js", "explore.js")
#: Characters that would end an inline script, or make the parser apply the rules for commented scripts.
_ENDS = re.compile(r"<(?=/script|script|!--)", re.IGNORECASE)
_BUNDLE = """
import sys, vl_convert
text = vl_convert.javascript_bundle("globalThis.vegaEmbed = vegaEmbed;", vl_version=sys.argv[1])
sys.stdout.buffer.write(text.encode())
"""
_PRINTABLE = bytes(range(0x20, 0x7F))


def render_explore(view: View) -> str:
    """The interactive page of a view."""
    # A module is deferred: Vega's libraries run after the page is parsed, the page's own script while it is.
    scripts = ((Markup(' type="module"'), bundle()), (Markup(), own_script()))
    blocks = (
        ("advisor-data", json_block(_advisor(view))),
        ("cells-data", json_block(view.every_cell)),
    )
    packed = (("specs", packed_json(_charts(view))),)
    marked = [(kind, Markup(text)) for kind, text in scripts]  # noqa: S704
    fragment = render_template("explore.html.j2", blocks=blocks, packed=packed, scripts=marked)
    hashes = " ".join(f"'sha256-{_sha256(text)}'" for _, text in scripts)
    return render_page(view, f"{STATIC_POLICY}; script-src {hashes}", Markup(fragment))  # noqa: S704


@cache
def begin_bundle() -> subprocess.Popen[bytes]:
    """Starts a process that makes the bundle. It takes more than a second, in which vl-convert lets no other thread run."""
    # -P: a file of the current folder must not stand in for a library.
    return subprocess.Popen([sys.executable, "-P", "-c", _BUNDLE, VEGA_LITE], stdout=subprocess.PIPE)


@cache
def bundle() -> str:
    """Vega, Vega-Lite and vega-embed with its interpreter, as vl-convert contains them."""
    text, _ = begin_bundle().communicate()
    if begin_bundle().returncode:
        raise RuntimeError("vl-convert made no bundle: its error is above")
    return _inline(text.decode())


@cache
def own_script() -> str:
    """The page's own script. Its parts share one scope and add nothing to the page's, but `fitmap`."""
    parts = "\n".join((TEMPLATES / part).read_text(encoding="utf-8") for part in PARTS)
    return _inline(f'(() => {{\n"use strict";\n{parts}}})();\n')


def json_block(value: Any) -> Markup:
    """Data as JSON for an inline script: cleaned like all text of the page, and without `<`, so it can't end the script."""
    text = msgspec.json.encode(_cleaned(msgspec.to_builtins(value))).decode()
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def packed_json(value: Any) -> str:
    """Plain data as JSON, cleaned, packed with gzip and base64: a page of a hundred charts is a third as large."""
    return base64.b64encode(gzip.compress(_clean_json(value), compresslevel=9, mtime=0)).decode("ascii")


def _clean_json(value: Any) -> bytes:
    """Ten thousand trials are millions of values in charts. They are only cleaned one by one if any of them needs it."""
    try:
        text = msgspec.json.encode(value)
        # JSON writes most control characters with a backslash. Others are looked for in what is not printable ASCII.
        if b"\\" not in text and is_clean(text.translate(None, _PRINTABLE).decode()):
            return text
    except UnicodeEncodeError:
        pass
    return msgspec.json.encode(_cleaned(value))


def zoomable(spec: Spec) -> Spec:
    """The chart with scales that can be moved, at the full width. What all charts have in common (`config`) is left out."""
    return {
        **{key: value for key, value in spec.items() if key not in ("$schema", "width", "config")},
        "layer": [_zoomable_layer(layer) for layer in spec["layer"]],
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def _zoomable_layer(layer: dict[str, Any]) -> dict[str, Any]:
    source, mark = layer["data"]["name"], layer["mark"]
    if source == "labels":
        # Names stay at the right edge at any width. Vega-Lite would clip them, as it clips all marks on scales that move.
        return {**layer, "mark": {**mark, "clip": False}, "encoding": {**layer["encoding"], "x": {"value": "width"}}}
    # The selection belongs to one layer, but the scales that it moves are shared by all.
    selection = {"params": [{"name": "zoom", "select": "interval", "bind": "scales"}]} if mark["type"] == "line" else {}
    return {**layer, **selection}


def _advisor(view: View) -> dict[str, Any]:
    advice = view.advice
    need = advice.need
    return {
        "basis": advice.basis,
        "need": need,
        "model": {
            "headroom": cost_model.HEADROOM,
            "smallest_cores": cost_model.SMALLEST_CORES,
            "stretch": cost_model.STRETCH,
        },
        "currency": view.run.configuration.prices.currency,
        "title": advice.bills.title,
        "headers": advice.bills.headers,
        "terms": (
            f"At most {need.utilisation:.0%} of the cores are used, and at least {need.instances} instances run. Default "
            f"prices: {advice.source}."
        ),
    }


def _charts(view: View) -> dict[str, Any]:
    drawn = {figure.id: figure.chart() for figure in _figures(view) if figure.chart}
    return {
        "config": next(iter(drawn.values()))["config"] if drawn else {},
        "charts": {name: zoomable(spec) for name, spec in drawn.items()},
        "looks": {
            look.token: {"target": target, "label": look.label} for target, look in styles(view.run.plan.targets).items()
        },
    }


def _figures(view: View) -> Iterator[Figure]:
    yield from view.latency
    yield from view.warmup
    for section in (*view.over_time, *view.non_load, *view.axes, *view.time_breakdown):
        yield from (*section.figures, *section.more)
    for answer in view.answers:
        yield answer.figure


def _inline(text: str) -> str:
    """The script made safe for inlining: `\\x3c` is the same character in a string or regular expression."""
    return _ENDS.sub(r"\\x3c", text).replace("\r\n", "\n")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(each) for key, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list | tuple) else value
