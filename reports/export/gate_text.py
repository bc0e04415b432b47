"""How what a gate found reads: the words that comment and test report share. Pure."""

from __future__ import annotations

import math
from typing import get_args

from reports.regression.gate_result import Confirmation, Gate, Judged
from reports.units import Unit, number, quantity

#: A name comes from outside; what is longer is cut, so that one name can't push all others out of a comment.
LONGEST_NAME = 100
#: Below it a p-value is only called small.
LEAST_P = 0.0001


def name(text: str) -> str:
    """A name of bearable length."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def where(place: str) -> str:
    """A place; what belongs to the whole run has no name in the history."""
    return name(place) or "whole run"


def amount(value: float | None, unit: str) -> str:
    """A value with its unit: `12,300 /s`; a dash where there is none."""
    if value is None:
        return "–"
    known: Unit | None = next((each for each in get_args(Unit) if each == unit), None)
    return quantity(value, known) if known else f"{number(value)} {name(unit)}".strip()


def worsening(share: float) -> str:
    """How much worse: `+11.8 %`; below zero it is better."""
    return f"{100 * share:+.1f} %" if math.isfinite(share) else "∞"


def worse_by(cell: Judged) -> str:
    """The best that is known of a cell: measured again, with its interval; else against the runs before it."""
    again = cell.confirmation
    if again is None:
        return worsening(cell.change)
    return f"{worsening(again.worse - 1)} ({worsening(again.low - 1)} to {worsening(again.high - 1)})"


def better_by(cell: Judged) -> str:
    """How much better, on the scale of the value itself: 112 after 100 requests/s is +12 %."""
    ratio = cell.confirmation.worse if cell.confirmation else 1 + cell.change
    return worsening(1 / ratio - 1 if ratio > 0 else math.inf)


def p_value(again: Confirmation | None) -> str:
    """The p-value that decided: corrected for the number of cells that were measured again."""
    if again is None:
        return "–"
    return f"{again.p_adjusted:.2g}" if again.p_adjusted >= LEAST_P else f"< {LEAST_P}"


def headline(gate: Gate) -> str:
    """The verdict in words."""
    regressed, open_ = len(gate.in_state("regressed")), len(gate.in_state("inconclusive", "flagged"))
    return {
        "fine": "Not slower than before",
        "learning": "Still learning: too few runs before this one to judge it",
        "regressed": f"Slower than before: {cells(regressed)} of {len(gate.cells)} regressed",
        "inconclusive": f"Inconclusive: {cells(open_)} of {len(gate.cells)} may be slower, nothing settled it",
        "invalid": "Invalid: machine or measurement moved, so this run says nothing",
    }[gate.verdict]


def cells(count: int) -> str:
    """`1 cell`, `2 cells`."""
    return f"{count} cell{'' if count == 1 else 's'}"
