"""Colours of page and charts: Okabe and Ito's, with a contrast of 3:1 or more in both themes.

On dark paper, lighter colours of the same hue are used.

Okabe & Ito, Color Universal Design (2008). Colour is never alone: every target has a dash, a marker and its name.
Charts are drawn in the light colours; the page's style sheet maps each to its dark one, so one SVG serves both.
"""

from __future__ import annotations

from msgspec import Struct

from reports.units import clean, cut


class Colour(Struct, frozen=True):
    """A colour in both themes."""

    light: str
    dark: str


INK = Colour("#1a1d21", "#e8eaed")
MUTED = Colour("#5a6370", "#a3acb8")
LINE = Colour("#d5dae1", "#3a414b")
PAPER = Colour("#ffffff", "#14171b")

BLUE = Colour("#0072b2", "#56a8e0")
VERMILION = Colour("#c94f00", "#f08a4b")
GREEN = Colour("#007a59", "#2fbf94")
PURPLE = Colour("#a8457f", "#dd94bf")
BLACK = Colour("#000000", "#ffffff")
GREY = Colour("#8a94a1", "#6b7684")

SERIES = (BLUE, VERMILION, GREEN, PURPLE, BLACK)
# The number of dashes differs from that of the colours, so many targets pass before a style repeats.
DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (5, 2, 1, 2, 1, 2), (12, 3), (1, 3))
MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "stroke")

MAPPED = (INK, MUTED, LINE, *SERIES, GREY)


class Style(Struct, frozen=True):
    """The style of a target, the same in every chart.

    Charts are drawn with `token`, which the finished SVG replaces by `label` (`render` in reports/charts/theme.py). So no
    name from outside reaches Vega: measuring some characters ends its whole process (vl-convert 1.9 on U+0007).
    """

    label: str
    token: str
    colour: str
    dash: tuple[int, ...]
    marker: str


def styles(targets: tuple[str, ...], widest: int = 16) -> dict[str, Style]:
    """The style of each target. Labels are at most `widest` columns wide and stay distinct."""
    found: dict[str, Style] = {}
    used: set[str] = set()
    for i, target in enumerate(targets):
        text = clean(" ".join(target.split()))
        label = cut(text, widest)
        if label in used:
            label = f"{cut(text, widest - 4)}{i + 1}"
        used.add(label)
        found[target] = Style(
            label, f"@{i}@", SERIES[i % len(SERIES)].light, DASHES[i % len(DASHES)], MARKERS[i % len(MARKERS)]
        )
    return found
