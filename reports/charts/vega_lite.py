"""Parts of Vega-Lite specifications, as plain dictionaries.

Altair's classes would take forty milliseconds a chart, and a report has more than a hundred. The tests check the
specifications against its schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

#: A piece of a specification.
Part = dict[str, Any]


def layer(data: str, mark: str, encoding: Mapping[str, Part], **look: Any) -> Part:
    """Marks of one kind with the same look. `data`: the name of rows that `finish` (reports/charts/theme.py) adds."""
    return {"data": {"name": data}, "mark": {"type": mark, **_sorted(look)}, "encoding": _sorted(encoding)}


def number(field: str, **settings: Any) -> Part:
    """A channel (position, colour, ...) that shows a field with numbers."""
    return _channel(field, "quantitative", settings)


def category(field: str, **settings: Any) -> Part:
    """A channel that shows a field with names. With `scale=None` they are colours or markers, taken as they are."""
    return _channel(field, "nominal", settings)


def rank(field: str, **settings: Any) -> Part:
    """A channel that shows a field with few, ordered values."""
    return _channel(field, "ordinal", settings)


def scale(domain: Sequence[float], kind: Literal["linear", "log"] | None = None) -> Part:
    """A scale that ends where `domain` ends, not at the next round number. Without `kind`, Vega-Lite takes a linear one."""
    return {"domain": domain, "nice": False, **({"type": kind} if kind else {})}


def number_axis(ticks: int = 5) -> Part:
    """An axis of about so many numbers, thousands separated, without exponents and trailing zeros."""
    return {"format": ",~r", "labelOverlap": True, "tickCount": ticks}


def chosen_labels(names: Mapping[int, str], **settings: Any) -> Part:
    """An axis that has labels at these values only, with these names."""
    expression = " : ".join(f"datum.value == {value} ? '{name}'" for value, name in names.items()) + " : ''"
    return _sorted({"labelExpr": expression, "values": list(names), **settings})


def _channel(field: str, kind: str, settings: Mapping[str, Any]) -> Part:
    return _sorted({"field": field, "type": kind, **settings})


def _sorted(settings: Mapping[str, Any]) -> Part:
    """In the order of the keys: the interactive page contains them, and the same chart has to give the same bytes."""
    return dict(sorted(settings.items()))
