"""Synthetic records of pairs: base, its twin and the head in blocks, the head changed. Nothing in here was measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from report_records import CPU_ROUTES, DB_ROUTES, profile, run_of, write_trial

from harness.plan.schedule import make_pairs
from harness.record.measurement import LevelMeasurement, Measurement, Speed, StatementCount
from harness.record.plan import Trial
from harness.record.reader import read_record
from harness.record.trial_result import TrialResult
from harness.record.writer import RecordWriter
from reports.analysis.analysis import Analysis, analyse

PROFILES = (
    profile("cpu", "CPU-bound", "?", CPU_ROUTES, "routes"),
    profile("db", "Database-bound", "?", DB_ROUTES, "routes"),
)

COLLATZ = "go|cpu@GET /cpu/collatz|cpu"
PRODUCT = "go|db@GET /products/{id}|statements"

#: What is done to a measured level of a trial.
Change = Callable[[Trial, LevelMeasurement], LevelMeasurement]


def unchanged(_: Trial, level: LevelMeasurement) -> LevelMeasurement:
    return level


def slower(route: str, by: float, version: str = "go") -> Change:
    """A side's CPU time for a route, multiplied."""

    def change(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
        if trial.target != version or level.level != route:
            return level
        service = level.usage["service"]
        dearer = msgspec.structs.replace(service, cpu_seconds=service.cpu_seconds * by)
        return msgspec.structs.replace(level, usage={**level.usage, "service": dearer})

    return change


def one_more_statement(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
    """The head executes a statement of its own with each request of a route, and its trials fail by it."""
    if trial.target != "go" or level.level != "GET /products/{id}":
        return level
    (product,) = level.statements
    return msgspec.structs.replace(
        level,
        statements=(product, StatementCount("SELECT ?", 0, product.executed, 1.0)),
        verdict="failed",
        problems=(f"the database executed a statement outside the contract {product.executed:,} times: SELECT ?",),
    )


def no_answer(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
    if trial.target != "go" or level.level != "POST /orders":
        return level
    return msgspec.structs.replace(level, verdict="failed", problems=("7 requests failed",))


def changed(result: TrialResult, change: Change) -> TrialResult:
    measured = result.measurement
    assert isinstance(measured, Measurement)
    levels = tuple(change(result.trial, level) for level in measured.levels)
    verdict = next((level.verdict for level in levels if level.verdict != "valid"), "valid")
    return msgspec.structs.replace(result, verdict=verdict, measurement=msgspec.structs.replace(measured, levels=levels))


def pairs_record(folder: Path, change: Change, pairs: int = 8, noise: float = 0.02) -> Analysis:
    """Base, its twin and the head in blocks, the head changed."""
    run = run_of(("go", "go-base"), pairs, {}, PROFILES)
    cells = [("go", "cpu"), ("go", "db")]
    plan = make_pairs(
        seed=1,
        preset="gate",
        timing=run.plan.timing,
        cells=cells,
        profiles=PROFILES,
        placement=run.plan.placement,
        twins=True,
    )
    images = {**run.images, "go-base": run.images["go"], "go-base-twin": run.images["go"]}
    targets = {name: msgspec.structs.replace(run.targets["go"], name=name) for name in plan.targets}
    run = msgspec.structs.replace(run, plan=plan, images=images, targets=targets, source_lines={"go": 690})
    writer = RecordWriter(folder)
    writer.begin(run)
    for trial in plan.trials:
        made = write_trial(writer, run, msgspec.structs.replace(trial, target="go"), noise)
        writer.append(changed(msgspec.structs.replace(made, trial=trial), change))
    return analyse(read_record(folder))


def with_speed(factor: Callable[[Trial], float]) -> Change:
    """The machine is slower in some trials, and the service's CPU time with it."""

    def change(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
        slow = factor(trial)
        service = level.usage["service"]
        speed = Speed(100 * slow, 90.0, 500)
        return msgspec.structs.replace(
            level,
            usage={**level.usage, "service": msgspec.structs.replace(service, cpu_seconds=service.cpu_seconds * slow)},
            speed=dict.fromkeys(("service", "database", "generator"), speed),
        )

    return change
