"""Made-up levels of a trial, with the histograms that belong to them. No number was ever measured."""

from __future__ import annotations

import random

from made_series import histogram_counts

from harness.record.histograms import LevelHistograms
from harness.record.measurement import (
    Bottleneck,
    Capacity,
    CapacityProbe,
    HostUse,
    LevelMeasurement,
    Missing,
    RouteNumbers,
    RouteTime,
    StatementCount,
    Usage,
    Verdict,
)
from harness.record.plan import Level, Trial
from loadtests.protocol.histogram import encode
from loadtests.protocol.messages import RouteResult, Window

CONNECTIONS = 32
WINDOW = 6.0
#: Longer, so that a hundred of the most frequent route of 1,000 requests/s lie beyond its 99th percentile.
OPEN_WINDOW = 14.0
SETTLE = 1.0
SLOW_ROUTE = "GET /products/{id}/slow"
#: A waiter takes this part of a target's memory, and the idle base the rest of it.
WAITER_SHARE = 0.001
#: Microseconds of PostgreSQL's own time in a request, by route.
DATABASE_MICROSECONDS = {"GET /products/{id}": 100.0, "POST /orders": 260.0, SLOW_ROUTE: 20_100.0}
LOAD_OF_ROUTES = (0.75, 0.25)


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
