"""Synthetic records: made up from a seed, for tests alone. No number in here was ever measured."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path

import msgspec
from made_series import histogram_counts, made_samples
from non_load_records import made_build, made_startup
from scale_records import made_floor, made_scale

from harness.evaluation.validity import worst
from harness.plan.levels import parse_levels
from harness.plan.schedule import make_plan
from harness.record.config import Config
from harness.record.histograms import LevelHistograms
from harness.record.measurement import (
    Bottleneck,
    Capacity,
    CapacityProbe,
    HostUse,
    LevelMeasurement,
    Measurement,
    Missing,
    RouteNumbers,
    RouteTime,
    StatementCount,
    Usage,
    Verdict,
)
from harness.record.method import METHOD
from harness.record.plan import Level, Placement, Profile, Target, Timing, Trial
from harness.record.reader import Record, read_record
from harness.record.run import SCHEMA, Calibration, DelayCheck, EngineRecord, Host, ImageRecord, Run
from harness.record.trial_result import NonLoadMeasurement, TrialResult
from harness.record.writer import RecordWriter
from loadtests.protocol.histogram import encode
from loadtests.protocol.messages import RouteResult, Window

CONNECTIONS = 32


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
SLOW_ROUTE = "GET /products/{id}/slow"
ASKING = (
    profile("service", "Everyday service", "Does the language matter at all?", DB_ROUTES, "saturate", "500/s"),
    profile("downstream", "Slow database", "What would a faster language buy?", (SLOW_ROUTE,), "saturate", "400/s"),
    profile("waiters", "Waiters", "What does one more waiting request cost?", ("GET /wait",),
            "250/held", "1000/held", "4000/held", "10000/held"),
)  # fmt: skip
#: What every target does at most under `downstream`: 16 connections, 20.1 ms each, and a little lost between two statements.
DOWNSTREAM_RATE = 780.0
#: A waiter takes this part of a target's memory, and the idle base the rest of it.
WAITER_SHARE = 0.001
#: target -> (language, requests/s that it can do under cpu, under db, working set MiB, image MB, start seconds)
SYNTHETIC: Mapping[str, tuple[str, float, float, float, float, float]] = {
    "rust": ("Rust", 5200, 3100, 9, 12, 0.03),
    "go": ("Go", 4300, 3050, 21, 16, 0.04),
    "java": ("Java", 4900, 2900, 240, 190, 1.1),
    "kotlin": ("Kotlin", 4000, 2500, 260, 205, 1.6),
    "python": ("Python", 90, 1200, 71, 96, 0.7),
}
SOURCE_LINES = {"rust": 1100, "go": 690, "java": 940, "kotlin": 780, "python": 950}
WINDOW = 6.0
#: Longer, so that a hundred of the most frequent route of 1,000 requests/s lie beyond its 99th percentile.
OPEN_WINDOW = 14.0
WARMUP = 4.0
SETTLE = 1.0
#: Microseconds of PostgreSQL's own time in a request, by route.
DATABASE_MICROSECONDS = {"GET /products/{id}": 100.0, "POST /orders": 260.0, SLOW_ROUTE: 20_100.0}
LOAD_OF_ROUTES = (0.75, 0.25)
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


def made_level(
    rng: random.Random,
    level: Level,
    trial: Trial,
    *,
    rate: float,
    memory: float,
    spread: float,
    start_ns: int,
    verdict: Verdict,
) -> tuple[LevelMeasurement, LevelHistograms]:
    """A made-up level: `rate` is what the target can do, requests/s; `spread` a factor of noise on CPU and memory."""
    offered = {"open": level.rate, "relative": level.share * rate}.get(level.kind, 0.0)
    seconds = OPEN_WINDOW if offered else WINDOW
    if level.name == "500/s":
        seconds = 2 * OPEN_WINDOW
    achieved = offered or rate
    # Open: an M/M/1 queue's mean; closed: Little's law.
    mean = 1e6 / rate / (1 - min(offered / rate, 0.95)) if offered else CONNECTIONS / rate * 1e6
    # PostgreSQL's time is a part of the response.
    mean = max(mean, *(1.02 * DATABASE_MICROSECONDS.get(route, 0.0) for route in level.routes), 1.0)
    if level.kind == "held":
        mean, achieved = level.hold_milliseconds * 1e3 + 800.0, level.connections * 1e3 / level.hold_milliseconds
        memory *= 1 + WAITER_SHARE * level.connections
    shares = (1.0,) if len(level.routes) == 1 else LOAD_OF_ROUTES
    results, numbers = [], {}
    for route, share in zip(level.routes, shares, strict=True):
        requests = int(achieved * seconds * share)
        # The file holds whole histograms, so the number of samples is what the trial claims.
        counts, total = histogram_counts(rng, requests, mean, sigma=0.0002 if level.kind == "held" else 0.3)
        # What the report must not take for the response: the time without the wait, and the generator's lag.
        others = encode(histogram_counts(rng, 100, 10)[0]) if offered else ""
        results.append(RouteResult(route, requests, requests, 0, 0, 0, 0, total, encode(counts), others, others))
        numbers[route] = RouteNumbers(requests, 0, total / requests, requests)
    answered = sum(route.requests for route in numbers.values())
    bound = trial.profile in ("db", "service", "downstream", "scale-out")
    counted = answered + int(3.25 * achieved)
    times = {r: RouteTime(n.mean_microseconds, DATABASE_MICROSECONDS.get(r, 0.0)) for r, n in numbers.items()}
    limit: Bottleneck = "none" if offered or level.kind == "held" else "database" if bound else "service-cpu"
    if trial.profile == "downstream" and not offered:
        limit = "pool"
    # Of a fifth of a millisecond of work a request, where the pool is the limit.
    rate = 5000.0 if trial.profile in ("downstream", "waiters") else rate
    cpu_seconds = {"service": 0.97 / rate, "database": (0.6 if bound else 0.05) / rate, "generator": 0.35 / rate}
    measured = LevelMeasurement(
        level=level.name,
        kind="open" if offered else "closed",
        verdict=verdict,
        problems=() if verdict == "valid" else (f"a synthetic problem at {level.name}",),
        bottleneck=limit,
        bottleneck_reason=f"synthetic figures of {limit}",
        connections=level.connections,
        rate=offered,
        lag_p99_microseconds=50.0 if offered else 0.0,
        busy_seconds=level.connections * seconds,
        warmup_seconds=SETTLE,
        steady=True,
        steady_reason="",
        window_seconds=seconds,
        window_start_ns=start_ns,
        window_end_ns=start_ns + int(seconds * 1e9),
        routes=numbers,
        times=times,
        # A target that starts at half of its speed and is there after two seconds.
        windows=tuple(
            Window("warmup", start_ns - (4 - i) * 10**9, start_ns - (3 - i) * 10**9, int(achieved * share), 0)
            for i, share in enumerate((0.5, 0.75, 1.0, 1.0))
        )
        + tuple(
            Window("measure", start_ns + i * 10**9, start_ns + (i + 1) * 10**9, int(achieved), 0)
            for i in range(int(seconds))
        ),
        usage={
            role: Usage(
                each * answered * spread,
                each * answered + 10,
                memory * 2**20 * spread,
                memory * 0.8 * 2**20 * spread,
                Missing("this kernel has no peak counter (memory.peak came with Linux 5.19)"),
                each * achieved,
            )
            for role, each in cpu_seconds.items()
        },
        host=HostUse(0.0, 0.0),
        # Of the whole level, as the database counts: the warm-up's 3.25 s of full speed are in it.
        statements=(StatementCount("product", counted, counted, counted * 0.14),) if bound else (),
    )
    return measured, LevelHistograms(level.name, start_ns / 1e9, seconds, tuple(results))


def made_capacity(trial: Trial, rate: float) -> Capacity:
    """Four fifths of what the target can do; of rust, what the generator is believed to hold."""
    low = round(0.8 * rate, 1)
    high = None if trial.target == "rust" else round(low * 1.04, 1)
    probes = (
        CapacityProbe(low, True, 0.995, 5.0, "none", ""),
        CapacityProbe(low * 1.04, high is None, 0.9, 5.0, "service-cpu", ""),
    )
    return Capacity(low, high, "service-cpu" if high else "generator", "synthetic figures of the edge", probes)


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
