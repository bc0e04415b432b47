"""Base and head side by side: the trials of a record of pairs (harness/plan/schedule.py, make_pairs), cell by cell. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from harness.plan.targets import BASE
from reports.analysis.analysis import Analysis
from reports.analysis.cells import SPEED, cell_name, cells, figure_of, parts_of
from reports.analysis.ranking import Direction


class Pairs(Struct, frozen=True):
    """A cell's pairs: logarithms of how much worse the head was, and of how much slower the machine was for it, by role."""

    worse: tuple[float, ...]
    slower: tuple[tuple[float, ...], ...] = ()


def pairs_of(
    base: Mapping[str, float],
    head: Mapping[str, float],
    direction: Direction,
    speeds: Sequence[tuple[Mapping[str, float], Mapping[str, float]]] = (),
) -> Pairs:
    """The pairs that both sides have. `speeds`: by role, what a fixed piece of work took beside the base and the head."""
    sign = -1.0 if direction == "higher" else 1.0
    common = sorted(base.keys() & head.keys())
    probed = [(b, h) for b, h in speeds if all(pair in b and pair in h for pair in common)]
    return Pairs(
        tuple(sign * math.log(head[pair] / base[pair]) for pair in common),
        tuple(tuple(math.log(h[pair] / b[pair]) for pair in common) for b, h in probed),
    )


def all_pairs(again: Analysis) -> dict[str, Pairs]:
    """Every cell of the heads that the bases have too, as pairs."""
    values = {cell.name: cell.values for cell in cells(again)}
    found = {}
    for name, head in values.items():
        target, place, metric = parts_of(name)
        figure, base = figure_of(metric), values.get(cell_name(target + BASE, place, metric))
        if figure is None or base is None or metric in SPEED.values():
            continue
        speeds = [
            (
                values.get(cell_name(target + BASE, place, SPEED[role]), {}),
                values.get(cell_name(target, place, SPEED[role]), {}),
            )
            for role in figure.covariates
        ]
        found[name] = pairs_of(base, head, figure.direction, speeds)
    return found
