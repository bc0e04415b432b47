"""The summary in Markdown, for comments, chat and mail: headline, scorecard and validity, with the rest folded."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reports.comparison.changes import Changes
from reports.export.view import View
from reports.overview.cells import Cell
from reports.overview.overview import Overview
from reports.overview.scorecard import Scorecard
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
    """The summary of a view: headline, scorecard and validity at once, the rest folded."""
    overview = view.overview
    lines = [f"## {_plain(overview.headline.text)}", ""]
    if overview.headline.lede:
        lines += [_plain(" ".join(overview.headline.lede)), ""]
    lines += [_plain(" · ".join(overview.trust.facts)), ""]
    if overview.trust.reasons:
        lines += [f"**Don't compare these numbers yet.** {_plain(' '.join(overview.trust.reasons))}", ""]
    for card in overview.cards:
        lines += [f"Class {escaped(card.target_class)}:", ""] if len(overview.cards) > 1 else []
        lines += [*_scorecard(card), ""]
    lines += [
        "best, ≈ best: leads or is tied with the best. ≈×1.5: not told apart from the best. =: no difference found. ×2: "
        "twice as far from the best as 1. A star: too few valid trials to compare, not ranked.",
        "",
    ]
    lines += _validity(view)
    if overview.strengths and len(overview.card.columns) > 1:
        lines += _folded("What each language buys, and what it costs", _strengths(overview))
    lines += _folded(
        "Does the language matter for my service?",
        [
            f"- {_plain(e.title)}: **{e.answer}**. {_plain(' '.join(filter(None, (e.limit, e.sentence))))}"
            for e in overview.effects
        ],
    )
    for each in view.variants:
        said = [f"- {_spans(sentence)}" for sentence in each.said]
        lines += _folded(each.title, [*said, "", *_table(each.table), "", *_table(each.about)])
    lines += _folded("Claims", [f"- **{f.verdict}**: {escaped(f.says)}" for f in view.claim_results])
    cost = [escaped(view.advice.asked), "", _spans(view.advice.said), "", *_table(view.advice.bills)]
    lines += _folded("What would a service cost?", cost)
    for answer in view.answers:
        said = [f"- {_spans(sentence)}" for sentence in answer.said]
        lines += _folded(escaped(answer.title), [*said, "", *_table(answer.table)])
    lines += _folded("What limits each target", _table(view.limits))
    lines += _folded("Every axis and load", [line for matrix in view.matrices for line in _matrix(matrix)])
    if view.changes:
        lines += _folded(f"Changes since {escaped(view.changes.baseline)}", _changes(view.changes))
    lines += [f"Run {escaped(view.run.id)}, {escaped(view.subtitle)}. Relevance bound: {view.relevance}.", ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """One of the report's own sentences, with names from outside in it: no markup, on one line."""
    return _REFERENCE.sub(r"\1&#8203;", _MARKUP.sub(r"\\\1", " ".join(clean(text).split())))


def _folded(title: str, body: list[str]) -> list[str]:
    """A part that platforms show folded, and plain Markdown shows open; nothing without a body."""
    return [f"<details><summary>{title}</summary>", "", *body, "", "</details>", ""] if body else []


def _scorecard(card: Scorecard) -> list[str]:
    lines = [table_row(["", *(escaped(column.name) for column in card.columns)]), table_rule(len(card.columns) + 1)]
    for row in card.rows:
        cells = [_cell(cell) for cell in row.cells]
        lines.append(table_row([f"{_plain(row.row.title)} ({_plain(row.row.subtitle)})", *cells]))
    return lines


def _cell(cell: Cell) -> str:
    if cell.state == "none":
        return "–"
    words = f"**{cell.words}**" if cell.state in ("best", "tied") else cell.words
    return " ".join(filter(None, (words, _plain(cell.value), "\\*" if cell.state == "few" else "")))


def _strengths(overview: Overview) -> list[str]:
    found = []
    for each in overview.strengths:
        prices = ", ".join(f"{price.text}{f' ({price.factor})' if price.factor else ''}" for price in each.prices)
        said = " ".join(filter(None, (each.first, *each.more)))
        found.append(f"- **{escaped(each.column.name)}**: {_plain(said)} Price: {_plain(prices or 'none over ×1.5')}.")
    return found


def _validity(view: View) -> list[str]:
    lines = [f"**{view.valid} of {view.planned} planned trials are valid at every level.**"]
    problems = [
        f"- {escaped(item.target)}, {escaped(item.scope)}, {item.blocks}: {item.verdict} – {escaped(item.reason[:220])}"
        for item in view.summaries
    ]
    if view.repeated.rows:
        problems.append(f"- trials repeated because the host disturbed the first attempt: {len(view.repeated.rows)}")
    if view.pending:
        problems.append(f"- planned trials that did not run: {len(view.pending)}")
    problems += [f"- the record is damaged: {escaped(warning[:300])}" for warning in view.warnings[:3]]
    return [*lines, "", *_folded("Trials that are not valid", problems)]


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
