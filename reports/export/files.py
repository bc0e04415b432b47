"""Writes everything that is made from a record: pages, summary, tables and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import vl_convert

from harness.errors import RunError
from harness.files import write_whole
from harness.record.reader import Record
from reports.analysis.analysis import analyse
from reports.analysis.claims import claim_results, read_claims
from reports.export.html import render_page
from reports.export.interactive import render_explore
from reports.export.markdown import summary
from reports.export.tables import csv_text, json_text
from reports.export.view import View, make_view
from reports.sections.elements import Figure

#: Twice the size of the page's charts: sharp on dense screens.
SCALE = 2.0

REPORT, EXPLORE, SUMMARY, CSV, JSON, CHARTS = (
    "report.html", "explore.html", "summary.md", "results.csv", "results.json", "charts",
)  # fmt: skip


def write_files(record: Record, baseline: Record | None = None) -> Path:
    """Writes everything into the record's folder, and returns the path of report.html.

    The same record gives the same bytes. Raises RunError when a file can't be written.
    """
    analysis = analyse(record)
    view = make_view(analysis, record.folder, analyse(baseline) if baseline else None)
    files = {
        EXPLORE: render_explore(view).encode(),
        SUMMARY: summary(view).encode(),
        CSV: csv_text(analysis).encode(),
        JSON: json_text(analysis, claim_results(analysis, read_claims())).encode(),
        **{f"{CHARTS}/{name}.png": data for name, data in pictures(view).items()},
        # Written last: if it exists, all the others do.
        REPORT: render_page(view).encode(),
    }
    for name, data in files.items():
        write_file(record.folder / name, data)
    return record.folder / REPORT


def write_file(path: Path, data: bytes) -> None:
    """Writes a file completely or not at all. Raises RunError when it can't be written."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room; the record itself is complete") from None


def pictures(view: View) -> dict[str, bytes]:
    """The charts as PNG by name: fit map, time breakdown, latency."""
    return {figure.id: _png(figure.svg) for figure in _chosen(view) if figure.svg is not None}


def _chosen(view: View) -> Iterator[Figure]:
    yield from view.fit
    for section in view.time_breakdown:
        # For each load, the chart of the whole response is enough.
        yield from (figure for figure in section.figures if not figure.id.endswith("-work"))
    yield from view.latency


def _png(svg: str) -> bytes:
    # A chart's background is transparent: its letters would be unreadable in a dark chat window.
    opening, rest = svg.split(">", 1)
    data: bytes = vl_convert.svg_to_png(f'{opening}><rect width="100%" height="100%" fill="#ffffff"/>{rest}', scale=SCALE)
    return data
