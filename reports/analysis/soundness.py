"""Takes out of a record what can't have been measured: a window of 0 s, an answer in no time. Such a trial is not valid.

Prevents: one such number that takes the whole report, or a ratio that is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from harness.record.measurement import LevelMeasurement, Measurement, Missing
from harness.record.reader import Record
from harness.record.trial_result import (
    BuildMeasurement,
    FloorMeasurement,
    Outcome,
    ScaleMeasurement,
    StartupMeasurement,
    TrialResult,
)
from reports.metrics.level_stats import requests
from reports.metrics.steady_state import steady_rate


def sound(record: Record) -> Record:
    """The record, in which trials and levels that can't have been measured are not valid, and say why."""
    results = tuple(_sound(result) for result in record.results)
    return record if results == record.results else replace(record, results=results)


def _sound(result: TrialResult) -> TrialResult:
    whole = result.measurement
    if isinstance(whole, Measurement):
        levels = tuple(_level(level) for level in whole.levels)
        found = [f"{now.level}: {now.problems[-1]}" for now, was in zip(levels, whole.levels, strict=True) if now is not was]
        if not found:
            return result
        problems = (*result.problems, *found)
        return replace(result, verdict="failed", problems=problems, measurement=replace(whole, levels=levels))
    if isinstance(whole, ScaleMeasurement):
        whole = _scale(whole)
    reason = next(_whole_problems(whole), "")
    if not reason:
        return result if whole is result.measurement else replace(result, measurement=whole)
    return replace(result, verdict="failed", problems=(*result.problems, reason), measurement=Missing(reason))


def _level(level: LevelMeasurement) -> LevelMeasurement:
    """The level itself, or a failed one."""
    reason = next(_level_problems(level), "") if level.verdict == "valid" else ""
    return replace(level, verdict="failed", problems=(*level.problems, reason)) if reason else level


def _level_problems(level: LevelMeasurement) -> Iterator[str]:
    if level.window_seconds <= 0:
        yield "its window has no length"
    if requests(level) <= 0:
        yield "no request was answered"
    for name, route in level.routes.items():
        if route.requests < 0 or (route.requests and route.mean_microseconds <= 0):
            yield f"{name} was answered {route.requests:,} times in {route.mean_microseconds:g} µs on average"


def _scale(whole: ScaleMeasurement) -> ScaleMeasurement:
    points = tuple(
        replace(point, measured=replace(point.measured, levels=tuple(_level(level) for level in point.measured.levels)))
        if isinstance(point.measured, Measurement)
        else point
        for point in whole.points
    )
    return whole if points == whole.points else replace(whole, points=points)


def _whole_problems(whole: Outcome) -> Iterator[str]:
    """Why a trial that is no load can't have been measured."""
    if isinstance(whole, StartupMeasurement) and steady_rate(whole.windows) <= 0:
        yield "no request was answered at the end of its course"
    if isinstance(whole, BuildMeasurement) and whole.edit_to_running_seconds <= 0:
        yield "the edited service answered before it was built"
    if isinstance(whole, ScaleMeasurement) and (not whole.points or min(point.count for point in whole.points) < 1):
        yield "a point has no core and no replica"
    if isinstance(whole, FloorMeasurement):
        floor = whole.floor_mib
        if whole.rate <= 0:
            yield "its rate is 0"
        if not isinstance(floor, Missing) and not any(p.passed and p.memory_mib == floor > 0 for p in whole.probes):
            yield f"no probe passed with {floor} MiB"
