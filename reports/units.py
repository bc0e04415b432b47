"""Numbers as text for people: three significant digits and a fitting unit, the same in page, chart and Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

Unit = Literal["requests/s", "microseconds", "seconds", "bytes", "lines", "packages", "ratio", "percent"]

#: Largest first: (factor, symbol). A value gets the first unit that is not larger than the value.
_LADDERS: dict[str, tuple[tuple[float, str], ...]] = {
    "requests/s": ((1.0, "/s"),),
    "microseconds": ((1e6, "s"), (1e3, "ms"), (1.0, "µs")),
    "seconds": ((1.0, "s"), (1e-3, "ms")),
    "lines": ((1.0, "lines"),),
    "packages": ((1.0, "packages"),),
    "ratio": ((1.0, "×"),),
    "percent": ((1.0, "%"),),
    "bytes": ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B")),
}


def scale_of(value: float, unit: Unit) -> tuple[float, str]:
    """The factor and symbol of the unit in which `value` reads best."""
    ladder = _LADDERS[unit]
    return next((step for step in ladder if abs(value) >= step[0]), ladder[-1])


def number(value: float) -> str:
    """Three significant digits, thousands separated, never an exponent: 12,300, 1.23, 0.0123."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "∞"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    rounded = round(value, 2 - math.floor(math.log10(abs(value))))
    # 9.996 rounds up to 10.0, which has one digit more before the point.
    if rounded and math.floor(math.log10(abs(rounded))) > math.floor(math.log10(abs(value))):
        decimals = max(0, decimals - 1)
    return f"{rounded:,.{decimals}f}"


def quantity(value: float, unit: Unit) -> str:
    """A value with its unit: `12,300 /s`, `1.23 ms`. The space is a non-breaking one."""
    factor, symbol = scale_of(value, unit)
    return f"{number(value / factor)}\u00a0{symbol}"


def span(low: float, high: float, unit: Unit) -> str:
    """An interval in the unit of its upper end: `1.20–1.31 ms`."""
    factor, symbol = scale_of(high, unit)
    return f"{number(low / factor)}–{number(high / factor)}\u00a0{symbol}"


def factor(ratio: float) -> str:
    """A ratio: `×1.31`."""
    return f"×{number(ratio)}"


def listed(words: tuple[str, ...] | list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def clean(text: str) -> str:
    """The text without control characters, which HTML and XML forbid. Tabs and newlines stay."""
    return "".join(c if _is_text(c) else "\ufffd" for c in text)


def _is_text(character: str) -> bool:
    code = ord(character)
    return character in "\n\t" or (
        code >= 32 and not 127 <= code < 160 and not 0xD800 <= code < 0xE000 and code & 0xFFFE != 0xFFFE
    )


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Table rows as aligned lines: the first column left-aligned, the others right-aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def moment(text: str) -> datetime | None:
    """An ISO time in UTC; None if the text is not one."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day(text: str) -> str:
    """The day of an ISO time, `2026-01-31`; empty if the text is not one."""
    found = moment(text)
    return found.date().isoformat() if found else ""
