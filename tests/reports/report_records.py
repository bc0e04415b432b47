"""Synthetic records: made up from a seed, for tests alone. No number in here was ever measured."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.cgroup import Counters
from harness.config import Config
from harness.contract import StatementCount
from harness.host import Host
from harness.model import Level, Placement, Profile, Target, Timing, Trial
from harness.plan import make_plan
from harness.record import (
    METHOD,
    SCHEMA,
    EngineRecord,
    ImageRecord,
    Measurement,
    Missing,
    Record,
    RecordWriter,
    RouteNumbers,
    Run,
    Sample,
    TrialResult,
    Usage,
    Verdict,
    read_record,
)
from loadtests.lean.histogram import encode, index_of, new_counts
from loadtests.lean.wire import RouteResult, Window

PROFILES = (
    Profile("cpu", "CPU-bound", "What does a request of pure work cost?",
            ("GET /cpu/collatz", "POST /cpu/summarize"), Level("saturate", "closed", 32)),
    Profile("db", "Database-bound", "What does a request that lives in PostgreSQL cost?",
            ("GET /products/{id}", "POST /orders"), Level("saturate", "closed", 32)),
)  # fmt: skip
#: target -> (language, requests/s under cpu, under db, working set MiB, image MB, start seconds)
SYNTHETIC: Mapping[str, tuple[str, float, float, float, float, float]] = {
    "rust": ("Rust", 5200, 3100, 9, 12, 0.03),
    "go": ("Go", 4300, 3050, 21, 16, 0.04),
    "java": ("Java", 4900, 2900, 240, 190, 1.1),
    "kotlin": ("Kotlin", 4000, 2500, 260, 205, 1.6),
    "python": ("Python", 90, 1200, 71, 96, 0.7),
}
WINDOW = 6.0
WARMUP = 4.0


def run_of(targets: tuple[str, ...], blocks: int, classes: Mapping[str, str]) -> Run:
    placement = Placement("0", "1", "1", ("database", "generator"), "two cores: the service has one alone")
    timing = Timing(blocks, WARMUP, WARMUP, WINDOW)
    plan = make_plan(seed=7, preset="quick", timing=timing, targets=targets, profiles=PROFILES, placement=placement)
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
    )


def facts(name: str) -> tuple[str, float, float, float, float, float]:
    return SYNTHETIC.get(name, ("Synthetic", 1000.0, 1000.0, 50.0, 50.0, 0.5))


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


def histogram_counts(rng: random.Random, requests: int, mean_microseconds: float) -> tuple[list[int], int]:
    """Log-normal response times with their sum."""
    counts, total = new_counts(), 0
    for i in range(requests):
        # Quantiles in order, not draws: quick, and smooth as a long run's.
        z = math.sqrt(2) * _inverse_erf(2 * (i + 0.5) / requests - 1)
        value = max(1, int(mean_microseconds * math.exp(0.3 * z - 0.045) * (3 if i > requests * 0.997 else 1)))
        counts[index_of(value)] += 1
        total += value
    return counts, total


def _inverse_erf(x: float) -> float:
    """Winitzki's approximation (2008), good to 0.002."""
    a = 0.147
    log = math.log(1 - x * x)
    first = 2 / (math.pi * a) + log / 2
    return math.copysign(math.sqrt(math.sqrt(first * first - log / a) - first), x)


def write_trial(writer: RecordWriter, run: Run, trial: Trial, noise: float, verdict: Verdict = "valid") -> TrialResult:
    """A made-up trial: its samples, its histogram, its result."""
    rng = random.Random(trial.id)
    _, cpu_rate, db_rate, memory, _, start = facts(trial.target)
    rate = (cpu_rate if trial.profile == "cpu" else db_rate) * math.exp(rng.gauss(0, noise))
    requests = int(rate * WINDOW)
    mean = 32 / rate * 1e6
    # The file holds whole histograms, so the number of samples is what the trial claims.
    counts, total = histogram_counts(rng, requests, mean)
    route = next(p for p in PROFILES if p.name == trial.profile).routes[0]
    writer.histograms(trial.id, 0.0, WINDOW, [RouteResult(route, requests, 0, total, encode(counts))])
    begin, now = 1_000_000_000, 1_000_000_000
    cpu = dict.fromkeys(("service", "database", "generator"), 0)
    use = {"service": 0.97, "database": 0.05 if trial.profile == "cpu" else 0.6, "generator": 0.35}
    samples = []
    while now < begin + (WARMUP + WINDOW + 0.3) * 1e9:
        for role in cpu:
            cpu[role] += int(1e8 * use[role] * math.exp(rng.gauss(0, 0.03)))
            level = memory * (1 - 0.5 * math.exp(-(now - begin) / 2e9)) if role == "service" else 60
            bytes_ = int(level * 2**20)
            samples.append(Sample(now, role, Counters(cpu[role], bytes_ + 4096, 4096, int(bytes_ * 0.8), None, None, None)))
        now += 100_000_000
    writer.samples(trial.id, samples)
    measured_start = begin + int(WARMUP * 1e9)
    spread = math.exp(rng.gauss(0, noise))
    measurement = Measurement(
        meta={"language": facts(trial.target)[0], "runtime": "0.0", "framework": "a framework 0.0"},
        generator_versions={"locust": "0"},
        golden_cases=9,
        start_seconds=start * math.exp(rng.gauss(0, 0.05)),
        stop_seconds=0.1,
        exit_status=0,
        connections=32,
        connections_opened=32,
        busy_seconds=32 * WINDOW,
        warmup_seconds=WARMUP,
        steady=True,
        steady_reason="",
        window_seconds=WINDOW,
        window_start_ns=measured_start,
        window_end_ns=measured_start + int(WINDOW * 1e9),
        routes={route: RouteNumbers(requests, 0, total / requests)},
        windows=tuple(
            Window("warmup" if i < WARMUP else "measure", begin + i * 10**9, begin + (i + 1) * 10**9, int(rate), 0)
            for i in range(int(WARMUP + WINDOW))
        ),
        usage={
            role: Usage(
                use[role] * WINDOW * spread,
                use[role] * 10,
                memory * 2**20 * spread,
                memory * 0.8 * 2**20 * spread,
                Missing("this kernel has no peak counter (memory.peak came with Linux 5.19)"),
                use[role],
            )
            for role in use
        },
        answered={},
        statements=() if trial.profile == "cpu" else (StatementCount("product", requests, requests, requests * 0.14),),
        failure_samples=(),
        harness_cpu_seconds=0.1,
    )
    problems = () if verdict == "valid" else ("a synthetic problem",)
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
) -> Record:
    """A whole synthetic record on disk. `verdicts`: trial id's end (`-go-db`) -> verdict of those trials ("failed": no
    measurement); `leave_out`: so many trials at the end of the plan never ran."""
    run = run_of(targets, blocks, classes or {})
    writer = RecordWriter(folder)
    writer.begin(run)
    results = []
    for trial in run.plan.trials[: len(run.plan.trials) - leave_out]:
        verdict: Verdict = next((v for end, v in (verdicts or {}).items() if trial.id.endswith(end)), "valid")
        if verdict == "failed":
            results.append(failed_trial(trial, "service: ended at once with status 1"))
        else:
            results.append(write_trial(writer, run, trial, noise, verdict))
    for result in results:
        writer.append(result)
    return read_record(folder)
