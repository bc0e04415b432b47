"""Charts with one target per line: dots with intervals, and stacked bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from reports.charts.palette import BLUE, GREEN, GREY, INK, MUTED, VERMILION, Style
from reports.charts.theme import LOG_ABOVE_RATIO, Columns, Spec, columns, finish, log_domain, name_axis
from reports.charts.vega_lite import Part, category, layer, number, number_axis, rank, scale
from reports.units import Unit, scale_of

#: A diagonal cross, as a path in a square of side 2.
CROSS = "M-1,-1L1,1M-1,1L1,-1"
#: Parts of a response.
PARTS = ("executor", "rest of the database's CPU", "service CPU", "waiting, pool, network")
PART_COLOURS = (BLUE.light, GREEN.light, VERMILION.light, GREY.light)


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


def dots(rows: Sequence[Dot], looks: Mapping[str, Style], unit: Unit) -> Spec:
    """Estimates as dots with intervals, single trials as small dots, trials that are not valid as crosses."""
    every = [v for r in rows for v in (r.median, r.low, r.high, *r.trials, *r.not_valid) if v is not None]
    if not every:
        raise ValueError("a dot chart needs a value")
    factor, symbol = scale_of(max(every), unit)
    logarithmic = max(every) / min(every) > LOG_ABOVE_RATIO
    domain = log_domain(every, factor) if logarithmic else [0, max(every) / factor * 1.05]
    across = {
        "title": f"{symbol}, logarithmic" if logarithmic else symbol,
        "scale": scale(domain, "log" if logarithmic else None),
    }
    place = {"x": number("value", axis=number_axis(), **across), "y": _targets(rows, looks)}
    colour = category("colour", scale=None)
    interval = {"x": number("low", **across), "x2": {"field": "high"}, "y": place["y"], "color": colour}
    point = {**place, "color": colour, "shape": category("marker", scale=None)}
    crossed = rank("valid", scale={"domain": [0, 1], "range": [CROSS, "circle"]}, legend=None)
    layers = (
        layer("estimates", "rule", interval, strokeWidth=2, clip=True),
        layer("singles", "point", {**point, "shape": crossed}, size=16, opacity=0.55, strokeWidth=1.2, yOffset=7),
        layer("estimates", "point", point, filled=True, size=75, opacity=1),
    )
    data = {"estimates": columns(_estimates(rows, looks, factor, domain)), "singles": _singles(rows, looks, factor)}
    return finish(layers, data, height=_height(rows))


def bars(rows: Sequence[Bar], looks: Mapping[str, Style], x_title: str) -> Spec:
    """One stacked bar per target: its parts as shares of the whole."""
    count = len(rows[0].parts)
    values: list[dict[str, Any]] = []
    notes = []
    for row in rows:
        target = looks[row.target].token
        start, total = 0.0, sum(row.parts)
        for name, part in zip(PARTS[:count], row.parts, strict=True):
            end = start + part / total * 100
            values.append({"target": target, "part": name, "start": start, "end": end})
            start = end
        notes.append({"target": target, "note": row.note, "at": 100})
    y = _targets(rows, looks)
    x_scale = scale([0, 100])
    bar = {
        "x": number("start", title=x_title, scale=x_scale, axis={"tickCount": 5}),
        "x2": {"field": "end"},
        "y": y,
        "color": category(
            "part",
            scale={"domain": list(PARTS[:count]), "range": list(PART_COLOURS[:count])},
            legend={"columnPadding": 12, "columns": 2, "orient": "top", "symbolType": "square", "title": None},
        ),
    }
    note = {"x": number("at", scale=x_scale), "y": y, "text": category("note")}
    layers = (
        layer("parts", "bar", bar, height=15),
        layer("notes", "text", note, align="left", dx=8, color=INK.light),
    )
    return finish(layers, {"parts": columns(values), "notes": columns(notes)}, height=_height(rows), right=80)


def _targets(rows: Sequence[Dot] | Sequence[Bar], looks: Mapping[str, Style]) -> Part:
    """The y channel: one line per target, in the order of the rows."""
    order = [looks[row.target].token for row in rows]
    return category("target", sort=None, title=None, scale={"domain": order}, axis=name_axis())


def _height(rows: Sequence[Dot] | Sequence[Bar]) -> int:
    return max(len(rows), 2) * 27


def _estimates(
    rows: Sequence[Dot], looks: Mapping[str, Style], factor: float, domain: Sequence[float]
) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        if row.median is None:
            continue
        look = looks[row.target]
        low, high = (row.median if bound is None else bound for bound in (row.low, row.high))
        found.append(
            {
                "target": look.token,
                "colour": look.colour,
                "marker": look.marker,
                "value": row.median / factor,
                # Cut at the chart's edge: intervals may reach far beyond the trials. The table has the numbers.
                "low": max(low / factor, domain[0]),
                "high": min(high / factor, domain[1]),
            }
        )
    return found


def _singles(rows: Sequence[Dot], looks: Mapping[str, Style], factor: float) -> Columns:
    found: dict[str, list[Any]] = {name: [] for name in ("target", "colour", "value", "valid")}
    for row in rows:
        look = looks[row.target]
        for values, colour, valid in ((row.trials, look.colour, 1), (row.not_valid, MUTED.light, 0)):
            found["value"] += [value / factor for value in values]
            for name, same in (("target", look.token), ("colour", colour), ("valid", valid)):
                found[name] += [same] * len(values)
    return found
