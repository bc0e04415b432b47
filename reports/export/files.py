"""All that is made of a record: the pages, the summary, the tables, the pictures. Writes files; the rest is pure."""

from __future__ import annotations

from pathlib import Path

from harness.errors import RunError
from harness.record.writer import Record
from reports.analysis.analysis import analyse
from reports.analysis.claims import findings, read_claims
from reports.export.html import render_page
from reports.export.interactive import render_explore
from reports.export.markdown import summary
from reports.export.png import pictures
from reports.export.tables import csv_text, json_text
from reports.export.view import make_view

REPORT, EXPLORE, SUMMARY, CSV, JSON, CHARTS = (
    "report.html", "explore.html", "summary.md", "results.csv", "results.json", "charts",
)  # fmt: skip


def write_files(record: Record, baseline: Record | None = None) -> Path:
    """Write everything into the record's folder; the path of report.html. The same record gives the same bytes.

    Raises RunError when the disk refuses.
    """
    analysis = analyse(record)
    view = make_view(analysis, record.folder, analyse(baseline) if baseline else None)
    files = {
        EXPLORE: render_explore(view).encode(),
        SUMMARY: summary(view).encode(),
        CSV: csv_text(analysis).encode(),
        JSON: json_text(analysis, findings(analysis, read_claims())).encode(),
        **{f"{CHARTS}/{name}.png": data for name, data in pictures(view).items()},
        # Last: where it is, all the others are.
        REPORT: render_page(view).encode(),
    }
    for name, data in files.items():
        write_file(record.folder / name, data)
    return record.folder / REPORT


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises RunError when the disk refuses."""
    temporary = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room; the record itself is complete") from None
