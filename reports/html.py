"""The report as one HTML file: self-contained, complete without JavaScript, the same bytes for the same record."""

from __future__ import annotations

from pathlib import Path

import jinja2
from markupsafe import Markup

from harness.errors import RunError
from harness.record import Record
from reports.analysis import Analysis, analyse
from reports.palette import MAPPED
from reports.units import clean
from reports.view import make_view

FILE_NAME = "report.html"
TEMPLATES = Path(__file__).parent / "templates"


def write_report(record: Record) -> Path:
    """Write `report.html` into the record's folder. Raises RunError when the disk refuses."""
    path = record.folder / FILE_NAME
    text = render_report(analyse(record), record.folder)
    temporary = path.with_suffix(".part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room; the record itself is complete") from None
    return path


def render_report(analysis: Analysis, folder: Path) -> str:
    """The page. `folder`: where the record's samples are."""
    return _environment().get_template("report.html.j2").render(view=make_view(analysis, folder), palette=MAPPED)


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        # By hand and not by file ending: a template that is renamed must not lose its escaping.
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )


def _finalize(value: object) -> object:
    """What a template prints: text without control characters. None would be printed as a word: it is an error instead."""
    if value is None:
        raise ValueError("a template printed None")
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
