"""Record -> Analysis: everything that a report says, as frozen data, before any of it is drawn or written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from statistics import median

from msgspec import Struct

from harness.record.measurement import Capacity, Measurement, Missing
from harness.record.plan import Trial
from harness.record.reader import Record
from harness.record.run import Run
from harness.record.trial_result import TrialResult
from reports.analysis.observations import Measured, Observed, Single, here, measured_of, single_of
from reports.analysis.ranking import Standing, rank
from reports.metrics.catalogue import BY_ID, METRICS
from reports.metrics.level_stats import (
    cpu_per_request_microseconds,
    database_microseconds,
    mean_response_microseconds,
    throughput,
)
from reports.metrics.metric import Metric
from reports.metrics.scopes import Load, Place, loads_of, places_of
from reports.stats.intervals import Estimate


class Parts(Struct, frozen=True):
    """Where the time of a mean request goes, microseconds; medians over the valid trials of a target at a load.

    response = database + service_cpu + rest. The database's time is what PostgreSQL itself counted per statement.
    """

    target: str
    load: str
    response: float
    database: float
    service_cpu: float
    rest: float
    trials: int


class Analysis(Struct, frozen=True):
    """What there is to say of a record. Targets, loads and places are in the plan's order.

    `representatives`: target and profile -> the trial whose course is shown, at the profile's first load.
    """

    run: Run
    loads: tuple[Load, ...]
    places: tuple[Place, ...]
    measured: tuple[Measured, ...]
    not_valid: tuple[TrialResult, ...]
    pending: tuple[Trial, ...]
    complaints: tuple[str, ...]
    superseded: tuple[TrialResult, ...]
    standings: tuple[Standing, ...]
    parts: tuple[Parts, ...]
    representatives: Mapping[tuple[str, str], Measured]
    singles: tuple[Single, ...]

    def at(self, target: str, load: Load) -> tuple[Measured, ...]:
        """The trials of a target at a load, valid or not."""
        return tuple(m for m in self.measured if m.trial.target == target and m.load.id == load.id)

    def cell(self, target: str, load: Load) -> tuple[Measured, ...]:
        """The valid ones of them."""
        return tuple(m for m in self.at(target, load) if m.valid)

    def estimate(self, metric: str, place: str, target: str) -> Estimate | Missing | None:
        """A target's value on an axis at a place; None where the axis is not judged there."""
        return next(
            (
                entry.estimate
                for standing in self.standings
                if (standing.metric, standing.place) == (metric, place)
                for entry in standing.entries
                if entry.target == target
            ),
            None,
        )

    def here(self, place: Place) -> tuple[Observed, ...]:
        """All that was measured at a place, valid or not."""
        return here(place, self.measured, self.singles)

    def values(self, metric: str, target: str, place: Place) -> Mapping[str, float] | Missing:
        """Pair -> value of a target on an axis at a place, or why it can't be ranked there."""
        return cell_values(BY_ID[metric], target, place, self.here(place), self.not_valid)

    def place(self, standing: Standing) -> Place:
        """Where a standing was judged."""
        return next(place for place in self.places if place.id == standing.place)


def analyse(record: Record) -> Analysis:
    """Read a record's histograms and judge every axis."""
    run = record.run
    loads = loads_of(run.plan)
    places = places_of(run.plan, loads)
    ordered = sorted(record.results, key=lambda result: result.trial.id)
    measured = tuple(m for result in ordered for m in measured_of(record, result, loads))
    singles = tuple(single for result in ordered if (single := single_of(record, result)))
    cells = {
        (target, load.id): tuple(m for m in measured if (m.trial.target, m.load.id) == (target, load.id))
        for target, load in product(run.plan.targets, loads)
    }
    first = {load.profile: load.id for load in reversed(loads)}
    return Analysis(
        run=run,
        loads=loads,
        places=places,
        measured=measured,
        not_valid=tuple(result for result in ordered if result.verdict != "valid"),
        pending=record.pending(),
        complaints=record.complaints,
        superseded=record.superseded,
        standings=tuple(_standings(run, places, measured, singles, ordered)),
        parts=tuple(part for (target, load), trials in cells.items() if (part := _parts(target, load, trials))),
        representatives={
            (target, profile): found
            for target, (profile, load) in product(run.plan.targets, first.items())
            if (found := _representative(cells[target, load]))
        },
        singles=singles,
    )


def classes(run: Run) -> tuple[str, ...]:
    """The classes that take part, `standard` first. They are never ranked against each other."""
    return tuple(sorted({run.targets[target].target_class for target in run.plan.targets}))


def _standings(
    run: Run,
    places: Sequence[Place],
    measured: tuple[Measured, ...],
    singles: tuple[Single, ...],
    results: list[TrialResult],
) -> Iterator[Standing]:
    for target_class, place in product(classes(run), places):
        found = here(place, measured, singles)
        for metric in METRICS:
            means_nothing = place.load and place.load.kind not in metric.loops
            if metric.scope != place.scope or means_nothing or not any(metric.id in m.values for m in found):
                continue
            targets = [t for t in run.plan.targets if run.targets[t].target_class == target_class]
            yield rank(
                metric=metric.id,
                place=place.id,
                target_class=target_class,
                values={t: cell_values(metric, t, place, found, results) for t in targets},
                direction=metric.direction,
                exact=metric.exact,
                confidence_percent=run.configuration.report.confidence_percent,
                relevance_percent=metric.relevance_percent(run.configuration.report.relevance_percent),
            )


def cell_values(
    metric: Metric, target: str, place: Place, here: Sequence[Observed], results: Sequence[TrialResult]
) -> Mapping[str, float] | Missing:
    """Pair -> value over a target's trials at a place, or why it can't be ranked. `here`: what was measured at the place.

    A value missing in one valid trial is missing for the cell: else a percentile would be judged on just those trials that
    were fast enough to have one. Levels of one trial share its pair: where an axis spans them, each trial counts once.
    Trials of another kind than the axis is of are no part of it.
    """
    mine = [m for m in here if m.trial.target == target and (metric.id in m.values or isinstance(m, Measured))]
    counted = [m for m in mine if m.counts(place.scope)]
    if not counted:
        verdicts = verdicts_at(target, place, results)
        return Missing(f"no valid trial ({', '.join(verdicts)})" if verdicts else "no valid trial")
    values: dict[str, float] = {}
    for trial in counted:
        value = trial.values.get(metric.id, Missing("the metric says nothing about it"))
        if isinstance(value, Missing):
            return value
        values[trial.pair] = value
    return values


def verdicts_at(target: str, place: Place, results: Sequence[TrialResult]) -> list[str]:
    """The verdicts other than valid that a target's trials got at a place, in words."""
    found = set()
    for result in results:
        if result.trial.target != target or place.profile not in (None, result.trial.profile):
            continue
        whole = result.measurement
        level = whole.at(place.load.level) if isinstance(whole, Measurement) and place.load else None
        found.add(level.verdict if level else result.verdict)
    return sorted(verdict.replace("_", " ") for verdict in found - {"valid"})


def at_least(analysis: Analysis, standing: Standing, target: str) -> bool:
    """Whether a target's value on an axis is a lower bound: a search that ended at what the generator is calibrated for.

    To rank by it makes no false winner: whoever is ahead with it is ahead by at least that.
    """
    place = analysis.place(standing)
    return standing.metric == "capacity" and any(
        isinstance(m.whole.capacity, Capacity) and m.whole.capacity.high is None
        for m in analysis.measured
        if m.trial.target == target and m.counts(place.scope) and place.holds(m.trial.profile, m.load.id)
    )


def _representative(trials: tuple[Measured, ...]) -> Measured | None:
    """The trial of median throughput (the lower one of two), among the valid ones where there are any."""
    pool = [m for m in trials if m.valid] or list(trials)
    ranked = sorted(pool, key=lambda m: (throughput(m.level), m.trial.id))
    return ranked[(len(ranked) - 1) // 2] if ranked else None


def _parts(target: str, load: str, trials: tuple[Measured, ...]) -> Parts | None:
    rows = []
    for trial in (m for m in trials if m.valid):
        response = mean_response_microseconds(trial.level)
        cpu = cpu_per_request_microseconds("service", trial.level)
        if isinstance(response, Missing) or isinstance(cpu, Missing):
            continue
        rows.append((response, database_microseconds(trial.level), cpu))
    if not rows:
        return None
    response, database, cpu = (median(column) for column in zip(*rows, strict=True))
    # A runtime that works on several cores for one request can use more CPU time than wall time passes.
    return Parts(target, load, response, database, cpu, max(response - database - cpu, 0.0), len(rows))
