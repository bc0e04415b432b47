"""The charts that travel alone, as PNG for chat and mail: on white, in the light colours. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import vl_convert

from reports.export.view import View
from reports.sections.metric_figures import Figure

#: Twice the size of the page's charts: sharp on dense screens.
SCALE = 2.0


def pictures(view: View) -> dict[str, bytes]:
    """Name -> PNG: the fit map, where the time goes, latency."""
    return {figure.id: _png(figure.svg) for figure in _chosen(view) if figure.svg is not None}


def _chosen(view: View) -> Iterator[Figure]:
    yield from view.fit
    for section in view.parts:
        # Of each load the whole response; the work alone is a detail of it.
        yield from (figure for figure in section.figures if not figure.id.endswith("-work"))
    yield from view.latency


def _png(svg: str) -> bytes:
    # A chart's background is transparent: in a dark chat its letters would vanish.
    opening, rest = svg.split(">", 1)
    data: bytes = vl_convert.svg_to_png(f'{opening}><rect width="100%" height="100%" fill="#ffffff"/>{rest}', scale=SCALE)
    return data
