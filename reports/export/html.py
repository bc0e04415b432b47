"""The report as one HTML file: self-contained, complete without JavaScript, the same bytes for the same record."""

from __future__ import annotations

from pathlib import Path

import jinja2
from markupsafe import Markup

from reports.analysis.analysis import Analysis
from reports.charts.palette import MAPPED
from reports.export.view import View, make_view
from reports.units import clean

#: What the static page asks for: nothing but its own styles and the downloads that it carries.
STATIC_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
TEMPLATES = Path(__file__).parents[1] / "templates"


def render_report(analysis: Analysis, folder: Path, baseline: Analysis | None = None) -> str:
    """The static page. `folder`: where the record's samples are; `baseline`: a record that it is compared with."""
    return render_page(make_view(analysis, folder, baseline))


def render_page(view: View, policy: str = STATIC_POLICY, explore: Markup | None = None) -> str:
    """The page of a view; `explore`: the scripts of the interactive one, which `policy` must let run."""
    return render_template("report.html.j2", view=view, palette=MAPPED, policy=policy, explore=explore)


def render_template(name: str, **context: object) -> str:
    """A template, with all that it prints escaped and cleaned."""
    return _environment().get_template(name).render(context)


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
