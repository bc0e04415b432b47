"""Charts with one target per line: dots with intervals, and stacked bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from msgspec import Struct

from reports.charts.palette import BLUE, GREY, INK, MUTED, VERMILION, Style
from reports.charts.theme import LOG_ABOVE_RATIO, Spec, finish, log_domain, name_axis, source, unvalidated
from reports.units import Unit, scale_of

#: A diagonal cross, as a path in a square of side 2.
CROSS = "M-1,-1L1,1M-1,1L1,-1"
#: Parts of a response.
PARTS = ("PostgreSQL", "service CPU", "waiting, pool, network")
PART_COLOURS = (BLUE.light, VERMILION.light, GREY.light)


class Dot(Struct, frozen=True):
    """One target's row of a dot chart: the estimate with its interval, valid trials, and trials that are not valid."""

    target: str
    median: float | None
    low: float | None
    high: float | None
    trials: tuple[float, ...]
    not_valid: tuple[float, ...]


class Bar(Struct, frozen=True):
    """One target's stacked bar. `parts`: microseconds, in the order of PARTS, or of its first ones."""

    target: str
    note: str
    parts: tuple[float, ...]


@unvalidated
def dots(rows: Sequence[Dot], looks: Mapping[str, Style], unit: Unit) -> Spec:
    """Estimates as dots with intervals, single trials as small dots, trials that are not valid as crosses."""
    every = [v for r in rows for v in (r.median, r.low, r.high, *r.trials, *r.not_valid) if v is not None]
    if not every:
        raise ValueError("a dot chart needs a value")
    scale, symbol = scale_of(max(every), unit)
    logarithmic = max(every) / min(every) > LOG_ABOVE_RATIO
    domain = log_domain(every, scale) if logarithmic else [0, max(every) / scale * 1.05]
    order = [looks[row.target].token for row in rows]
    estimates, singles = [], []
    for row in rows:
        label = looks[row.target].token
        base = {"target": label, "colour": looks[row.target].colour, "marker": looks[row.target].marker}
        if row.median is not None:
            low, high = (row.median if bound is None else bound for bound in (row.low, row.high))
            # Intervals are cut at the chart's edge, since they may reach far beyond the trials. The table has the numbers.
            estimates.append(
                base
                | {
                    "value": row.median / scale,
                    "low": max(low / scale, domain[0]),
                    "high": min(high / scale, domain[1]),
                }
            )
        singles += [{"target": label, "colour": base["colour"], "value": v / scale, "valid": 1} for v in row.trials]
        singles += [{"target": label, "colour": MUTED.light, "value": v / scale, "valid": 0} for v in row.not_valid]
    y = alt.Y("target:N", sort=None, title=None, scale=alt.Scale(domain=order), axis=name_axis())
    title = f"{symbol}, logarithmic" if logarithmic else symbol
    x_scale = alt.Scale(type="log", domain=domain, nice=False) if logarithmic else alt.Scale(domain=domain, nice=False)
    x = alt.X("value:Q", title=title, scale=x_scale, axis=alt.Axis(tickCount=5, labelOverlap=True, format=",~r"))
    colour = alt.Color("colour:N", scale=None)
    middle = source("estimates").encode(y=y, color=colour)
    intervals = middle.mark_rule(strokeWidth=2, clip=True).encode(x=alt.X("low:Q", title=title, scale=x_scale), x2="high:Q")
    points = middle.mark_point(filled=True, size=75, opacity=1).encode(x=x, shape=alt.Shape("marker:N", scale=None))
    small = (
        source("singles")
        .mark_point(size=16, opacity=0.55, strokeWidth=1.2, yOffset=7)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=alt.Shape("valid:O", scale=alt.Scale(domain=[0, 1], range=[CROSS, "circle"]), legend=None),
        )
    )
    return finish(
        alt.layer(intervals, small, points), {"estimates": estimates, "singles": singles}, height=max(len(rows), 2) * 27
    )


@unvalidated
def bars(rows: Sequence[Bar], looks: Mapping[str, Style], x_title: str) -> Spec:
    """One stacked bar per target: its parts as shares of the whole."""
    count = len(rows[0].parts)
    order = [looks[row.target].token for row in rows]
    values: list[dict[str, Any]] = []
    notes = []
    for row in rows:
        start, total = 0.0, sum(row.parts)
        for name, part in zip(PARTS[:count], row.parts, strict=True):
            end = start + part / total * 100
            values.append({"target": looks[row.target].token, "part": name, "start": start, "end": end})
            start = end
        notes.append({"target": looks[row.target].token, "note": row.note, "at": 100})
    y = alt.Y("target:N", sort=None, title=None, scale=alt.Scale(domain=order), axis=name_axis())
    x_scale = alt.Scale(domain=[0, 100], nice=False)
    drawn = (
        source("parts")
        .mark_bar(height=15)
        .encode(
            y=y,
            x=alt.X("start:Q", title=x_title, scale=x_scale, axis=alt.Axis(tickCount=5)),
            x2="end:Q",
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=list(PARTS[:count]), range=list(PART_COLOURS[:count])),
                legend=alt.Legend(orient="top", title=None, symbolType="square", columns=3, columnPadding=12),
            ),
        )
    )
    labels = (
        source("notes")
        .mark_text(align="left", dx=8, color=INK.light)
        .encode(y=y, x=alt.X("at:Q", scale=x_scale), text="note:N")
    )
    return finish(alt.layer(drawn, labels), {"parts": values, "notes": notes}, height=max(len(rows), 2) * 27, right=80)
