"""Numbers as text for people: three significant digits and a fitting unit, the same in page, chart and Markdown."""

from __future__ import annotations

import math
import re
import unicodedata
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
_PLANE_ENDS = "".join(chr(plane + last) for plane in range(0, 0x11_0000, 0x1_0000) for last in (0xFFFE, 0xFFFF))
#: Control characters except tab and newline, surrogates, and the last two code points of each plane.
_NO_TEXT = re.compile(f"[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{_PLANE_ENDS}]")


def scale_of(value: float, unit: Unit) -> tuple[float, str]:
    """The factor and symbol of the unit in which `value` reads best."""
    size = abs(value)
    for step in _LADDERS[unit]:
        if size >= step[0]:
            return step
    return _LADDERS[unit][-1]


def number(value: float) -> str:
    """Three significant digits, thousands separated, never an exponent: 12,300, 1.23, 0.0123."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "∞"
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    # 9.996 rounds up to 10.0, which has one digit more before the point.
    if rounded and 2 - math.floor(math.log10(abs(rounded))) < digits:
        digits -= 1
    return f"{rounded:,.{max(0, digits)}f}"


def quantity(value: float, unit: Unit) -> str:
    """A value with its unit: `12,300 /s`, `1.23 ms`. The space is a non-breaking one."""
    factor, symbol = scale_of(value, unit)
    return f"{number(value / factor)}\u00a0{symbol}"


def span(low: float, high: float, unit: Unit) -> str:
    """An interval in the unit of its upper end: `1.20–1.31 ms`."""
    factor, symbol = scale_of(high, unit)
    return f"{number(low / factor)}–{number(high / factor)}\u00a0{symbol}"


def amount(value: float, unit: Unit) -> str:
    """A value with its unit for a sentence, in two digits or whole: `3.5 ms`, `141 MiB`. The space is a non-breaking one."""
    scale, symbol = scale_of(value, unit)
    return tight(f"{few_digits(value / scale)}\u00a0{symbol}")


def amounts(low: float, high: float, unit: Unit) -> str:
    """Two values for a sentence, in the unit of the larger one: `3.5 to 4.3 ms`; one where both read the same."""
    scale, symbol = scale_of(high, unit)
    first, last = few_digits(low / scale), few_digits(high / scale)
    return tight(f"{last}\u00a0{symbol}" if first == last else f"{first} to {last}\u00a0{symbol}")


def cell_value(value: float, unit: Unit) -> str:
    """A value for a narrow cell: counts without their unit, rates without a space: `120`, `5,530/s`, `63.9 µs`."""
    if unit in ("packages", "lines"):
        return f"{value:,.0f}"
    return tight(quantity(value, unit))


def tight(text: str) -> str:
    """The text without the space before `/s`."""
    return text.replace("\u00a0/s", "/s")


def few_digits(value: float) -> str:
    """Two significant digits, but never fewer than all before the point: 0.35, 3.5, 35, 351, 12,345."""
    if abs(value) >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 0.995 or value == 0 else f"{value:.2g}"


def times(ratio: float) -> str:
    """A factor where many stand together: `×1.04`, `×2.1`, `×32`."""
    return f"×{times_digits(ratio)}"


def times_words(ratio: float) -> str:
    """The digits of a factor in a sentence: 3 times, not 3.0 times."""
    return times_digits(ratio).removesuffix(".0")


def times_digits(ratio: float) -> str:
    """The digits of a factor: two decimals below 1.1, one below 10, none from 10 on."""
    return f"{ratio:.2f}" if ratio < 1.095 else few_digits(ratio)


def factor(ratio: float) -> str:
    """A ratio: `×1.31`."""
    return f"×{number(ratio)}"


def listed(words: tuple[str, ...] | list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def cut(text: str, widest: int) -> str:
    """The text cut to at most `widest` columns; East Asian characters take two."""
    widths = [2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text]
    if sum(widths) <= widest:
        return text
    while sum(widths) > widest - 1:
        widths.pop()
    return f"{text[: len(widths)]}…"


def clean(text: str) -> str:
    """The text without control characters, which HTML and XML forbid. Tabs and newlines stay."""
    return text if is_clean(text) else _NO_TEXT.sub("\ufffd", text)


def is_clean(text: str) -> bool:
    """Whether `clean` leaves the text as it is."""
    # What is printable needs no pattern, which takes ten times as long. Numbers have a non-breaking space.
    return text.replace("\u00a0", " ").isprintable() or not _NO_TEXT.search(text)


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
