"""A short summary in Markdown, for comments, chat and mail: verdict, win matrix, what limits whom, what is not valid."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from harness.errors import RunError
from harness.record import Record
from reports.analysis import analyse
from reports.figures import Table
from reports.matrix import Matrix
from reports.sentences import Span
from reports.units import clean
from reports.view import View, make_view

FILE_NAME = "summary.md"
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>&~@:-])")


def write_summary(record: Record) -> Path:
    """Write `summary.md` into the record's folder. Raises RunError when the disk refuses."""
    path = record.folder / FILE_NAME
    text = summary(make_view(analyse(record), record.folder))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room; the record itself is complete") from None
    return path


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line: a name is neither markup nor a mention."""
    return _SPECIAL.sub(r"\\\1", " ".join(clean(text).split()))


def summary(view: View) -> str:
    """The summary of a view."""
    lines = [f"# fitmap run {escaped(view.run.id)}", "", escaped(view.subtitle), ""]
    lines.append(f"**{view.valid} of {view.planned} planned trials are valid at every level.**")
    lines += [
        f"- {escaped(item.target)}, {escaped(item.place)}, {item.blocks}: {item.verdict} – {escaped(item.reason[:220])}"
        for item in view.summaries
    ]
    if view.pending:
        lines.append(f"- planned trials that did not run: {len(view.pending)}")
    lines += [f"- the record is damaged: {escaped(complaint[:300])}" for complaint in view.complaints[:3]]
    lines += ["", "## Verdict", ""]
    lines += [f"- {_spans((*v.wins, *_spaced(v.ties), *_spaced(v.unranked)))}" for v in view.verdicts]
    for matrix in view.matrices:
        lines += ["", f"## Win matrix, class {matrix.target_class}", *_matrix(matrix)]
    lines += ["", f"## {view.limits.title}", "", *_table(view.limits)]
    lines += ["", f"Medians over trials; **bold** wins; = ties for the lead; relevance bound {view.relevance}.", ""]
    return "\n".join(lines)


def _spaced(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    return (Span(" "), *spans) if spans else ()


def _spans(spans: Iterable[Span]) -> str:
    return "".join(f"**{escaped(s.text)}**" if s.kind == "name" else s.text for s in spans)


def _matrix(matrix: Matrix) -> list[str]:
    lines = []
    for group in matrix.groups:
        if not group.rows:
            lines += ["", f"{escaped(group.title)}: nothing was measured."]
            continue
        lines += ["", _row([escaped(group.title), "Ahead", *map(escaped, matrix.targets)]), _rule(len(matrix.targets) + 2)]
        for row in group.rows:
            marks = {"wins": "**{}**", "tie": "= {}"}
            cells = [marks.get(cell.state, "{}").format(cell.value) for cell in row.cells]
            lines.append(_row([row.title, _spans(row.lead), *cells]))
    return lines


def _table(table: Table) -> list[str]:
    return [_row(map(escaped, table.headers)), _rule(len(table.headers)), *(_row(map(escaped, row)) for row in table.rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"
