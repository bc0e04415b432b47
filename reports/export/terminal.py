"""Answers for a terminal: plain text in columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reports.sections.cost import Advice
from reports.text.units import clean


def advice_text(advice: Advice) -> str:
    """The advisor's answer."""
    lines = [f"{advice.asked}.", f"Prices: {advice.source}.", ""]
    if advice.bills.rows:
        lines += [*columns([advice.bills.headers, *advice.bills.rows]), ""]
    lines += [f"{target} can't be priced: {reason}" for target, reason in advice.unpriced]
    lines += ["".join(span.text for span in advice.said)]
    lines += [f"Extrapolated: {warning}" for warning in advice.warnings]
    return clean("\n".join(lines))


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
