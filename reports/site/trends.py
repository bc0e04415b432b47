"""The data of the site: series of comparable runs, a trend per cell, and its changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from reports.analysis.cells import SPEED, MetricInfo, metric_info, parts_of
from reports.comparison.comparability import Key
from reports.metrics.metric import Direction
from reports.regression.gate_result import Gate
from reports.regression.history import Accept, History, HistoryEntry
from reports.stats.change_points import Segment, segments
from reports.units import number, quantity, scale_of

#: How many runs of a series are shown, the newest: over three years of weekly runs, and charts stay readable.
MAX_RUNS = 200
#: The weight of a change halves with every so many later runs.
HALF_LIFE_RUNS = 30
#: Smaller changes can be found on a quiet machine, but they do not matter.
MIN_CHANGE = 0.01

#: A run's id and its machine: two machines may start runs in the same second.
RunKey = tuple[str, str]
Way = Literal["worse", "better", "higher", "lower"]


class ChangePoint(Struct, frozen=True):
    """The run at which a new level begins, and the ratio new / old. `way`: `higher` or `lower` for unknown metrics."""

    at: int
    ratio: float
    way: Way

    @property
    def words(self) -> str:
        """`12.0 % worse`."""
        return f"{abs(self.ratio - 1) * 100:.3g} % {self.way}"


class Trend(Struct, frozen=True):
    """A cell over the runs of a series. Positions (`at`, `regressed`, those of levels) count the runs of the series.

    `at`: the runs that have a value. `regressed`: the runs whose gate says that this cell regressed -> by how much.
    `news`: the weight of the largest change, the newer the heavier.
    """

    cell: str
    target: str
    scope: str
    metric: str
    direction: Direction | None
    at: tuple[int, ...]
    values: tuple[float, ...]
    trials: tuple[int, ...]
    segments: tuple[Segment, ...]
    changes: tuple[ChangePoint, ...]
    regressed: Mapping[int, float]
    news: float

    @property
    def title(self) -> str:
        """Metric and scope. A metric that this version does not know is shown by its id."""
        known = metric_info(self.metric)
        return f"{known.title if known else self.metric}, {self.scope or 'whole run'}"

    def text(self, value: float) -> str:
        """A value with its unit; without a unit if the metric is unknown."""
        known = metric_info(self.metric)
        return quantity(value, known.unit) if known else number(value)

    @property
    def scale(self) -> tuple[float, str]:
        """The divisor of values in the chart, and the unit."""
        known = metric_info(self.metric)
        return scale_of(max(self.values), known.unit) if known else (1.0, "")


class Series(Struct, frozen=True):
    """Runs that may be compared, oldest first, and their trends, the largest recent change first.

    `number` is that of `fitmap history list`. `older`: how many earlier runs are not shown. `accepted`: position ->
    acknowledgement.
    """

    number: int
    key: Key
    runs: tuple[HistoryEntry, ...]
    older: int
    accepted: Mapping[int, Accept]
    trends: tuple[Trend, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets in alphabetical order."""
        return tuple(sorted({trend.target for trend in self.trends}))

    def of_target(self, target: str) -> tuple[Trend, ...]:
        """The trends of a target, the largest recent change first."""
        return tuple(trend for trend in self.trends if trend.target == target)


def series_of(history: History, gates: Mapping[RunKey, Gate]) -> tuple[Series, ...]:
    """All series of a history. The series with the newest run is the first."""
    by_key: dict[Key, list[HistoryEntry]] = {}
    for entry in history.entries:
        by_key.setdefault(entry.key, []).append(entry)
    accepts = {accept.run: accept for accept in history.accepts}
    found = [_series(number, key, runs, accepts, gates) for number, (key, runs) in enumerate(by_key.items(), 1)]
    return tuple(sorted(found, key=lambda each: (each.runs[-1].started, each.number), reverse=True))


def _series(
    number: int, key: Key, every: Sequence[HistoryEntry], accepts: Mapping[str, Accept], gates: Mapping[RunKey, Gate]
) -> Series:
    runs = tuple(every[-MAX_RUNS:])
    regressed: dict[str, dict[int, float]] = {}
    for at, run in enumerate(runs):
        gate = gates.get((run.run, run.host))
        for cell in gate.in_state("regressed") if gate else ():
            regressed.setdefault(cell.cell, {})[at] = cell.change
    trends = [
        trend
        for cell in dict.fromkeys(cell for run in runs for cell in run.cells)
        if (trend := _trend(cell, runs, regressed.get(cell, {})))
    ]
    return Series(
        number=number,
        key=key,
        runs=runs,
        older=len(every) - len(runs),
        accepted={at: accepts[run.run] for at, run in enumerate(runs) if run.run in accepts},
        trends=tuple(sorted(trends, key=_order)),
    )


def _order(trend: Trend) -> tuple[bool, float, str, str, str]:
    """The sort key of trends: the largest recent change first. The machine's speed comes last: it explains other cells."""
    return (trend.metric in SPEED.values(), -trend.news, trend.target, trend.scope, trend.metric)


def _trend(cell: str, runs: Sequence[HistoryEntry], regressed: Mapping[int, float]) -> Trend | None:
    parts = parts_of(cell)
    at = tuple(i for i, run in enumerate(runs) if cell in run.cells)
    if not all((parts[0], parts[2], at)):
        return None
    metric = metric_info(parts[2])
    values = tuple(runs[i].cells[cell] for i in at)
    found = segments(values, exact=metric is not None and metric.exact)
    changes = tuple(
        ChangePoint(at[now.start], now.value / before.value, _way(now.value > before.value, metric))
        for before, now in pairwise(found)
        if abs(math.log(now.value / before.value)) >= math.log1p(MIN_CHANGE)
    )
    last = len(runs) - 1
    news = [abs(math.log(change.ratio)) * 0.5 ** ((last - change.at) / HALF_LIFE_RUNS) for change in changes]
    news += [abs(math.log1p(change)) * 0.5 ** ((last - when) / HALF_LIFE_RUNS) for when, change in regressed.items()]
    return Trend(
        cell,
        *parts,
        direction=metric.direction if metric else None,
        at=at,
        values=values,
        trials=tuple(runs[i].trials.get(cell, 0) for i in at),
        segments=tuple(Segment(at[level.start], at[level.end - 1], level.value) for level in found),
        changes=changes,
        regressed=regressed,
        news=max(news, default=0.0),
    )


def _way(higher: bool, metric: MetricInfo | None) -> Way:
    if metric is None:
        return "higher" if higher else "lower"
    return "better" if higher == (metric.direction == "higher") else "worse"
