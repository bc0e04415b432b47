"""What two records both have: each axis, place and target with the values of either, and how fast the machine was. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.cells import SPEED, cell_name, cells, figure_of, parts_of
from reports.metrics.load import BY_ID
from reports.metrics.metric import Metric
from reports.metrics.scopes import Place
from reports.stats.intervals import Difference, apart, welch


class Sides(Struct, frozen=True):
    """A cell's values in both records. `slower`: by role whose CPUs move the axis, logarithms of what a fixed piece of work
    took beside each value of now, and of before.
    """

    now: Sequence[float]
    before: Sequence[float]
    slower: Sequence[tuple[Sequence[float], Sequence[float]]] = ()

    def apart(self) -> Difference:
        """How far the logarithms' mean of `now` lies above that of `before`, were the machine as fast in both."""
        now, before = ([math.log(value) for value in values] for values in (self.now, self.before))
        if not self.slower:
            return welch(now, before)
        found = apart(now, before, self.slower)
        return Difference(found.mean, found.error, found.degrees)

    def ratio(self, confidence_percent: float) -> tuple[float, float, float]:
        """Geometric mean of `now` / that of `before`, were the machine as fast in both, with its interval."""
        return self.apart().ratio(confidence_percent)


class Both(Struct, frozen=True):
    """A cell that both records have."""

    place: Place
    metric: Metric
    target: str
    sides: Sides


def both(now: Analysis, before: Analysis) -> Iterator[Both]:
    """Every cell with a value in both, in the order of `now`."""
    speeds = [{cell.name: cell.values for cell in cells(each)} for each in (now, before)]
    for standing in now.standings:
        place = now.place(standing)
        other = next((p for p in before.places if p.id == place.id), None)
        for entry in standing.entries:
            if other is None or entry.target not in before.run.plan.targets:
                continue
            current, earlier = (
                _values(now, standing.metric, entry.target, place),
                _values(before, standing.metric, entry.target, other),
            )
            if not current or not earlier:
                continue
            slower = _slower(cell_name(entry.target, place.id, standing.metric), (current, earlier), speeds)
            sides = Sides(tuple(current.values()), tuple(earlier.values()), slower)
            yield Both(place, BY_ID[standing.metric], entry.target, sides)


def _values(analysis: Analysis, metric: str, target: str, place: Place) -> Mapping[str, float]:
    found = analysis.values(metric, target, place)
    return {} if isinstance(found, Missing) else found


def _slower(
    cell: str, values: Sequence[Mapping[str, float]], speeds: Sequence[Mapping[str, Mapping[str, float]]]
) -> tuple[tuple[list[float], list[float]], ...]:
    """Sides.slower of a cell. Roles that were not probed beside all of its values are left out."""
    target, place, metric = parts_of(cell)
    figure = figure_of(metric)
    found = []
    for role in figure.covariates if figure else ():
        both_probed = [each.get(cell_name(target, place, SPEED[role]), {}) for each in speeds]
        if all(pair in probed for mine, probed in zip(values, both_probed, strict=True) for pair in mine):
            now, before = (
                [math.log(probed[pair]) for pair in mine] for mine, probed in zip(values, both_probed, strict=True)
            )
            found.append((now, before))
    return tuple(found)
