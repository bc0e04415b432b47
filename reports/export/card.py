"""The card: the scorecard's main rows as a picture of 1200 x 630 pixels, for README, chat and link previews."""

from __future__ import annotations

import textwrap

import vl_convert
from markupsafe import Markup, escape

from reports.charts.cell_line import cell_line
from reports.charts.marks import mark_at, xy
from reports.overview.cells import Cell
from reports.overview.columns import Column
from reports.overview.overview import Overview
from reports.overview.scorecard import Scorecard, ScoreRow

WIDTH, HEIGHT = 1200, 630
#: Characters of the headline on a line.
WRAP = 82
#: With more columns there is no room for values.
MOST_WITH_VALUES = 7
LEFT, RIGHT = 295.0, 1160.0
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
#: (background, letters) of each shade, in the page's light theme.
SHADES = (
    ("#0a4d7c", "#ffffff"), ("#2f78ab", "#ffffff"), ("#93c1e2", "#0c1a26"), ("#bcd9ee", "#0c1a26"), ("#deebf5", "#14202b"),
    ("#f5f8fa", "#14202b"),
)  # fmt: skip
FLAT = ("#e6e5e1", "#2b2b28")
PLAIN = ("#f4f6f8", "#16191d")
FAR, MUTED, INK = "#b03a00", "#59626e", "#16191d"
#: The classes of the page's pictures, in the colours of its light theme.
STYLE = (
    ".k0{fill:#0072b2;stroke:#0072b2}.k1{fill:#c94f00;stroke:#c94f00}.k2{fill:#007a59;stroke:#007a59}"
    ".k3{fill:#a8457f;stroke:#a8457f}.k4{fill:#000000;stroke:#000000}.h{fill:#ffffff;stroke-width:2}"
)


def render_card(overview: Overview) -> bytes:
    """The card of an overview as PNG."""
    data: bytes = vl_convert.svg_to_png(card_svg(overview), scale=1.0)
    return data


def card_svg(overview: Overview) -> str:
    """The card as SVG, in which every name is escaped."""
    card = overview.card
    rows = [row for row in card.rows if row.row.card]
    lines = textwrap.wrap(overview.headline.text, WRAP)[:3]
    top = 50.0 + 34 * len(lines)
    height = min((HEIGHT - 46 - top - 36) / max(len(rows), 1), 56.0)
    column = (RIGHT - LEFT) / max(len(card.columns), 1)
    parts = [
        Markup('<rect width="{}" height="{}" fill="#ffffff"/>').format(WIDTH, HEIGHT),
        *(_text(40, 50 + 34 * i, line, 27, INK, bold=True) for i, line in enumerate(lines)),
        *(_head(each, LEFT + i * column, top + 18, column) for i, each in enumerate(card.columns)),
    ]
    for number, row in enumerate(rows):
        parts += _row(card, row, top + 30 + number * height, height, column)
    key = "Dark: best or tied · ×2: twice as far from the best · red: ten times or more · grey: no difference found"
    parts += [
        _text(40, HEIGHT - 22, key if len(card.columns) > 1 else "", 15, MUTED),
        _text(RIGHT, HEIGHT - 22, f"fitmap · {overview.trust.facts[0]}", 15, MUTED, anchor="end"),
    ]
    head = Markup('<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}" viewBox="0 0 {} {}" font-family="{}">')
    body = Markup("").join(parts)
    style = Markup(f"<style>{STYLE}</style>")  # noqa: S704
    return head.format(WIDTH, HEIGHT, WIDTH, HEIGHT, FONT) + style + body + Markup("</svg>")


def _head(column: Column, x: float, y: float, width: float) -> Markup:
    size = 19 if width > 120 else 14
    shown = column.name if len(column.name) * size * 0.6 < width - 26 else column.name[: int((width - 26) / size / 0.6)]
    return mark_at(column.mark, x + 17, y - 6, 6) + _text(x + 30, y, shown, size, INK, bold=True)


def _row(card: Scorecard, row: ScoreRow, y: float, height: float, width: float) -> list[Markup]:
    parts = [_text(40, y + height / 2 + 4, row.row.card, 18, INK)]
    for i, cell in enumerate(row.cells):
        parts.append(
            _cell(row, cell, LEFT + i * width, y, width - 4, height - 4, values=len(card.columns) <= MOST_WITH_VALUES)
        )
    return parts


def _cell(row: ScoreRow, cell: Cell, x: float, y: float, width: float, height: float, *, values: bool) -> Markup:
    if cell.state == "none":
        return _text(x + width / 2, y + height / 2 + 4, "–", 17, MUTED, anchor="middle")
    flat = cell.state == "level" or (row.level and cell.state == "few")
    back, ink = FLAT if flat else PLAIN if cell.shade is None else SHADES[cell.shade]
    stroke = f' stroke="{SHADES[0][0]}" stroke-width="2.5"' if cell.state == "close" else ""
    stroke = f' stroke="{MUTED}" stroke-width="1.5" stroke-dasharray="4 3"' if cell.state == "few" else stroke
    strong = FAR if cell.far else ink
    parts = [
        Markup(  # noqa: S704
            f'<rect x="{xy(x)}" y="{xy(y)}" width="{xy(width)}" height="{xy(height)}" rx="3" fill="{back}"{stroke}/>'
        ),
        _text(x + 10, y + height / 2 + 1, "=" if flat else cell.words, 18, strong, bold=True),
    ]
    if values:
        parts.append(_text(x + width - 9, y + height / 2 + 1, cell.value, 15, ink, anchor="end"))
    if cell.at is not None:
        line = cell_line(cell.at, cell.low, cell.high)
        inner = str(line)[line.index(">") + 1 : line.rindex("</svg>")]
        colour = f'fill="{strong}" color="{strong}"'
        place = f"translate({xy(x + 9)} {xy(y + height - 11)}) scale({(width - 18) / 100:.3f} 1)"
        drawn = (
            inner.replace('class="bk"', 'opacity=".28"').replace('class="iv"', 'opacity=".75"').replace('class="tick"', "")
        )
        drawn = drawn.replace('class="ax"', f'stroke="{ink}" stroke-opacity=".18" fill="none"')
        parts.append(Markup(f'<g {colour} transform="{place}">{drawn}</g>'))  # noqa: S704
    return Markup("").join(parts)


def _text(x: float, y: float, words: str, size: int, colour: str, *, anchor: str = "", bold: bool = False) -> Markup:
    attributes = f'x="{xy(x)}" y="{xy(y)}" font-size="{size}" fill="{colour}"'
    attributes += f' text-anchor="{anchor}"' if anchor else ""
    attributes += ' font-weight="700"' if bold else ""
    return Markup(f"<text {attributes}>") + escape(words) + Markup("</text>")  # noqa: S704
