"""The summary in Markdown, for comments, chat and mail: verdict, win matrix, limits, invalid trials."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reports.comparison.changes import Changes
from reports.export.view import View
from reports.sections.elements import Span, Table
from reports.sections.win_matrix import Matrix
from reports.units import clean

#: Most platforms limit a comment to 65,536 characters. The page has all changes.
MAX_CHANGES = 60
#: Markup characters to escape within the report's own sentences, which may contain a currency from outside.
_MARKUP = re.compile(r"([\\`*_\[\]<>|])")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>&~@:-]|(?<=[wW]{3})\.)")
#: Platforms look for mentions and references in the displayed text, where backslashes are gone. A space of zero width
#: after the sign prevents that. An @ within a word (cpu@saturate) is not a mention.
_REFERENCE = re.compile(r"((?<!\w)\\@|\\[#!&~])(?=\w)")


def escaped(text: str) -> str:
    """The text on one line, escaped so that Markdown shows it as it is, without mentions."""
    return _REFERENCE.sub(r"\1&#8203;", _SPECIAL.sub(r"\\\1", " ".join(clean(text).split())))


def summary(view: View) -> str:
    """The summary of a view."""
    lines = [f"# fitmap run {escaped(view.run.id)}", "", escaped(view.subtitle), ""]
    lines.append(f"**{view.valid} of {view.planned} planned trials are valid at every level.**")
    lines += [
        f"- {escaped(item.target)}, {escaped(item.scope)}, {item.blocks}: {item.verdict} – {escaped(item.reason[:220])}"
        for item in view.summaries
    ]
    if view.repeated.rows:
        lines.append(f"- trials repeated because the host disturbed the first attempt: {len(view.repeated.rows)}")
    if view.pending:
        lines.append(f"- planned trials that did not run: {len(view.pending)}")
    lines += [f"- the record is damaged: {escaped(warning[:300])}" for warning in view.warnings[:3]]
    lines += ["", "## Verdict", ""]
    lines += [f"- {_spans((*v.wins, *_spaced(v.ties), *_spaced(v.unranked)))}" for v in view.verdicts]
    for matrix in view.matrices:
        lines += ["", f"## Win matrix, class {matrix.target_class}", *_matrix(matrix)]
    lines += ["", f"## {view.limits.title}", "", *_table(view.limits)]
    lines += ["", "## Does the language matter here?", ""]
    lines += [f"- {escaped(m.title)}: **{m.answer}**. {_spans(m.sentence)}" for m in view.language_effects]
    for answer in view.answers:
        lines += ["", f"## {escaped(answer.title)}", "", *(f"- {_spans(sentence)}" for sentence in answer.said)]
        lines += ["", *_table(answer.table)]
    lines += ["", "## Claims", ""]
    lines += [f"- **{f.verdict}**: {escaped(f.says)}" for f in view.claim_results]
    lines += ["", "## What would a service cost?", "", escaped(view.advice.asked), "", _spans(view.advice.said), ""]
    lines += _table(view.advice.bills)
    if view.changes:
        lines += ["", f"## Changes since {escaped(view.changes.baseline)}", ""]
        lines += _changes(view.changes)
    lines += [
        "",
        f"Values are medians over trials. **Bold**: wins. =: ties for the lead. Relevance bound: {view.relevance}.",
        "",
    ]
    return "\n".join(lines)


def _spaced(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    return (Span(" "), *spans) if spans else ()


def _spans(spans: Iterable[Span]) -> str:
    return "".join(f"**{escaped(s.text)}**" if s.kind == "name" else _MARKUP.sub(r"\\\1", clean(s.text)) for s in spans)


def _matrix(matrix: Matrix) -> list[str]:
    lines = []
    for group in matrix.groups:
        if not group.rows:
            lines += ["", f"{escaped(group.title)}: nothing was measured."]
            continue
        lines += [
            "",
            table_row([escaped(group.title), "Leader", *map(escaped, matrix.targets)]),
            table_rule(len(matrix.targets) + 2),
        ]
        for row in group.rows:
            marks = {"wins": "**{}**", "tie": "= {}"}
            cells = [marks.get(cell.state, "{}").format(cell.value) for cell in row.cells]
            lines.append(table_row([row.title, _spans(row.lead), *cells]))
    return lines


def _table(table: Table) -> list[str]:
    return [
        table_row(map(escaped, table.headers)),
        table_rule(len(table.headers)),
        *(table_row(map(escaped, row)) for row in table.rows),
    ]


def _changes(found: Changes) -> list[str]:
    """The cells that changed, at most MAX_CHANGES, after a sentence on how many chance explains."""
    said = (
        f"{len(found.changed)} of {len(found.rows)} cells changed. If nothing had changed, about "
        f"{found.expected_by_chance:.1f} intervals would exclude 1 by chance."
    )
    said = " ".join(
        [said, *(f"{sentence[0].upper()}{sentence[1:]}." for sentence in (found.machine, found.agreement) if sentence)]
    )
    if not found.changed:
        return [said]
    headers = ["Where", "Metric", "Target", "Before", "Now", "Now ÷ before", "Verdict"]
    rows = [
        table_row(map(escaped, (c.scope, c.axis, c.target, c.before, c.now, c.ratio, c.verdict)))
        for c in found.changed[:MAX_CHANGES]
    ]
    return [said, "", table_row(headers), table_rule(len(headers)), *rows]


def table_row(cells: Iterable[str]) -> str:
    """A table row, from cells that are already Markdown."""
    return f"| {' | '.join(cells)} |"


def table_rule(columns: int) -> str:
    """The line below a table's headers."""
    return "|---" * columns + "|"
