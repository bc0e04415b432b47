"""Writes everything that is made from a record: pages, summary, tables and pictures."""

from __future__ import annotations

from pathlib import Path

from harness.errors import RunError
from harness.files import write_whole
from harness.record.garbage import uncollected
from harness.record.reader import Record
from reports.analysis.analysis import analyse
from reports.export.card import render_card
from reports.export.html import render_page
from reports.export.interactive import begin_bundle, render_explore
from reports.export.markdown import summary
from reports.export.view import Running, make_view

REPORT, EXPLORE, SUMMARY, CSV, JSON, CARD = (
    "report.html", "explore.html", "summary.md", "results.csv", "results.json", "charts/scorecard.png",
)  # fmt: skip


@uncollected()
def write_files(record: Record, baseline: Record | None = None) -> Path:
    """Writes everything into the record's folder, and returns the path of report.html.

    The same record gives the same bytes. Raises RunError when a file can't be written.
    """
    begin_bundle()
    analysis = analyse(record)
    view = make_view(analysis, record.folder, analyse(baseline) if baseline else None, interactive=True)
    files = {
        EXPLORE: render_explore(view).encode(),
        SUMMARY: summary(view).encode(),
        CSV: view.csv.text.encode(),
        JSON: view.json.text.encode(),
        CARD: render_card(view.overview),
        # Written last: if it exists, all the others do.
        REPORT: render_page(view).encode(),
    }
    for name, data in files.items():
        write_file(record.folder / name, data)
    return record.folder / REPORT


def write_running(record: Record, running: Running) -> Path:
    """Writes the page of a run that is not over, and returns its path. Raises RunError when it can't be written."""
    page = record.folder / REPORT
    write_file(page, render_page(make_view(analyse(record), record.folder, running=running)).encode())
    return page


def write_file(path: Path, data: bytes) -> None:
    """Writes a file completely or not at all. Raises RunError when it can't be written."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room; the record itself is complete") from None
