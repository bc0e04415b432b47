"""What a metric is. Pure; reports/metrics/load.py declares them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from harness.record.measurement import Missing
from harness.record.plan import Kind
from reports.metrics.scopes import Load, ScopeKind
from reports.units import Unit

Direction = Literal["higher", "lower"]

#: A value; why there is none; or None where the metric says nothing about what was measured, and gets no row.
Found = float | Missing | None


class Metric(Struct, frozen=True):
    """One axis. `family` gathers axes that say nearly the same; `name` is the axis within it.

    `scope`: judged at each load; for each profile, or once for the whole run: then a trial has one value, whatever its
    levels. `loops`: the kinds of load that it means something for. `open_meaning` replaces `meaning` under open loads.
    `exact`: read, not measured: it has no noise, so it needs no interval.
    `least_relevance_percent`: differences below it don't matter even where the run's own bound is lower.
    """

    id: str
    family: str
    title: str
    unit: Unit
    direction: Direction
    meaning: str
    #: Takes an Observation; of another kind than `load`, the trial's measurement.
    measure: Callable[[Any], Found]
    scope: ScopeKind = "load"
    loops: tuple[str, ...] = ("closed", "open", "held")
    open_meaning: str = ""
    exact: bool = False
    least_relevance_percent: float = 0.0
    kind: Kind = "load"

    @property
    def short(self) -> str:
        """The axis within its family: `p99`, `working set`."""
        return self.title.rpartition(": ")[2].removeprefix("Latency ")

    @property
    def worst(self) -> float:
        """What a missing value counts as where a number must be had (a bound in a gate). Never shown, never ranked."""
        return 0.0 if self.direction == "higher" else math.inf

    def relevance_percent(self, run_percent: float) -> float:
        """The bound below which a difference of this metric is a tie."""
        return max(run_percent, self.least_relevance_percent)

    def meaning_at(self, load: Load | None) -> str:
        """How to read it at a load (None: it spans all levels)."""
        return self.open_meaning if self.open_meaning and load and load.open else self.meaning
