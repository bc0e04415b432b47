"""Synthetic records: made up from a seed, for tests alone. No number in here was ever measured."""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
from made_levels import CONNECTIONS, SETTLE, SLOW_ROUTE, WINDOW, made_capacity, made_level
from made_series import made_samples
from non_load_records import made_build, made_startup
from scale_records import made_floor, made_scale

from harness.evaluation.validity import worst
from harness.plan.levels import parse_levels
from harness.plan.schedule import make_plan
from harness.record.config import Config
from harness.record.measurement import (
    LevelMeasurement,
    Measurement,
    Missing,
    Verdict,
)
from harness.record.method import METHOD
from harness.record.plan import Placement, Profile, Target, Timing, Trial
from harness.record.reader import Record, read_record
from harness.record.run import SCHEMA, Calibration, DelayCheck, EngineRecord, Host, ImageRecord, Run
from harness.record.trial_result import NonLoadMeasurement, TrialResult
from harness.record.writer import RecordWriter


def profile(name: str, title: str, question: str, routes: tuple[str, ...], *levels: str) -> Profile:
    return Profile(name, title, question, routes, CONNECTIONS, parse_levels(levels, CONNECTIONS, routes, "synthetic"))


CPU_ROUTES = ("GET /cpu/collatz", "POST /cpu/summarize")
DB_ROUTES = ("GET /products/{id}", "POST /orders")
PROFILES = (
    profile("cpu", "CPU-bound", "What does a request of pure work cost?", CPU_ROUTES, "saturate", "50/s"),
    profile("db", "Database-bound", "What does a request that lives in PostgreSQL cost?", DB_ROUTES, "saturate", "1000/s"),
)
#: Every kind of level at once.
DETAILED = (
    PROFILES[0],
    profile("db", "Database-bound", "What does a request that lives in PostgreSQL cost?", DB_ROUTES,
            "saturate", "1000/s", "25%", "75%", "routes", "capacity"),
)  # fmt: skip
#: The profiles that answer a question of their own.
ASKING = (
    profile("service", "Everyday service", "Does the language matter at all?", DB_ROUTES, "saturate", "500/s"),
    profile("downstream", "Slow database", "What would a faster language buy?", (SLOW_ROUTE,), "saturate", "400/s"),
    profile("waiters", "Waiters", "What does one more waiting request cost?", ("GET /wait",),
            "250/held", "1000/held", "4000/held", "10000/held"),
)  # fmt: skip
#: What every target does at most under `downstream`: 16 connections, 20.1 ms each, and a little lost between two statements.
DOWNSTREAM_RATE = 780.0
#: target -> (language, requests/s that it can do under cpu, under db, working set MiB, image MB, start seconds)
SYNTHETIC: Mapping[str, tuple[str, float, float, float, float, float]] = {
    "rust": ("Rust", 5200, 3100, 9, 12, 0.03),
    "go": ("Go", 4300, 3050, 21, 16, 0.04),
    "java": ("Java", 4900, 2900, 240, 190, 1.1),
    "kotlin": ("Kotlin", 4000, 2500, 260, 205, 1.6),
    "python": ("Python", 90, 1200, 71, 96, 0.7),
}
SOURCE_LINES = {"rust": 1100, "go": 690, "java": 940, "kotlin": 780, "python": 950}
WARMUP = 4.0
CALIBRATION = Calibration(
    made="2020-01-01T00:00:00+00:00",
    load_image="sha256:0",
    placement="service 0, database 1, generator 1",
    workers=1,
    closed_ceiling=50_000.0,
    open_ceiling=20_000.0,
    open_lag_p99_microseconds=110.0,
    path_p50_microseconds=70.0,
    delays=(DelayCheck(1.0, 1.02, 1.06, 1.04, 1.09, 0.11), DelayCheck(10.0, 10.02, 10.06, 10.04, 10.1, 0.11)),
    stall_milliseconds=500.0,
    stall_p95=252.0,
    stall_p95_theory=250.0,
    problems=(),
)


def run_of(targets: tuple[str, ...], blocks: int, classes: Mapping[str, str], profiles: tuple[Profile, ...]) -> Run:
    placement = Placement("0", "1", "1", ("database", "generator"), "two cores: the service has one alone")
    timing = Timing(blocks, WARMUP, WARMUP, WINDOW, SETTLE)
    plan = make_plan(seed=7, preset="quick", timing=timing, targets=targets, profiles=profiles, placement=placement)
    return Run(
        schema=SCHEMA,
        method=METHOD,
        id="synthetic-record",
        started="2020-01-01T00:00:00+00:00",
        fitmap_version="0.0.0",
        revision=None,
        command=("fitmap", "bench"),
        configuration_text="",
        configuration=Config(),
        plan=plan,
        targets={name: target_of(name, classes.get(name, "standard")) for name in targets},
        host=Host("synthetic", "Linux x86_64", "0.0", "Synthetic CPU", 2, 2, 8 << 30, None, None, 2, None),
        engine=EngineRecord("Synthetic Engine", "0", "0", "overlay2"),
        image_set="local",
        images={
            n: ImageRecord(f"sha256:{i:064x}", int(facts(n)[4] * 1e6)) for i, n in enumerate((*targets, "database", "load"))
        },
        database_version="PostgreSQL 0",
        database_settings={"shared_buffers": "128MB", "max_connections": "100"},
        seed_checksum="0" * 64,
        calibration=CALIBRATION,
        source_lines={name: SOURCE_LINES.get(name, 500) for name in targets},
    )


def facts(name: str) -> tuple[str, float, float, float, float, float]:
    return SYNTHETIC.get(name, ("Synthetic", 1000.0, 2000.0, 50.0, 50.0, 0.5))


def target_of(name: str, target_class: str) -> Target:
    raw = {
        "name": name,
        "language": facts(name)[0],
        "target_class": target_class,
        "framework": "a framework",
        "driver": "a driver",
        "sources": ["main"],
        "lock_file": "lock",
        "settings": [{"name": "threads", "value": "1", "why": "the service has one core"}],
        "deviations": [],
    }
    return msgspec.convert(raw, Target)


def write_trial(
    writer: RecordWriter, run: Run, trial: Trial, noise: float, verdicts: Mapping[str, Verdict] | None = None
) -> TrialResult:
    """A made-up trial: its samples, its histograms, its result. `verdicts`: by level, where one is not valid."""
    rng = random.Random(trial.id)
    _, cpu_rate, db_rate, memory, _, start = facts(trial.target)
    planned, kind = next((p.levels, p.kind) for p in run.plan.profiles if p.name == trial.profile)
    if kind != "load":

        def made(rate: float, mebibytes: float) -> LevelMeasurement:
            noisy = rate * math.exp(rng.gauss(0, noise))
            (level,) = planned
            return made_level(rng, level, trial, rate=noisy, memory=mebibytes, spread=1.0, start_ns=0, verdict="valid")[0]

        other: NonLoadMeasurement
        match kind:
            case "startup":
                other = made_startup(trial, start, cpu_rate, noise)
            case "build":
                other = made_build(trial, noise)
            case "memory-floor":
                other = made_floor(trial)
            case _:
                other = made_scale(trial, kind, made, cpu_rate if kind == "scale-up" else db_rate, memory)
        return TrialResult(trial, "2020-01-01T00:00:00+00:00", 12.0, "valid", (), None, {}, other)
    able = {"cpu": cpu_rate, "downstream": DOWNSTREAM_RATE}.get(trial.profile, db_rate)
    rate = able * math.exp(rng.gauss(0, noise))
    begin = 1_000_000_000
    at = begin + int(WARMUP * 1e9)
    levels, histograms = [], []
    for level in planned:
        if level.kind == "capacity":
            continue
        measured, histogram = made_level(
            rng, level, trial, rate=rate, memory=memory, spread=math.exp(rng.gauss(0, noise)), start_ns=at,
            verdict=(verdicts or {}).get(level.name, "valid"),
        )  # fmt: skip
        levels.append(measured)
        histograms.append(histogram)
        at = measured.window_end_ns + int(SETTLE * 1e9)
    writer.histograms(trial.id, 0.0, histograms)
    writer.samples(trial.id, made_samples(rng, trial, memory, begin, at))
    measurement = Measurement(
        meta={"language": facts(trial.target)[0], "runtime": "0.0", "framework": "a framework 0.0"},
        generator_versions={"locust": "0"},
        workers=1,
        golden_cases=9,
        start_seconds=start * math.exp(rng.gauss(0, 0.05)),
        stop_seconds=0.1,
        exit_status=0,
        levels=tuple(levels),
        capacity=made_capacity(trial, rate) if len(levels) < len(planned) else Missing("not searched for"),
        answered={},
        failure_samples=(),
        connections_opened=CONNECTIONS,
        harness_cpu_seconds=0.1,
        loaded_seconds=(at - begin) / 1e9,
        idle_anonymous_bytes=memory * 0.8 * 2**20 if trial.profile == "waiters" else Missing("not sampled"),
    )
    verdict, problems = worst(measurement)
    return TrialResult(trial, "2020-01-01T00:00:00+00:00", 12.0, verdict, problems, None, {}, measurement)


def failed_trial(trial: Trial, reason: str) -> TrialResult:
    """A trial that came to nothing."""
    return TrialResult(
        trial,
        "2020-01-01T00:00:00+00:00",
        1.0,
        "failed",
        (reason,),
        "service",
        {"service": "no such file"},
        Missing(reason),
    )


def make_record(
    folder: Path,
    *,
    targets: tuple[str, ...] = tuple(SYNTHETIC),
    blocks: int = 3,
    noise: float = 0.01,
    classes: Mapping[str, str] | None = None,
    verdicts: Mapping[str, Verdict] | None = None,
    leave_out: int = 0,
    profiles: tuple[Profile, ...] = PROFILES,
) -> Record:
    """A whole synthetic record on disk. `verdicts`: trial id's end, with a level or without (`-go-db`, `-go-db@saturate`) ->
    verdict of those trials at all their levels or at that one ("failed" without a level: no measurement at all);
    `leave_out`: so many trials at the end of the plan never ran."""
    run = run_of(targets, blocks, classes or {}, profiles)
    writer = RecordWriter(folder)
    writer.begin(run)
    results = []
    for trial in run.plan.trials[: len(run.plan.trials) - leave_out]:
        by_level: dict[str, Verdict] = {}
        failed = False
        for key, verdict in (verdicts or {}).items():
            end, _, level = key.partition("@")
            if trial.id.endswith(end):
                failed |= verdict == "failed" and not level
                levels = next(p for p in profiles if p.name == trial.profile).levels
                by_level |= {each.name: verdict for each in levels if level in ("", each.name)}
        if failed:
            results.append(failed_trial(trial, "service: ended at once with status 1"))
        else:
            results.append(write_trial(writer, run, trial, noise, by_level))
    for result in results:
        writer.append(result)
    return read_record(folder)


def renamed(record: Record, folder: Path, run_id: str) -> Path:
    """A copy of a record on disk, as that of another run with the same values."""
    shutil.copytree(record.folder, folder)
    (folder / "run.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(record.run, id=run_id)))
    return folder
