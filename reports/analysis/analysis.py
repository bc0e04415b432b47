"""Record -> Analysis: everything that a report says, as frozen data, before any of it is drawn or written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from statistics import median

import msgspec
from msgspec import Struct

from harness.record.garbage import uncollected
from harness.record.measurement import Capacity, Missing
from harness.record.plan import Trial
from harness.record.reader import Record
from harness.record.run import Run
from harness.record.trial_result import TrialResult
from reports.analysis.machine_state import LoudRounds, Machine, shifts, trial_rounds
from reports.analysis.observations import (
    ByScope,
    LevelObservation,
    Observation,
    TrialObservation,
    by_scope,
    level_observation,
    loud_loads,
    service_bound_loads,
    trial_observation,
)
from reports.analysis.ranking import Ranking, rank
from reports.analysis.representatives import classes, of_class, roles_of
from reports.analysis.soundness import sound
from reports.analysis.trial_values import trial_values
from reports.metrics.catalogue import BY_ID, METRICS
from reports.metrics.level_stats import (
    DAMAGED_HISTOGRAM,
    cpu_per_request_microseconds,
    executor_microseconds,
    mean_response_microseconds,
    other_database_microseconds,
    throughput,
)
from reports.metrics.metric import Metric
from reports.metrics.scopes import TAILS_BY_ROUTE, Load, Scope, loads_of, scopes_of
from reports.stats.intervals import Estimate
from reports.stats.pairs import TrialValues
from reports.stats.two_states import TwoStates, two_states

#: From this method on a target with too few trials does not keep the others from being ranked. Older records keep their
#: published files.
SETS_APART = 7


class TimeBreakdown(Struct, frozen=True):
    """Where the time of a mean request goes, microseconds; medians over the valid trials of a target at a load.

    response = executor + database_cpu_beyond + service_cpu + rest. `executor`: what PostgreSQL counted per statement, waits
    of a statement included. `database_cpu_beyond`: CPU time of the database's container beyond that.
    """

    target: str
    load: str
    response: float
    executor: float
    database_cpu_beyond: float
    service_cpu: float
    rest: float
    trials: int

    @property
    def database(self) -> float:
        """All that the database takes of it."""
        return self.executor + self.database_cpu_beyond

    @property
    def work(self) -> float:
        """The response without its rest."""
        return self.database + self.service_cpu


class Analysis(Struct, frozen=True, dict=True):
    """What there is to say of a record. Targets, loads and scopes are in the plan's order.

    `representatives`: target and profile -> the trial that is drawn over time, at the profile's first load.
    The dictionaries that look things up are built once, at the first use (`dict=True` gives them a place).
    """

    run: Run
    loads: tuple[Load, ...]
    scopes: tuple[Scope, ...]
    measured: tuple[LevelObservation, ...]
    not_valid: tuple[TrialResult, ...]
    pending: tuple[Trial, ...]
    warnings: tuple[str, ...]
    superseded: tuple[TrialResult, ...]
    rankings: tuple[Ranking, ...]
    parts: tuple[TimeBreakdown, ...]
    representatives: Mapping[tuple[str, str], LevelObservation]
    singles: tuple[TrialObservation, ...]
    #: The second names of targets that were measured twice. They are ranked nowhere and not among the run's targets here.
    twins: tuple[str, ...] = ()
    #: Variants, and targets for which another stands. They are neither.
    unranked: tuple[str, ...] = ()
    #: At the loads that were measured in slices.
    loud: tuple[LoudRounds, ...] = ()

    @cached_property
    def _cells(self) -> Mapping[tuple[str, str], tuple[LevelObservation, ...]]:
        return by_cell(self.measured)

    @cached_property
    def _estimates(self) -> Mapping[tuple[str, str, str], Estimate | Missing]:
        return {
            (ranking.metric, ranking.scope, entry.target): entry.estimate
            for ranking in self.rankings
            for entry in ranking.entries
        }

    @cached_property
    def _observations(self) -> ByScope:
        return by_scope(self.measured, self.singles)

    @cached_property
    def _found(self) -> dict[tuple[str, str, str], TrialValues | Missing]:
        """What `trial_values` has found so far: several parts of a report ask for the same cell."""
        return {}

    @cached_property
    def _scopes(self) -> Mapping[str, Scope]:
        return {scope.id: scope for scope in self.scopes}

    def at(self, target: str, load: Load) -> tuple[LevelObservation, ...]:
        """The trials of a target at a load, valid or not."""
        return self._cells.get((target, load.id), ())

    def cell(self, target: str, load: Load) -> tuple[LevelObservation, ...]:
        """The valid ones of them."""
        return tuple(m for m in self.at(target, load) if m.valid)

    def estimate(self, metric: str, scope: str, target: str) -> Estimate | Missing | None:
        """A target's value of a metric at a scope; None where the metric is not ranked there."""
        return self._estimates.get((metric, scope, target))

    def of(self, target: str, scope: Scope) -> Sequence[Observation]:
        """All that was measured of a target at a scope, valid or not."""
        return self._observations.get(scope.id, {}).get(target, ())

    def values(self, metric: str, target: str, scope: Scope) -> Mapping[str, float] | Missing:
        """Pair -> value of a metric of a target at a scope, or why it can't be ranked there."""
        found = self.trial_values(metric, target, scope)
        return found if isinstance(found, Missing) else found.values

    def trial_values(self, metric: str, target: str, scope: Scope) -> TrialValues | Missing:
        """The same with the rounds of each trial, for ratios."""
        key = (metric, target, scope.id)
        if key not in self._found:
            self._found[key] = trial_values(BY_ID[metric], target, scope, self.of(target, scope), self.not_valid)
        return self._found[key]

    def scope(self, ranking: Ranking) -> Scope:
        """The scope of a ranking. Raises KeyError on a ranking of another record."""
        try:
            return self._scopes[ranking.scope]
        except KeyError:
            raise KeyError(f"run {self.run.id} has no scope {ranking.scope!r} (ranking of {ranking.metric})") from None


def by_cell(measured: Sequence[LevelObservation]) -> dict[tuple[str, str], tuple[LevelObservation, ...]]:
    """Target and load -> its trials, valid or not."""
    cells = defaultdict(list)
    for m in measured:
        cells[m.trial.target, m.load.id].append(m)
    return {cell: tuple(trials) for cell, trials in cells.items()}


@uncollected()
def analyse(record: Record) -> Analysis:
    """Reads a record's histograms and ranks the targets by every metric."""
    record = sound(record)
    roles = roles_of(record.run)
    run = msgspec.structs.replace(record.run, plan=msgspec.structs.replace(record.run.plan, targets=roles.targets))
    loads = loads_of(run.plan, tails_by_route=run.method >= TAILS_BY_ROUTE)
    scopes = scopes_of(run.plan, loads)
    ordered = sorted(record.results, key=lambda result: result.trial.id)
    # What is ranked nowhere has no part in the figures of the others.
    ranked_results = [result for result in ordered if result.trial.target not in roles.unranked]
    bound, loud = service_bound_loads(ranked_results), loud_loads(ranked_results)
    measured = tuple(m for result in ordered for m in level_observation(record, result, loads, bound, loud))
    singles = tuple(single for result in ordered if (single := trial_observation(record, result)))
    observed, observations = by_cell(measured), by_scope(measured, singles, without=roles.unranked)
    machines = {s.id: Machine(rounds) for s in scopes if s.load and (rounds := trial_rounds(observations.get(s.id, {})))}
    cells = {(target, load.id): observed.get((target, load.id), ()) for target, load in product(run.plan.targets, loads)}
    first = {load.profile: load.id for load in reversed(loads)}
    ranked: dict[tuple[str, str, str], TrialValues | Missing] = {}
    analysis = Analysis(
        run=run,
        loads=loads,
        scopes=scopes,
        measured=measured,
        not_valid=tuple(result for result in ordered if result.verdict != "valid"),
        pending=record.pending(),
        warnings=(*record.warnings, *_damaged(measured)),
        superseded=record.superseded,
        rankings=tuple(_rankings(run, scopes, observations, ordered, machines, ranked)),
        parts=tuple(part for (target, load), trials in cells.items() if (part := _parts(target, load, trials))),
        representatives={
            (target, profile): found
            for target, (profile, load) in product(run.plan.targets, first.items())
            if (found := _representative(cells[target, load]))
        },
        singles=singles,
        twins=roles.twins,
        unranked=roles.unranked,
        loud=tuple(LoudRounds(load, dearer) for load, each in machines.items() if (dearer := each.loudness())),
    )
    analysis._found.update(ranked)
    return analysis


def _rankings(
    run: Run,
    scopes: Sequence[Scope],
    observations: ByScope,
    results: list[TrialResult],
    machines: Mapping[str, Machine],
    ranked: dict[tuple[str, str, str], TrialValues | Missing],
) -> Iterator[Ranking]:
    """The rankings by all metrics. `ranked` gets the values that they are made from."""
    for target_class, scope in product(classes(run), scopes):
        found = observations.get(scope.id, {})
        known = {name for mine in found.values() for m in mine for name in m.values}
        for metric in METRICS:
            means_nothing = scope.load and scope.load.kind not in metric.loops
            if metric.scope != scope.scope or means_nothing or metric.id not in known:
                continue
            targets = [t for t in of_class(run, target_class) if not run.targets[t].variant]
            if not targets:
                continue
            values = {t: trial_values(metric, t, scope, found.get(t, ()), results) for t in targets}
            ranked |= {(metric.id, t, scope.id): each for t, each in values.items()}
            yield _ranked(run, metric, scope, target_class, values, machines.get(scope.id))


def ranked_among(analysis: Analysis, ranking: Ranking, targets: Collection[str]) -> Ranking:
    """The same ranking among some of its targets alone."""
    metric, scope = BY_ID[ranking.metric], analysis.scope(ranking)
    values = {e.target: analysis.trial_values(metric.id, e.target, scope) for e in ranking.entries if e.target in targets}
    return _ranked(analysis.run, metric, scope, ranking.target_class, values)


def _ranked(
    run: Run,
    metric: Metric,
    scope: Scope,
    target_class: str,
    values: Mapping[str, TrialValues | Missing],
    machine: Machine | None = None,
) -> Ranking:
    interleaved = {t: v for t, v in values.items() if not isinstance(v, Missing) and v.rounds}
    return rank(
        metric=metric.id,
        scope=scope.id,
        target_class=target_class,
        values=values,
        direction=metric.direction,
        exact=metric.exact,
        confidence_percent=run.configuration.report.confidence_percent,
        relevance_percent=metric.relevance_percent(run.configuration.report.relevance_percent),
        set_apart=run.method >= SETS_APART,
        states=_states(run, interleaved),
        machine=machine if interleaved else None,
    )


def _states(run: Run, values: Mapping[str, TrialValues]) -> dict[str, TwoStates]:
    # Code that is compiled while it runs may have two states itself, so it does not tell what the machine did.
    references = [t for t in values if not run.targets[t].jit]
    found = ((t, two_states(each.values, shifts(t, values, references))) for t, each in values.items())
    return {t: states for t, states in found if states}


def at_least(analysis: Analysis, ranking: Ranking, target: str) -> bool:
    """Whether a target's capacity is a lower bound: the search ended at the highest rate that the generator can send.

    Ranking by it makes no false winner: a target that is ahead with a lower bound is ahead by at least that much.
    """
    scope = analysis.scope(ranking)
    return ranking.metric == "capacity" and any(
        isinstance(m.whole.capacity, Capacity) and m.whole.capacity.high is None
        for m in analysis.measured
        if m.trial.target == target and m.counts(scope.scope) and scope.holds(m.trial.profile, m.load.id)
    )


def _damaged(measured: Sequence[LevelObservation]) -> Iterator[str]:
    """A warning for each level whose histograms are damaged."""
    for m in measured:
        if m.distribution == DAMAGED_HISTOGRAM:
            yield f"histograms/{m.trial.id}.hlog: level {m.load.level} has no latencies ({DAMAGED_HISTOGRAM.reason})"


def _representative(trials: tuple[LevelObservation, ...]) -> LevelObservation | None:
    """The trial of median throughput (the lower one of two), among the valid ones where there are any."""
    pool = [m for m in trials if m.valid] or list(trials)
    ranked = sorted(pool, key=lambda m: (throughput(m.level), m.trial.id))
    return ranked[(len(ranked) - 1) // 2] if ranked else None


def _parts(target: str, load: str, trials: tuple[LevelObservation, ...]) -> TimeBreakdown | None:
    rows = []
    for trial in (m for m in trials if m.valid):
        response = mean_response_microseconds(trial.level)
        beyond = other_database_microseconds(trial.level)
        executor, cpu = executor_microseconds(trial.level), cpu_per_request_microseconds("service", trial.level)
        if isinstance(response, Missing) or isinstance(beyond, Missing):
            continue
        if isinstance(executor, Missing) or isinstance(cpu, Missing):
            continue
        rows.append((response, executor, beyond, cpu))
    if not rows:
        return None
    response, executor, beyond, cpu = (median(column) for column in zip(*rows, strict=True))
    # A runtime that works on several cores for one request can use more CPU time than the time that passes.
    rest = max(response - executor - beyond - cpu, 0.0)
    return TimeBreakdown(target, load, response, executor, beyond, cpu, rest, len(rows))
