"""Record -> Analysis: everything that a report says, as frozen data, before any of it is drawn or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from statistics import median

from msgspec import Struct

from harness.model import Trial
from harness.record import Measurement, Missing, Record, Run, TrialResult
from reports.metrics import (
    METRICS,
    Metric,
    Observation,
    cpu_per_request_microseconds,
    mean_response_microseconds,
    requests,
)
from reports.percentiles import Distribution, read_distribution
from reports.standings import Standing, rank


class Measured(Struct, frozen=True):
    """A trial that has a measurement, valid or not, with its value on every metric."""

    result: TrialResult
    measurement: Measurement
    distribution: Distribution | Missing
    values: Mapping[str, float | Missing]

    @property
    def trial(self) -> Trial:
        return self.result.trial

    @property
    def valid(self) -> bool:
        return self.result.verdict == "valid"

    @property
    def pair(self) -> str:
        """What this trial is paired by in comparisons: its block, and its profile where an axis spans all profiles."""
        return f"{self.trial.block}/{self.trial.profile}"


class Parts(Struct, frozen=True):
    """Where the time of a mean request goes, microseconds; medians over the valid trials of a cell.

    response = database + service_cpu + rest. The database's time is what PostgreSQL itself counted per statement.
    """

    target: str
    profile: str
    response: float
    database: float
    service_cpu: float
    rest: float
    trials: int


class Analysis(Struct, frozen=True):
    """What there is to say of a record. Targets and profiles are in the plan's order."""

    run: Run
    measured: tuple[Measured, ...]
    not_valid: tuple[TrialResult, ...]
    pending: tuple[Trial, ...]
    complaints: tuple[str, ...]
    standings: tuple[Standing, ...]
    parts: tuple[Parts, ...]
    representatives: Mapping[tuple[str, str], Measured]

    def cell(self, target: str, profile: str | None) -> tuple[Measured, ...]:
        """The valid trials of a target, of one profile or of all."""
        return tuple(m for m in self.measured if m.valid and m.trial.target == target and profile in (None, m.trial.profile))


def analyse(record: Record) -> Analysis:
    """Read a record's histograms and judge every axis."""
    run = record.run
    ordered = sorted(record.results, key=lambda result: result.trial.id)
    measured = tuple(
        _measured(record, result, result.measurement) for result in ordered if not isinstance(result.measurement, Missing)
    )
    cells = {
        (target, profile.name): tuple(m for m in measured if (m.trial.target, m.trial.profile) == (target, profile.name))
        for target, profile in product(run.plan.targets, run.plan.profiles)
    }
    return Analysis(
        run=run,
        measured=measured,
        not_valid=tuple(result for result in ordered if result.verdict != "valid"),
        pending=record.pending(),
        complaints=record.complaints,
        standings=tuple(_standings(run, measured, ordered)),
        parts=tuple(part for (target, profile), trials in cells.items() if (part := _parts(target, profile, trials))),
        representatives={cell: found for cell, trials in cells.items() if (found := _representative(trials))},
    )


def classes(run: Run) -> tuple[str, ...]:
    """The classes that take part, `standard` first. They are never ranked against each other."""
    return tuple(sorted({run.targets[target].target_class for target in run.plan.targets}))


def _measured(record: Record, result: TrialResult, measurement: Measurement) -> Measured:
    image = record.run.images.get(result.trial.target)
    seen = Observation(
        measurement=measurement,
        distribution=read_distribution(record.folder, result.trial.id),
        image_bytes=image.size_bytes if image else Missing("the record names no image of it"),
    )
    return Measured(result, measurement, seen.distribution, {metric.id: metric.measure(seen) for metric in METRICS})


def _standings(run: Run, measured: tuple[Measured, ...], results: list[TrialResult]) -> list[Standing]:
    found = []
    for target_class, metric in product(classes(run), METRICS):
        targets = [t for t in run.plan.targets if run.targets[t].target_class == target_class]
        profiles = [p.name for p in run.plan.profiles] if metric.per_profile else [None]
        for profile in profiles:
            values = {t: cell_values(metric, t, profile, measured, results) for t in targets}
            found.append(
                rank(
                    metric=metric.id,
                    profile=profile,
                    target_class=target_class,
                    values=values,
                    direction=metric.direction,
                    exact=metric.exact,
                    confidence_percent=run.configuration.report.confidence_percent,
                    relevance_percent=metric.relevance_percent(run.configuration.report.relevance_percent),
                )
            )
    return found


def cell_values(
    metric: Metric, target: str, profile: str | None, measured: tuple[Measured, ...], results: Sequence[TrialResult]
) -> Mapping[str, float] | Missing:
    """Pair -> value over a cell's valid trials, or why the cell can't be ranked.

    A value missing in one valid trial is missing for the cell: else a percentile would be judged on just those trials that
    were fast enough to have one.
    """
    valid = [m for m in measured if m.valid and m.trial.target == target and profile in (None, m.trial.profile)]
    if not valid:
        tried = [r for r in results if r.trial.target == target and profile in (None, r.trial.profile)]
        verdicts = sorted({result.verdict.replace("_", " ") for result in tried})
        return Missing(f"no valid trial ({', '.join(verdicts)})" if verdicts else "no valid trial")
    values: dict[str, float] = {}
    for trial in valid:
        value = trial.values[metric.id]
        if isinstance(value, Missing):
            return value
        values[trial.pair] = value
    return values


def _representative(trials: tuple[Measured, ...]) -> Measured | None:
    """The trial of median throughput (the lower one of two), among the valid ones where there are any."""
    pool = [m for m in trials if m.valid] or list(trials)
    ranked = sorted(pool, key=lambda m: (requests(m.measurement) / m.measurement.window_seconds, m.trial.id))
    return ranked[(len(ranked) - 1) // 2] if ranked else None


def _parts(target: str, profile: str, trials: tuple[Measured, ...]) -> Parts | None:
    rows = []
    for trial in (m for m in trials if m.valid):
        response = mean_response_microseconds(trial.measurement)
        cpu = cpu_per_request_microseconds("service", trial.measurement)
        if isinstance(response, Missing) or isinstance(cpu, Missing):
            continue
        rows.append((response, database_microseconds(trial.measurement), cpu))
    if not rows:
        return None
    response, database, cpu = (median(column) for column in zip(*rows, strict=True))
    # A runtime that works on several cores for one request can use more CPU time than wall time passes.
    return Parts(target, profile, response, database, cpu, max(response - database - cpu, 0.0), len(rows))


def database_microseconds(measurement: Measurement) -> float:
    """PostgreSQL's own execution time per request, over the whole trial, microseconds.

    pg_stat_statements counts from the database's start, so the divisor is every request of warm-up and window. The golden
    cases and the answers that were still open at the end are left out of it: some dozens among thousands.
    """
    count = sum(window.requests for window in measurement.windows) or requests(measurement)
    return sum(statement.milliseconds for statement in measurement.statements) * 1e3 / count
