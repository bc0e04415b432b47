"""Synthetic records for tests. Nothing in here was measured."""

from __future__ import annotations

from harness.config import PRESETS, Config
from harness.contract import StatementCount
from harness.host import Host
from harness.model import Level, Profile, Target, Trial
from harness.placement import Cpu, place
from harness.plan import make_plan
from harness.record import (
    METHOD,
    SCHEMA,
    EngineRecord,
    ImageRecord,
    Measurement,
    Missing,
    RouteNumbers,
    Run,
    TrialResult,
    Usage,
)

ROUTE = "GET /products/{id}"


def run() -> Run:
    profile = Profile("db", "Database-bound", "?", (ROUTE,), Level("saturate", "closed", 32))
    plan = make_plan(
        seed=1,
        preset="quick",
        timing=PRESETS["quick"],
        targets=("go", "rust"),
        profiles=(profile,),
        placement=place((Cpu(0, 0, 0), Cpu(1, 0, 1))),
    )
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
    )


def usage(busiest: float = 0.5) -> Usage:
    return Usage(1.0, 2.0, 100.0, 50.0, Missing("synthetic"), busiest)


def measurement(
    *,
    failures: int = 0,
    busy_seconds: float = 320.0,
    steady: bool = True,
    statements: tuple[StatementCount, ...] = (StatementCount("product", 1000, 1000, 10.0),),
    generator_busiest: float = 0.5,
    connections_opened: int = 32,
) -> Measurement:
    return Measurement(
        meta={"target": "go"},
        generator_versions={},
        golden_cases=1,
        start_seconds=0.1,
        stop_seconds=0.1,
        exit_status=0,
        connections=32,
        busy_seconds=busy_seconds,
        warmup_seconds=8.0,
        steady=steady,
        steady_reason="synthetic",
        window_seconds=10.0,
        window_start_ns=0,
        window_end_ns=10_000_000_000,
        routes={ROUTE: RouteNumbers(1000, failures, 320_000.0)},
        windows=(),
        usage={"service": usage(), "database": usage(), "generator": usage(generator_busiest)},
        answered={ROUTE: 1000},
        statements=statements,
        failure_samples=("GET /products/{id}: status 500",) if failures else (),
        connections_opened=connections_opened,
        harness_cpu_seconds=0.01,
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
