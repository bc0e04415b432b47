"""The self-test: injects known delays, stalls, rates and work, and says whether this machine can measure them."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import docker
from msgspec import Struct

from harness.calibration import calibrate
from harness.calibration.reference_servers import (
    Bench,
    Driven,
    drive,
    known_server,
    lag_p99_microseconds,
    level,
    milliseconds,
    null_server,
    requests_per_second,
    sent_share,
)
from harness.containers.engine import Say
from harness.evaluation.validity import LAG_P99_MICROSECONDS
from harness.record.cpus import parse_cpu_list
from loadtests.calibration import routes
from loadtests.protocol import capacity_search, messages

DELAYS_MS = (1, 5, 20)
OPEN_RATE = 10_000.0
OPEN_SENT_SHARE = 0.999
SLOWDOWN_PAIRS = 8
SLOWDOWN_TOLERANCE = 0.02
SAMPLER_LIMIT = 0.02
SPIN_NS = 3_000_000_000
GAP_NS = 50_000


class Line(Struct, frozen=True):
    """One line of the table: what was injected, expected and measured, and whether the two agree."""

    what: str
    expected: str
    measured: str
    good: bool


def selftest(client: docker.DockerClient, bench: Bench, say: Say, out: Callable[[str], None]) -> int:
    """Prints the table and the verdict. Returns the exit status: 0 yes, 1 no. Raises EngineError, PortTaken."""
    lines: list[Line] = []
    for title, check in CHECKS:
        say(f"self-test: {title}")
        lines += check(client, bench)
    width = max(len(line.what) for line in lines)
    expected_width = max(len(line.expected) for line in lines)
    out(f"{'injected':<{width}}  {'expected':<{expected_width}}  measured")
    for line in lines:
        out(f"{line.what:<{width}}  {line.expected:<{expected_width}}  {line.measured}{'' if line.good else '   NO'}")
    bad = sum(not line.good for line in lines)
    out("\ncan this machine measure? " + ("yes" if not bad else f"no: {bad} of {len(lines)} checks are out of bounds"))
    return 1 if bad else 0


def _interruptions(_client: docker.DockerClient, bench: Bench) -> list[Line]:
    """The share of a busy thread's time that kernel, hypervisor or other work take."""
    lines = []
    for role in ("service", "generator"):
        cpu = parse_cpu_list(getattr(bench.placement, role))[0]
        with ThreadPoolExecutor(1) as pool:
            lost, longest = pool.submit(_lost, cpu).result()
        interrupted = f"interrupted for {lost:.2%} of the time, at most for {longest:.1f} ms at once"
        lines.append(Line(f"a busy loop on the {role}'s CPU {cpu}", "for information", interrupted, True))
    return lines


def _lost(cpu: int) -> tuple[float, float]:
    """Loops on a CPU. Returns the share of the time in gaps over GAP_NS, and the longest gap in milliseconds."""
    os.sched_setaffinity(0, {cpu})
    clock, gaps = time.perf_counter_ns, []
    begun = before = clock()
    while before - begun < SPIN_NS:
        now = clock()
        if now - before > GAP_NS:
            gaps.append(now - before)
        before = now
    return sum(gaps) / (before - begun), max(gaps, default=0) / 1e6


def _generator(client: docker.DockerClient, bench: Bench) -> list[Line]:
    null = calibrate.null_run(client, bench)
    ceiling, lag = calibrate.open_ceiling(null, calibrate.SHARES)
    closed = requests_per_second(null.level("closed"))
    path = milliseconds(null.level("path"), 50) * 1000
    cost = null.output.harness_cpu_seconds / null.output.loaded_seconds
    return [
        Line("null server, closed loop", "for information", f"{closed:,.0f} requests/s", True),
        Line(
            "null server, open loop",
            f">= {calibrate.MIN_CEILING:,.0f}/s on time",
            f"{ceiling:,.0f}/s, lag p99 {lag:,.0f} us",
            ceiling >= calibrate.MIN_CEILING,
        ),
        Line("null server, one connection", "for information", f"p50 {path:,.0f} us", True),
        Line("harness and sampling", f"< {SAMPLER_LIMIT:.0%} of a core", f"{cost:.2%}", cost < SAMPLER_LIMIT),
    ]


def _open_rate(client: docker.DockerClient, bench: Bench) -> list[Line]:
    null = drive(
        client,
        bench,
        "open",
        null_server(bench.config.ports.service),
        (level("open", routes.NULL, rate=OPEN_RATE, measure=10),),
    ).level("open")
    sent, lag = sent_share(null), lag_p99_microseconds(null)
    return [
        Line(
            f"open loop at {OPEN_RATE:,.0f} requests/s",
            f"sent >= {OPEN_SENT_SHARE}, lag p99 < {LAG_P99_MICROSECONDS / 1000:g} ms",
            f"sent {sent:.5f}, lag p99 {lag / 1000:.3f} ms",
            sent >= OPEN_SENT_SHARE and lag < LAG_P99_MICROSECONDS,
        )
    ]


def _known(client: docker.DockerClient, bench: Bench) -> list[Line]:
    levels = (
        calibrate.delay_level(DELAYS_MS, 20),
        level("stall", routes.STALL, rate=calibrate.STALL_RATE, measure=calibrate.STALL_WINDOW_SECONDS),
    )
    known = drive(client, bench, "known", known_server(bench.config.ports.service), levels)
    lines: list[Line] = []
    for check in calibrate.delay_checks(known, DELAYS_MS):
        if not lines:
            path = f"p50 {check.path:.3f}, p99 {check.path_p99:.3f} ms"
            lines.append(Line("answers at once (the path, subtracted below)", "for information", path, True))
        lines.append(
            Line(
                f"answers after {check.injected:g} ms",
                f"p50 {check.injected_p50:.3f}, p99 {check.injected_p99:.3f} ms, +- {calibrate.delay_allowed(check):.2f}",
                f"p50 {check.p50:.3f}, p99 {check.p99:.3f} ms",
                not any(calibrate.delay_problem(check, percent) for percent in calibrate.PERCENTS),
            )
        )
    stall, theory = milliseconds(known.level("stall"), 95), calibrate.stall_p95_theory_milliseconds()
    lines.append(
        Line(
            f"a stall of {routes.STALL_SECONDS:g} s at {calibrate.STALL_RATE:,.0f} requests/s",
            f"p95 {theory:.0f} ms +- {calibrate.STALL_TOLERANCE:.0%}",
            f"p95 {stall:.0f} ms",
            abs(stall / theory - 1) <= calibrate.STALL_TOLERANCE,
        )
    )
    return lines


def _slowdown(client: docker.DockerClient, bench: Bench) -> list[Line]:
    """The difference in CPU time per request between some work and a tenth more of it, in turns."""
    less, more = routes.WORK
    names = [
        (f"{kind}{pair}", less if kind == "a" else more)
        for pair in range(SLOWDOWN_PAIRS)
        # Drift of the machine affects both alike.
        for kind in ("ab" if pair % 2 == 0 else "ba")
    ]
    levels = tuple(level(name, route, connections=4, measure=3) for name, route in names)
    driven = drive(client, bench, "work", known_server(bench.config.ports.service), levels)
    ratios = [_cpu_per_request(driven, f"b{pair}") / _cpu_per_request(driven, f"a{pair}") for pair in range(SLOWDOWN_PAIRS)]
    injected = routes.WORK_ROUNDS[1] / routes.WORK_ROUNDS[0] - 1
    # The median: a noisy neighbour that comes and goes within a window disturbs only one pair.
    recovered = median(ratios) - 1
    return [
        Line(
            f"{injected:.0%} more CPU work",
            f"{injected:.0%} +- {SLOWDOWN_TOLERANCE:.0%} CPU per request",
            f"{recovered:+.2%} ({min(ratios) - 1:+.1%} to {max(ratios) - 1:+.1%} in {len(ratios)} pairs)",
            abs(recovered - injected) <= SLOWDOWN_TOLERANCE,
        )
    ]


def _cpu_per_request(driven: Driven, name: str) -> float:
    requests = sum(route.requests for route in driven.level(name).routes)
    return driven.used(name, "service").cpu_seconds / requests


def serial_capacity(objective: messages.Objective, service_ms: float = routes.SERIAL_MS, seed: int = 1) -> float:
    """The rate at which a server just meets the objective if it serves one request at a time, each in `service_ms`.

    Computed by simulating the queue (M/D/1, Lindley's recursion) over many arrivals: the percentile has no closed form.
    """
    rng = random.Random(seed)
    gaps = [rng.expovariate(1.0) for _ in range(200_000)]

    def percentile(rate: float) -> float:
        wait, responses = 0.0, []
        for gap in gaps:
            wait = max(0.0, wait - gap / rate * 1000)
            wait += service_ms
            responses.append(wait)
        responses.sort()
        return responses[int(len(responses) * objective.percent / 100)]

    low, high = 0.0, 1000 / service_ms
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if percentile(middle) <= objective.milliseconds else (low, middle)
    return low


def _capacity(client: docker.DockerClient, bench: Bench) -> list[Line]:
    search_level = messages.TimedLevel("capacity", "capacity", 32, (routes.SERIAL,), 1.0, 1.0, 4.0)
    driven = drive(client, bench, "capacity", known_server(bench.config.ports.service), (search_level,))
    probes = driven.probes("capacity")
    low, high = capacity_search.bounds(
        [capacity_search.SearchProbe(p.rate, capacity_search.meets(p, bench.config.slo)) for p in probes]
    )
    seconds = (probes[-1].end_ns - probes[0].start_ns) / 1e9
    known = serial_capacity(bench.config.slo)
    return [
        Line(
            f"one request at a time, {routes.SERIAL_MS:g} ms each",
            f"{known:.0f}/s within p{bench.config.slo.percent:g} <= {bench.config.slo.milliseconds:g} ms",
            f"{low:.0f} to {high or math.inf:.0f}/s ({len(probes)} probes, {seconds:.0f} s)",
            high is not None and low <= known <= high,
        )
    ]


CHECKS: tuple[tuple[str, Callable[[docker.DockerClient, Bench], list[Line]]], ...] = (
    ("interruptions", _interruptions),
    ("the generator's ceilings", _generator),
    ("open loop at a high rate", _open_rate),
    ("fixed delays and a stall", _known),
    ("a tenth more work", _slowdown),
    ("a server of known capacity", _capacity),
)
