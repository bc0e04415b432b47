"""All cells of a record, with a value per trial: what the history keeps and the gate screens.

A cell is a target, a scope and a metric. Beyond the metrics of the report there are single routes (by which the report ranks
nobody), the statements that the database executed, and the machine's speed during the trials.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean

from msgspec import Struct

from harness.record.measurement import LevelMeasurement, Missing
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation, Observation
from reports.metrics.catalogue import BY_ID, METRICS, STATEMENTS
from reports.metrics.level_stats import requests
from reports.metrics.metric import Direction, Metric
from reports.metrics.scopes import Load, Scope
from reports.stats.pairs import TrialValues
from reports.units import Unit

SEPARATOR = "|"
#: Stands in the place of a target in cells of the machine itself.
MACHINE = "machine"
#: Role -> metric id of the CPU speed probe's mean on the role's CPUs during a cell's trials. It explains noise of the cell.
SPEED = {role: f"speed-{role}" for role in ("service", "database")}
SPEED_CELL = "canary"
#: Metric of a cell that lost its valid trials: the share of its trials that are valid.
VALID = "valid"


class MetricInfo(Struct, frozen=True):
    """What a gate must know about a metric. `covariates`: roles whose CPU speed affects it. `exact`: read or counted."""

    title: str
    unit: Unit
    direction: Direction
    covariates: tuple[str, ...] = ()
    exact: bool = False


#: Times and rates depend on the speed of the CPUs that they use; sizes and memory do not.
_COVARIATES: Mapping[str, tuple[str, ...]] = {
    "throughput": ("service", "database"),
    **{f"p{percent:g}": ("service", "database") for percent in (50, 90, 99, 99.9)},
    "cpu": ("service",),
    "database-cpu": ("database",),
    "capacity": ("service", "database"),
    "start": ("service",),
}


def metric_info(metric: str) -> MetricInfo | None:
    """What a gate must know about a metric; None if the metric is unknown."""
    if metric == STATEMENTS:
        return MetricInfo("Statements executed for each one in the contract", "ratio", "lower", exact=True)
    if metric == SPEED_CELL:
        return MetricInfo("The machine's own speed: a fixed piece of work", "microseconds", "lower")
    for role, name in SPEED.items():
        if metric == name:
            return MetricInfo(f"CPUs of the {role} meanwhile: a fixed piece of work", "microseconds", "lower")
    known = BY_ID.get(metric)
    if known is None:
        return None
    return MetricInfo(known.title, known.unit, known.direction, _COVARIATES.get(metric, ()), known.exact)


class Cell(Struct, frozen=True):
    """A cell's values by pair (block and profile). `scope`: where it was measured; None for the machine's cells."""

    target: str
    scope: Scope | None
    metric: str
    trials: TrialValues

    @property
    def values(self) -> Mapping[str, float]:
        return self.trials.values

    @property
    def name(self) -> str:
        return cell_name(self.target, self.scope.id if self.scope else "", self.metric)

    @property
    def mean(self) -> float:
        """The geometric mean over its trials: one sample per run."""
        return math.exp(fmean(math.log(v) for v in self.values.values()))


def cell_name(target: str, scope: str, metric: str) -> str:
    """The name of a cell in the history."""
    return SEPARATOR.join((target, scope, metric))


def parts_of(name: str) -> tuple[str, str, str]:
    """Target, scope and metric of a cell's name, or three empty texts. A scope may contain the separator."""
    target, _, rest = name.partition(SEPARATOR)
    scope, found, metric = rest.rpartition(SEPARATOR)
    return (target, scope, metric) if found else ("", "", "")


def cells(analysis: Analysis) -> tuple[Cell, ...]:
    """All cells of a record that have a value. Only valid trials count, except for the statements."""
    return tuple(cell for cell in _all(analysis) if cell.values)


def speed_cells(analysis: Analysis) -> Iterator[Cell]:
    """The cells of the machine's speed among them, each with its target and scope."""
    every = (_speeds(analysis, target, scope) for scope in scopes(analysis) for target in _targets(analysis))
    return (cell for mine in every for cell in mine if cell.values)


def scopes(analysis: Analysis) -> tuple[Scope, ...]:
    """The scopes of the gate: every load, the routes by which its tail is ranked, the whole trials of each profile, the
    whole run. Loads at a share of a target's own throughput are left out, because their rates differ from run to run.
    """
    at_loads = tuple(
        Scope(load.title, load.question, load.profile, load) for load in analysis.loads if load.kind != "relative"
    )
    return (*at_loads, *(scope for scope in analysis.scopes if scope.load is None or scope.route))


def _all(analysis: Analysis) -> Iterator[Cell]:
    for scope in scopes(analysis):
        for target in _targets(analysis):
            mine = analysis.of(target, scope)
            ranked = [m for m in METRICS if m.scope == scope.scope and _means_something(m, scope.load, mine)]
            known = [
                (m, found) for m in ranked if not isinstance(found := analysis.trial_values(m.id, target, scope), Missing)
            ]
            yield from (Cell(target, scope, metric.id, found) for metric, found in known)
            if scope.route and not known:
                continue
            loaded = [m for m in mine if isinstance(m, LevelObservation)]
            if scope.load and not scope.route:
                # A trial with wrong statements fails, so invalid trials count here: the ratio shows how many are wrong.
                yield Cell(target, scope, STATEMENTS, _of(loaded, statements_ratio))
            yield from _speeds(analysis, target, scope)
    speeds = (m.level.speed["service"].quick_microseconds for m in analysis.measured if "service" in m.level.speed)
    quick = min((each for each in speeds if each > 0), default=None)
    yield Cell(MACHINE, None, SPEED_CELL, TrialValues({} if quick is None else {"": quick}))


def _targets(analysis: Analysis) -> tuple[str, ...]:
    return (*analysis.run.plan.targets, *analysis.unranked, *analysis.twins)


def _speeds(analysis: Analysis, target: str, scope: Scope) -> Iterator[Cell]:
    counted = [m for m in analysis.of(target, scope) if isinstance(m, LevelObservation) and m.counts(scope.scope)]
    for role, name in SPEED.items():
        yield Cell(target, scope, name, _of(counted, partial(speed, role)))


def _means_something(metric: Metric, load: Load | None, mine: Sequence[Observation]) -> bool:
    return (load is None or load.kind in metric.loops) and any(metric.id in m.values for m in mine)


def _of(measured: Sequence[LevelObservation], value: Callable[[LevelMeasurement], float | None]) -> TrialValues:
    """The values of trials. If the scope spans levels, the value of a trial's first level."""
    found: dict[str, float] = {}
    for m in measured:
        number = value(m.level)
        # Cells are compared by ratios, and 0 has none.
        if number is not None and number > 0:
            found.setdefault(m.pair, number)
    return TrialValues(found)


def statements_ratio(level: LevelMeasurement) -> float | None:
    """Executed statements divided by those that the contract expects; None at a load without statements.

    A trial's first level also counts the golden cases: a few statements, even if the load's routes have none.
    """
    if isinstance(level.statements, Missing):
        return None
    expected = sum(statement.expected for statement in level.statements)
    executed = sum(statement.executed for statement in level.statements)
    return executed / expected if expected and expected >= requests(level) / 10 else None


def speed(role: str, level: LevelMeasurement) -> float | None:
    """Mean time of the CPU speed probe on a role's CPUs during the level, microseconds; None if there was no probe."""
    found = level.speed.get(role)
    return found.mean_microseconds if found else None
