"""What a metric is. The metrics themselves are listed in reports/metrics/catalogue.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from harness.record.measurement import LevelMeasurement, Missing
from harness.record.plan import Kind
from reports.metrics.scopes import ScopeKind
from reports.units import Unit

Direction = Literal["higher", "lower"]


class NotApplicable(Struct, frozen=True):
    """The metric says nothing about what was measured, so it gets no row. (`Missing` gets a row, with its reason.)"""


NOT_APPLICABLE = NotApplicable()

MetricValue = float | Missing | NotApplicable


def comparable(value: float | Missing) -> float | Missing:
    """The value if it is a finite number above 0. Any other is missing: it has no ratio to anything.

    Prevents: one value of 0 that takes the whole report, after all was measured.
    """
    if isinstance(value, Missing) or (math.isfinite(value) and value > 0):
        return value
    return Missing(f"its value is {value:g}, and only values above 0 can be compared")


class Metric(Struct, frozen=True):
    """One metric. `family` groups metrics that say nearly the same; `short` is the name within the family.

    `scope`: where targets are ranked by it: at each load, for each profile, or once for the whole run. In the last two cases
    a trial has one value, whatever its levels. `loops`: the kinds of load at which targets are ranked by it. `exact`: the
    value is read, not measured. It has no noise, so it needs no interval. `least_relevance_percent`: smaller differences do
    not count, even if the run's own relevance bound is lower.
    """

    id: str
    family: str
    title: str
    unit: Unit
    direction: Direction
    meaning: str
    #: Takes a LevelData (reports/metrics/load.py) if `kind` is `load`, otherwise the trial's measurement of that kind.
    measure: Callable[[Any], MetricValue]
    scope: ScopeKind = "load"
    loops: tuple[str, ...] = ("closed", "open", "held")
    exact: bool = False
    least_relevance_percent: float = 0.0
    kind: Kind = "load"
    #: Round -> value of a level that was measured in slices. None: slices say nothing about it.
    by_round: Callable[[LevelMeasurement], Mapping[int, float]] | None = None

    def of(self, seen: Any) -> MetricValue:
        """Its value of what was measured; missing if nothing can be compared with it."""
        found = self.measure(seen)
        return found if isinstance(found, NotApplicable) else comparable(found)

    @property
    def short(self) -> str:
        """The metric's name within its family: `p99`, `working set`."""
        return self.title.rpartition(": ")[2].removeprefix("Latency ")

    @property
    def worst(self) -> float:
        """The number that stands for a missing value where one is needed (a bound in a gate). Never shown, never ranked."""
        return 0.0 if self.direction == "higher" else math.inf

    def relevance_percent(self, run_percent: float) -> float:
        """The bound below which a difference of this metric is a tie."""
        return max(run_percent, self.least_relevance_percent)
