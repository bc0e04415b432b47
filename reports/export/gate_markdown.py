"""The result of a gate as Markdown: the summary of a CI step, and the comment on a pull request.

A comment holds 65,536 characters. Cells that do not fit are counted and can be found in gate.json. The verdict and the worst
cells come first, so that they always fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import get_args

from msgspec import Struct

from reports.export.markdown import escaped, table_row, table_rule
from reports.regression.gate_result import Confirmation, EvaluatedCell, Gate, State
from reports.regression.screening import MIN_RUNS
from reports.units import Unit, number, quantity

#: Longer names are cut: names come from outside, and one of them must not fill the whole comment.
LONGEST_NAME = 100
#: A smaller p-value is written as `< 0.0001`.
MIN_P = 0.0001

#: Invisible. By this marker CI finds the comment that it wrote before, and replaces it.
MARKER = "<!-- fitmap-gate -->"
LIMIT = 60_000
#: Room for the text after the tables.
_RESERVE = 4_000
_MAX_REASONS, _LONGEST_REASON = 20, 300


class _Section(Struct, frozen=True):
    """A table of cells. `change`: the text of the column `change_header`; `smallest_first`: the order by worsening."""

    title: str
    states: tuple[State, ...]
    change_header: str
    change: Callable[[EvaluatedCell], str]
    smallest_first: bool

    @property
    def headers(self) -> tuple[str, ...]:
        return ("Target", "Where", "Metric", "Before", "Now", self.change_header, "p")


def gate_markdown(gate: Gate) -> str:
    """The verdict, then regressed, inconclusive and improved cells, then the rest as counts. Under LIMIT characters."""
    lines = [MARKER, f"## {escaped(headline(gate))}", ""]
    lines += [f"- {escaped(reason[:_LONGEST_REASON])}" for reason in gate.reasons[:_MAX_REASONS]]
    more = len(gate.reasons) - _MAX_REASONS
    lines += [f"- {more} more reasons are in gate.json"] if more > 0 else []
    # The values of an invalid run must not be used.
    if gate.verdict != "invalid":
        for section in _SECTIONS:
            room = LIMIT - _RESERVE - sum(len(line) + 1 for line in lines)
            lines += _table(section, gate.in_state(*section.states), room)
    lines += ["", "### Other cells" if gate.cells else "", "", *(f"- {line}" for line in _rest(gate))]
    return "\n".join([*lines, "", escaped(_origin(gate)), ""])


def _table(section: _Section, cells: Sequence[EvaluatedCell], room: int) -> list[str]:
    """The lines of a section, as many rows as fit into `room` characters."""
    if not cells:
        return []
    lines = ["", f"### {section.title}: {counted(len(cells))}", "", table_row(section.headers)]
    lines.append(table_rule(len(section.headers)))
    room -= sum(len(line) + 1 for line in lines)
    shown = 0
    for cell in sorted(cells, key=_worsening_ratio, reverse=not section.smallest_first):
        line = _row(cell, section.change(cell))
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
        shown += 1
    return [*lines, "", f"{counted(len(cells) - shown)} more in gate.json."] if shown < len(cells) else lines


def _row(cell: EvaluatedCell, change: str) -> str:
    values = (amount(cell.before, cell.unit), amount(cell.now, cell.unit), change, p_value(cell.confirmation))
    return table_row(map(escaped, (name(cell.target), where(cell.scope), name(cell.metric), *values)))


def _worsening_ratio(cell: EvaluatedCell) -> float:
    return cell.confirmation.worse if cell.confirmation else 1 + cell.change


def _rest(gate: Gate) -> list[str]:
    if gate.verdict == "invalid":
        return [f"{counted(len(gate.cells))} measured, none judged"] if gate.cells else []
    learning = gate.in_state("learning")
    told = {
        "fine": len(gate.in_state("fine")),
        "flagged by the screening, but not slower when measured again": len(gate.in_state("not regressed")),
        "watched: not worse by their bound": len(gate.in_state("watched")),
        f"learning: fewer than {MIN_RUNS} runs before this one": len(learning),
        "not judged: this run has no value, and the service is not the cause": len(gate.in_state("not judged")),
    }
    return [f"{counted(count)} {what}" for what, count in told.items() if count]


def _origin(gate: Gate) -> str:
    revision = f", revision {name(gate.revision)}" if gate.revision else ""
    base = f", measured against {name(gate.base)}" if gate.base else ""
    return f"fitmap run {name(gate.run)}{revision}{base}. p: one-sided, corrected for the number of cells."


def name(text: str) -> str:
    """The name, cut to LONGEST_NAME characters."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def where(scope: str) -> str:
    """The title of a scope. The whole run has an empty name in the history."""
    return name(scope) or "whole run"


def amount(value: float | None, unit: str) -> str:
    """A value with its unit: `12,300 /s`; a dash if there is no value."""
    if value is None:
        return "–"
    known: Unit | None = next((each for each in get_args(Unit) if each == unit), None)
    return quantity(value, known) if known else f"{number(value)} {name(unit)}".strip()


def worsening(share: float) -> str:
    """A worsening as text: `+11.8 %`. Below zero the cell is better."""
    return f"{100 * share:+.1f} %" if math.isfinite(share) else "∞"


def worse_by(cell: EvaluatedCell) -> str:
    """The worsening of a cell: from the confirmation, with its interval; otherwise against the runs before."""
    again = cell.confirmation
    if again is None:
        return worsening(cell.change)
    return f"{worsening(again.worse - 1)} ({worsening(again.low - 1)} to {worsening(again.high - 1)})"


def better_by(cell: EvaluatedCell) -> str:
    """The improvement on the scale of the value itself: 112 after 100 requests/s is +12 %."""
    ratio = cell.confirmation.worse if cell.confirmation else 1 + cell.change
    return worsening(1 / ratio - 1 if ratio > 0 else math.inf)


def p_value(again: Confirmation | None) -> str:
    """The p-value that decided, corrected for the number of cells that were measured again."""
    if again is None:
        return "–"
    return f"{again.p_adjusted:.2g}" if again.p_adjusted >= MIN_P else f"< {MIN_P}"


def headline(gate: Gate) -> str:
    """The verdict as a headline."""
    regressed, open_ = len(gate.in_state("regressed")), len(gate.in_state("inconclusive", "flagged"))
    return {
        "fine": "No regression",
        "learning": "Learning: too few runs before this one for a verdict",
        "regressed": f"Regression: {counted(regressed)} of {len(gate.cells)} regressed",
        "inconclusive": f"Inconclusive: {counted(open_)} of {len(gate.cells)} may be slower, but that is not confirmed",
        "invalid": "Invalid: the machine or the measurement changed, so this run can't be used",
    }[gate.verdict]


def counted(count: int) -> str:
    """`1 cell`, `2 cells`."""
    return f"{count} cell{'' if count == 1 else 's'}"


_SECTIONS = (
    _Section("Regressed", ("regressed",), "Worse by", worse_by, smallest_first=False),
    _Section("Inconclusive", ("inconclusive", "flagged"), "Worse by", worse_by, smallest_first=False),
    _Section("Improved", ("improved",), "Better by", better_by, smallest_first=True),
)
