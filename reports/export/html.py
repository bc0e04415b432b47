"""The report as one HTML file: self-contained, complete without JavaScript, the same bytes for the same record."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from reports.analysis.analysis import Analysis
from reports.charts import strips
from reports.charts.palette import MAPPED
from reports.export.view import View, make_view
from reports.overview import fit_map, pictures
from reports.units import clean

#: The static page may use its own styles and data addresses (its downloads and icon), and nothing else.
STATIC_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
TEMPLATES = Path(__file__).parents[1] / "templates"


def render_report(analysis: Analysis, folder: Path, baseline: Analysis | None = None) -> str:
    """The static page. `folder`: where the record's samples are; `baseline`: the record to compare it with."""
    return render_page(make_view(analysis, folder, baseline))


def render_page(view: View, policy: str = STATIC_POLICY, explore: Markup | None = None) -> str:
    """The page of a view. `explore`: scripts of the interactive page, which `policy` must allow."""
    return render_template(
        "report.html.j2",
        view=view,
        palette=MAPPED,
        policy=policy,
        explore=explore,
        draw=pictures,
        fit_caption=fit_map.caption,
        strip_scale=strips.scale,
    )


def render_template(name: str, **context: object) -> str:
    """The text of a template. Everything that it prints is escaped and cleaned."""
    return _environment().get_template(name).render(context)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        # Always on, not by file extension: a renamed template must not lose its escaping.
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )


def _finalize(value: object) -> object:
    """Removes control characters from what a template prints. Raises ValueError for None."""
    if value is None:
        raise ValueError("a template printed None")
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
