"""Synthetic records for tests. Nothing in here was measured."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.evaluation.inputs import DatabaseReading
from harness.evaluation.sessions import Sessions
from harness.evaluation.statements import Statistics
from harness.plan.config_file import PRESETS
from harness.plan.placement import place
from harness.plan.schedule import make_plan
from harness.record.config import Config
from harness.record.cpus import Cpu
from harness.record.measurement import HostUse, LevelMeasurement, Measurement, Missing, RouteNumbers, StatementCount, Usage
from harness.record.method import METHOD
from harness.record.plan import Level, Profile, Target, Trial
from harness.record.run import SCHEMA, Calibration, DelayCheck, EngineRecord, Host, ImageRecord, Run
from harness.record.trial_result import TrialResult

ROUTE = "GET /products/{id}"


def run(*, alone: bool = True) -> Run:
    """A run of two targets. `alone`: each trial is measured by itself, not in a group."""
    profile = Profile("db", "Database-bound", "?", (ROUTE,), 32, (Level("saturate", "closed", 32, (ROUTE,)),))
    plan = make_plan(
        seed=1,
        preset="quick",
        timing=msgspec.structs.replace(PRESETS["quick"], blocks=3),
        targets=("go", "rust"),
        profiles=(profile,),
        placement=place((Cpu(0, 0, 0), Cpu(1, 0, 1))),
    )
    if alone:
        plan = msgspec.structs.replace(plan, trials=tuple(msgspec.structs.replace(t, group=0) for t in plan.trials))
    target = Target("go", "Go", "standard", "net/http", "pgx", ("*.go",), "go.sum", (), ())
    host = Host("synthetic", "Linux x86_64", "6.1", "synthetic CPU", 2, 2, 1 << 34, None, None, 2, "boot")
    return Run(
        schema=SCHEMA,
        method=METHOD,
        id="20260101T000000Z",
        started="2026-01-01T00:00:00+00:00",
        fitmap_version="0",
        revision=None,
        command=("fitmap", "bench"),
        configuration_text="",
        configuration=Config(),
        plan=plan,
        targets={"go": target},
        host=host,
        engine=EngineRecord("Docker Engine", "1", "1.41", "overlay2"),
        image_set="local",
        images={"go": ImageRecord("sha256:1", 10)},
        database_version="postgres",
        database_settings={},
        seed_checksum="0",
        calibration=CALIBRATION,
    )


def reading(
    answered: Mapping[str, int],
    *statements: Mapping[str, object],
    sessions: Sessions = Sessions(0, 0.0, 0.0, 0.0),  # noqa: B008 (immutable)
    evicted: int = 0,
) -> DatabaseReading:
    """A reading of the database's statistics."""
    return DatabaseReading(answered, Statistics(statements, evicted, sessions))


CALIBRATION = Calibration(
    made="2026-01-01T00:00:00+00:00",
    load_image="sha256:0",
    placement="synthetic",
    workers=1,
    closed_ceiling=50_000.0,
    open_ceiling=20_000.0,
    open_lag_p99_microseconds=100.0,
    path_p50_microseconds=70.0,
    delays=(DelayCheck(1.0, 1.0, 1.05, 1.02, 1.1, 0.06),),
    stall_milliseconds=500.0,
    stall_p95=251.0,
    stall_p95_theory=250.0,
    problems=(),
)


QUIET = HostUse(0.0, 0.0)


def usage(busiest: float = 0.5, throttled: int | None = 0, stopped: float = 0.0) -> Usage:
    return Usage(1.0, 2.0, 100.0, 50.0, Missing("synthetic"), busiest, throttled, stopped)


def closed(
    *,
    requests: int = 1000,
    failures: int = 0,
    busy_seconds: float = 320.0,
    steady: bool = True,
    statements: tuple[StatementCount, ...] = (StatementCount("product", 1000, 1000, 10.0),),
    generator_busiest: float = 0.5,
    host: HostUse | Missing = QUIET,
    throttled: int | None = 0,
    stopped: float = 0.0,
) -> LevelMeasurement:
    """A closed level of ten seconds in which 32 connections were always busy."""
    return LevelMeasurement(
        level="saturate",
        kind="closed",
        verdict="valid",
        problems=(),
        bottleneck="none",
        bottleneck_reason="synthetic",
        connections=32,
        rate=0.0,
        lag_p99_microseconds=0.0,
        busy_seconds=busy_seconds,
        warmup_seconds=8.0,
        steady=steady,
        steady_reason="synthetic",
        window_seconds=10.0,
        window_start_ns=0,
        window_end_ns=10_000_000_000,
        routes={ROUTE: RouteNumbers(requests, failures, 320_000.0, requests + failures)},
        times={},
        windows=(),
        usage={
            "service": usage(throttled=throttled, stopped=stopped),
            "database": usage(),
            "generator": usage(generator_busiest),
        },
        host=host,
        statements=statements,
    )


def opened(*, rate: float = 100.0, lag: float = 50.0, generator_busiest: float = 0.5, **ends: int) -> LevelMeasurement:
    """An open level of ten seconds; `ends`: what became of arrivals (timed_out, dropped, open; the rest was answered)."""
    scheduled = ends.pop("scheduled", 1000)
    requests = ends.pop("requests", scheduled - sum(ends.values()))
    return msgspec.structs.replace(
        closed(generator_busiest=generator_busiest),
        level=f"{rate:g}/s",
        kind="open",
        rate=rate,
        lag_p99_microseconds=lag,
        routes={ROUTE: RouteNumbers(requests, 0, 320_000.0, scheduled, **ends)},
    )


def measurement(*levels: LevelMeasurement, start_seconds: float = 0.1) -> Measurement:
    return Measurement(
        meta={"target": "go"},
        generator_versions={},
        workers=1,
        golden_cases=1,
        start_seconds=start_seconds,
        stop_seconds=0.1,
        exit_status=0,
        levels=levels or (closed(),),
        capacity=Missing("not searched for"),
        answered={ROUTE: 1000},
        failure_samples=(),
        connections_opened=32,
        harness_cpu_seconds=0.01,
        loaded_seconds=18.0,
    )


def result(trial: Trial, measured: Measurement | Missing) -> TrialResult:
    failed = isinstance(measured, Missing)
    return TrialResult(
        trial=trial,
        started="2026-01-01T00:00:00+00:00",
        wall_seconds=25.0,
        verdict="failed" if failed else "valid",
        problems=(measured.reason,) if isinstance(measured, Missing) else (),
        stage="service" if failed else None,
        logs={},
        measurement=measured,
    )
