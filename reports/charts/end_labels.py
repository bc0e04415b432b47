"""The names of targets at the ends of their curves, right of the picture, where they don't cover each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.charts.palette import Style
from reports.charts.theme import WIDTH
from reports.charts.vega_lite import Part, category, layer, number

LABEL_HEIGHT = 14.0


def end_names() -> Part:
    """The layer that draws `end_labels`, the data `labels`."""
    encoding = {
        "x": {"value": WIDTH},
        "y": number("y", scale=None),
        "text": category("name"),
        "color": category("colour", scale=None),
    }
    return layer("labels", "text", encoding, align="left", dx=6, fontWeight="bold")


def end_labels(
    ends: Sequence[tuple[str, float]], looks: Mapping[str, Style], y_domain: Sequence[float], log_y: bool, height: int
) -> list[dict[str, Any]]:
    """The names at the curves' ends (target, y), moved apart where they would overlap; y in pixels."""

    def pixels(value: float) -> float:
        low, high, at = (math.log(v) if log_y else v for v in (y_domain[0], y_domain[1], max(value, y_domain[0])))
        return height * (1 - (at - low) / (high - low))

    wanted = sorted((pixels(y), target) for target, y in ends)
    placed = spread([at for at, _ in wanted], LABEL_HEIGHT, height)
    return [
        {"y": at, "name": looks[target].token, "colour": looks[target].colour}
        for (_, target), at in zip(wanted, placed, strict=True)
    ]


def spread(positions: Sequence[float], gap: float, height: float) -> list[float]:
    """Ascending positions moved apart to at least `gap`, within [0, height] where there is room."""
    placed: list[float] = []
    for at in positions:
        placed.append(max(at, placed[-1] + gap) if placed else at)
    overflow = placed[-1] - height if placed else 0.0
    limit = height
    if overflow > 0:
        for i in range(len(placed) - 1, -1, -1):
            placed[i] = min(placed[i], limit)
            limit = placed[i] - gap
    return placed
