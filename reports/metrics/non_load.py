"""The metrics of trials that are no load: starts and builds. Pure."""

from __future__ import annotations

from functools import partial
from statistics import median

from harness.record.measurement import Missing
from harness.record.trial_result import BuildMeasurement, FloorMeasurement, StartupMeasurement
from reports.metrics.metric import NOT_APPLICABLE, Metric, MetricValue
from reports.metrics.steady_state import JUDGED_SECONDS, RESOLUTION_SECONDS, STEADY_SHARE, climbing, time_to_steady


def starts_of(trial: StartupMeasurement, field: str, *, cold: bool) -> list[float]:
    """A field of all starts with a warm, or with a cold page cache."""
    return [getattr(start, field) for start in trial.starts if start.cold is cold]


def _started(field: str, cold: bool, trial: StartupMeasurement) -> MetricValue:
    if cold and isinstance(trial.cold, Missing):
        return trial.cold
    values = starts_of(trial, field, cold=cold)
    return median(values) if values and min(values) > 0 else Missing("the clocks of engine and watcher disagree")


def _steady_after(trial: StartupMeasurement) -> MetricValue:
    # A service that still gets faster at the end has no such time. The trial's start times count all the same.
    return NOT_APPLICABLE if climbing(trial.windows) else time_to_steady(trial.windows)


def _clean_build(trial: BuildMeasurement) -> MetricValue:
    return trial.clean.seconds if trial.clean else NOT_APPLICABLE


def _rebuild(trial: BuildMeasurement) -> MetricValue:
    return trial.edit_to_running_seconds


def _floor(trial: FloorMeasurement) -> MetricValue:
    found = trial.floor_mib
    return found if isinstance(found, Missing) else found * 2.0**20


def _dependencies(trial: BuildMeasurement) -> MetricValue:
    found = trial.dependencies
    # None at all would be 0, and a ratio to it nothing.
    return found if isinstance(found, Missing) else found.total or Missing("it has none")


NON_LOAD: tuple[Metric, ...] = (
    Metric(
        "start-warm", "warm start", "Start, warm page cache", "seconds", "lower",
        "From the engine's start of the container to the first 200 on /health, the image's files in memory and the database "
        "up. Median over a trial's starts.",
        partial(_started, "health_seconds", False), scope="profile", kind="startup",
    ),
    Metric(
        "start-cold", "cold start", "Start, cold page cache", "seconds", "lower",
        "The same after the image's files were taken out of the page cache: a first start on a machine. What other "
        "containers of the trial map stays; the table says how much.",
        partial(_started, "health_seconds", True), scope="profile", kind="startup",
    ),
    Metric(
        "first-answer", "first database answer", "First database answer", "seconds", "lower",
        "From the start of the container to the first row out of PostgreSQL (GET /products/1), warm page cache.",
        partial(_started, "answer_seconds", False), scope="profile", kind="startup",
    ),
    Metric(
        "time-to-steady", "time to steady speed", "Time to steady speed", "seconds", "lower",
        f"From the first request under full load to the end of the first second that reaches {STEADY_SHARE * 100:g} % of "
        "the speed that is held at the end. One second is the least that can be told, and a quarter of one the finest. "
        "A course that still gets faster at its end has none.",
        _steady_after, scope="profile", kind="startup",
        # Of the least that can be told, a step of the resolution.
        least_relevance_percent=RESOLUTION_SECONDS / JUDGED_SECONDS * 100,
    ),
    Metric(
        "memory-floor", "memory floor", "Memory floor", "bytes", "lower",
        "The smallest memory limit of its container under which the service met the objective at a modest rate, three times "
        "out of three or by a majority, where the limit a step below did not. A search's own step is its interval.",
        _floor, scope="profile", exact=True, kind="memory-floor",
        # A step of the search between 64 and 128 MiB is up to 6 %. Smaller floors have larger steps, of little memory.
        least_relevance_percent=10.0,
    ),
    Metric(
        "rebuild", "edit to running", "Edit to running", "seconds", "lower",
        "From the end of an edit of one line, through the image's rebuild and the container's start, to the first answer "
        "that shows the edit.",
        _rebuild, scope="profile", kind="build",
    ),
    Metric(
        "clean-build", "clean build", "Clean build", "seconds", "lower",
        "The service's image with nothing but its base images at hand: dependencies are downloaded again, so the network is "
        "in it. The table has the part without. Once a run: a value without an interval ranks nobody.",
        _clean_build, scope="profile", kind="build",
    ),
    Metric(
        "dependencies", "dependencies", "Dependencies", "packages", "lower",
        "Packages that the lock file pins for run time, direct and transitive, for whatever platform.",
        _dependencies, scope="profile", exact=True, kind="build",
    ),
)  # fmt: skip
