"""Marks of targets in pictures drawn by hand: a colour and a shape each, the same in the whole page.

The first five are filled; from the sixth on the same colours come with other, hollow shapes. The style sheet gives the
colours (classes k0 to k4), one of each theme.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

COLOURS = 5


def colour_class(mark: int) -> str:
    """The class of a mark's colour."""
    return f"k{mark % COLOURS}"


def xy(value: float) -> str:
    """A coordinate with one decimal, without a trailing zero."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")


def mark_at(mark: int, x: float, y: float, radius: float) -> Markup:
    """The mark as an SVG element."""
    hollow = " h" if mark >= COLOURS else ""
    shape = mark % COLOURS if mark < COLOURS else (mark + 2) % COLOURS
    size = radius * (0.88 if hollow else 1.0)
    return Markup(f'<g class="mk {colour_class(mark)}{hollow}">{_shape(shape, x, y, size)}</g>')  # noqa: S704


def _shape(shape: int, x: float, y: float, r: float) -> str:
    if shape == 0:
        return f'<circle cx="{xy(x)}" cy="{xy(y)}" r="{xy(r)}"/>'
    if shape == 1:
        side = 1.76 * r
        return f'<rect x="{xy(x - side / 2)}" y="{xy(y - side / 2)}" width="{xy(side)}" height="{xy(side)}"/>'
    if shape == 3:
        d = 1.25 * r
        return f'<path d="M{xy(x)} {xy(y - d)}L{xy(x + d)} {xy(y)}L{xy(x)} {xy(y + d)}L{xy(x - d)} {xy(y)}Z"/>'
    up = -1 if shape == 2 else 1
    return f'<path d="M{xy(x)} {xy(y + up * 1.16 * r)}L{xy(x + 1.1 * r)} {xy(y - up * 0.8 * r)}H{xy(x - 1.1 * r)}Z"/>'


def text(x: float, y: float, words: str, style: str = "", anchor: str = "") -> Markup:
    """A text element; `anchor`: `end` or `middle`. Names are escaped."""
    attributes = f' class="{style}"' if style else ""
    attributes += f' text-anchor="{anchor}"' if anchor else ""
    return Markup(f'<text x="{xy(x)}" y="{xy(y)}"{attributes}>') + escape(words) + Markup("</text>")  # noqa: S704


def picture(width: float, height: float, label: str, parts: Iterable[Markup], style: str = "") -> Markup:
    """An SVG element with a text alternative."""
    shown = f"pic {style}".strip()
    head = Markup(f'<svg class="{shown}" viewBox="0 0 {xy(width)} {xy(height)}" role="img" aria-label="') + escape(label)  # noqa: S704
    return head + Markup('">') + Markup("").join(parts) + Markup("</svg>")


def path(style: str, d: str) -> Markup:
    """A path element."""
    return Markup(f'<path class="{style}" d="{d}"/>')  # noqa: S704


def box(style: str, x: float, y: float, width: float, height: float) -> Markup:
    """A rectangle."""
    return Markup(  # noqa: S704
        f'<rect class="{style}" x="{xy(x)}" y="{xy(y)}" width="{xy(width)}" height="{xy(height)}"/>'
    )


def label_width(names: Iterable[str], pixels: float = 7.4) -> float:
    """About how wide the longest of some names is, at 13 pixels."""
    return max((len(name) for name in names), default=0) * pixels
