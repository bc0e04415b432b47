"""The metrics of non-load trials: start-ups, builds and the memory floor."""

from __future__ import annotations

from functools import partial
from statistics import median

from harness.record.measurement import Missing
from harness.record.trial_result import BuildMeasurement, FloorMeasurement, StartupMeasurement
from reports.metrics.metric import NOT_APPLICABLE, Metric, MetricValue
from reports.metrics.steady_state import JUDGED_SECONDS, RESOLUTION_SECONDS, STEADY_SHARE, climbing, time_to_steady


def starts_of(trial: StartupMeasurement, field: str, *, cold: bool) -> list[float]:
    """The values of one field over all starts with a warm or a cold page cache."""
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


def _edit(trial: BuildMeasurement) -> MetricValue:
    return NOT_APPLICABLE if trial.development_seconds is None else trial.development_seconds


def _floor(trial: FloorMeasurement) -> MetricValue:
    found = trial.floor_mib
    return found if isinstance(found, Missing) else found * 2.0**20


def _dependencies(trial: BuildMeasurement) -> MetricValue:
    found = trial.dependencies
    # No package at all would be 0, and a ratio to 0 has no meaning.
    return found if isinstance(found, Missing) else found.total or Missing("it has none")


NON_LOAD: tuple[Metric, ...] = (
    Metric(
        "start-warm", "warm start", "Start, warm page cache", "seconds", "lower",
        "From the engine's start of the container to the first 200 on /health, with the image's files in memory and the "
        "database up. Median over a trial's starts.",
        partial(_started, "health_seconds", False), scope="profile", kind="startup",
    ),
    Metric(
        "start-cold", "cold start", "Start, cold page cache", "seconds", "lower",
        "The same after the image's files were removed from the page cache, as at the first start on a machine. Files that "
        "other containers of the trial use stay in memory; the table says how much.",
        partial(_started, "health_seconds", True), scope="profile", kind="startup",
    ),
    Metric(
        "first-answer", "first database answer", "First database answer", "seconds", "lower",
        "From the start of the container to the first row from PostgreSQL (GET /products/1), with a warm page cache.",
        partial(_started, "answer_seconds", False), scope="profile", kind="startup",
    ),
    Metric(
        "time-to-steady", "time to steady speed", "Time to steady speed", "seconds", "lower",
        f"From the first request under full load to the end of the first second that reaches {STEADY_SHARE * 100:g} % of "
        "the final speed. The shortest time that can be told is one second, the resolution a quarter of a second. A trial "
        "in which the service still gets faster at the end has no value.",
        _steady_after, scope="profile", kind="startup",
        # One step of the resolution, as a share of the shortest time that can be told.
        least_relevance_percent=RESOLUTION_SECONDS / JUDGED_SECONDS * 100,
    ),
    Metric(
        "memory-floor", "memory floor", "Memory floor", "bytes", "lower",
        "The smallest memory limit of the container under which the service met the objective at a modest rate, three times "
        "out of three or by a majority, while one step below it did not. The search's step is the interval.",
        _floor, scope="profile", exact=True, kind="memory-floor",
        # Between 64 and 128 MiB a step of the search is up to 6 %. For smaller floors steps are larger, but little memory.
        least_relevance_percent=10.0,
    ),
    Metric(
        "edit", "edit to running in development", "Edit to running in development", "seconds", "lower",
        "From the end of an edit of one line, through the loop that the target's developers use, to the first answer that "
        "shows the edit. Tools and dependencies are there, and caches are warm.",
        _edit, scope="profile", kind="build",
    ),
    Metric(
        "rebuild", "edit to release image", "Edit to release image", "seconds", "lower",
        "From the end of an edit of one line, through the image's rebuild and the container's start, to the first answer "
        "that shows the edit.",
        _rebuild, scope="profile", kind="build",
    ),
    Metric(
        "clean-build", "clean build", "Clean build", "seconds", "lower",
        "Time to build the service's image from its base images alone. Dependencies are downloaded again, so network time "
        "is included; the table has the time without it. Built once per run, so there is no interval and nobody is ranked.",
        _clean_build, scope="profile", kind="build",
    ),
    Metric(
        "dependencies", "dependencies", "Dependencies", "packages", "lower",
        "Packages that the lock file pins for run time, direct and transitive, for all platforms.",
        _dependencies, scope="profile", exact=True, kind="build",
    ),
)  # fmt: skip
