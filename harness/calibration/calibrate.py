"""Calibrates the load generator at the start of a run. The result is kept per host, placement and load image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import docker
import msgspec
from msgspec import Struct

from harness.calibration.reference_servers import (
    Bench,
    Driven,
    drive,
    known_server,
    lag_p99_microseconds,
    level,
    milliseconds,
    null_outside,
    null_server,
    requests_per_second,
    sent_share,
    service_milliseconds,
)
from harness.containers.engine import Say
from harness.errors import EngineError
from harness.evaluation.validity import LAG_P99_MICROSECONDS, SENT_SHARE
from harness.files import CHECKOUT, HOME, ROOT, write_whole
from harness.host import machine
from harness.record.damage import DAMAGED
from harness.record.plan import Placement
from harness.record.run import Calibration, DelayCheck
from loadtests.calibration import routes
from loadtests.protocol import messages

KEPT = (ROOT if CHECKOUT else HOME) / "runs" / ".calibration"
#: Shares of the closed loop's rate at which the open loop is tried. An arrival takes several times the CPU time of a request
#: in a closed loop.
SHARES = (0.03, 0.06, 0.1, 0.2, 0.3)
CHECKED_DELAYS_MS = (1, 10)
Percent = Literal[50, 99]
PERCENTS: tuple[Percent, ...] = (50, 99)
#: Requests/s of all delays together.
DELAY_RATE = 1000.0
STALL_RATE = 1000.0
STALL_WINDOW_SECONDS = 5.0
DELAY_TOLERANCE = 0.03
DELAY_SLACK_MS = 0.1
STALL_TOLERANCE = 0.10
#: Requests/s that a generator must reach to be of use: one core reaches ten times as many.
MIN_CEILING = 2000.0
#: A calibration with problems may have met a noisy moment. After this time it is made again.
TRY_AGAIN_SECONDS = 3600.0


class _Problems(Struct, frozen=True):
    """Sentences. `tails`: only 99th percentiles are concerned."""

    serious: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.serious, *self.tails)


def calibrate(client: docker.DockerClient, bench: Bench, say: Say, folder: Path = KEPT) -> Calibration:
    """The calibration of this host, placement and image: the stored one, or a new one. Raises EngineError, PortTaken."""
    placed = place_name(bench.placement)
    kept = folder / f"{_key(bench)}.json"
    try:
        stored = msgspec.json.decode(kept.read_bytes(), type=Calibration)
        if not out_of_bounds(stored) or age_seconds(stored) < TRY_AGAIN_SECONDS:
            _warn(stored, say, kept)
            return stored
    except (OSError, *DAMAGED):
        pass
    say("calibrating the load generator (takes about a minute, once per host, placement and load image)")
    null = _twice_if_needed(partial(null_run, client, bench), null_problems, say)
    known = _twice_if_needed(partial(known_run, client, bench), known_problems, say)
    calibration = assess(null, known, bench.image, placed)
    _warn(calibration, say, kept)
    try:
        write_whole(kept, msgspec.json.format(msgspec.json.encode(calibration), indent=1))
    except OSError as error:
        say(f"the calibration can't be kept in {kept.parent} ({error.strerror}): the next run makes its own")
    return calibration


def _twice_if_needed(drive_once: Callable[[], Driven], judge: Callable[[Driven], _Problems], say: Say) -> Driven:
    driven = drive_once()
    if problems := judge(driven).all:
        say(f"out of bounds ({'; '.join(problems)}): calibrating this once more, in case other work disturbed it")
        driven = drive_once()
    return driven


def _warn(calibration: Calibration, say: Say, kept: Path) -> None:
    """Says what is out of bounds, and what to do."""
    if calibration.problems:
        say(
            f"WARNING: the load generator's calibration is out of bounds: {'; '.join(calibration.problems)}. Don't compare "
            "this run's numbers. Stop other work on this machine (`.venv/bin/fitmap doctor` shows it), delete "
            f"{kept}, and run again: that calibrates again. A run that starts more than an hour later does so by itself"
        )
    if calibration.tail_problems:
        said = "; ".join(calibration.tail_problems)
        say(
            f"the load generator is exact at the median, and not at the 99th percentile: {said}. Something stops its "
            "processes now and then. Tails are ranked only where it was on time"
        )


def out_of_bounds(calibration: Calibration) -> tuple[str, ...]:
    """All values out of bounds, in words."""
    return (*calibration.problems, *calibration.tail_problems)


def age_seconds(calibration: Calibration) -> float:
    """The age of a calibration."""
    return (datetime.now(UTC) - datetime.fromisoformat(calibration.made)).total_seconds()


def place_name(placement: Placement) -> str:
    """The placement in one line."""
    return f"service {placement.service}, database {placement.database}, generator {placement.generator}"


def _key(bench: Bench) -> str:
    here = machine.describe()
    parts = [here.name, here.cpu_model, here.kernel, place_name(bench.placement), bench.image, str(bench.config.generator)]
    # TLS costs the generator CPU time, so its rates are lower.
    parts += ["https"] * bench.secure
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def null_run(client: docker.DockerClient, bench: Bench) -> Driven:
    """Measures the null server: with a closed loop, with open loops, and over one connection (the path).

    Over TLS, if that is how the service is measured.
    """
    levels = (
        level("closed", routes.NULL, measure=3),
        *(level(f"{share:.0%}", routes.NULL, share=share, measure=2) for share in SHARES),
        level("path", routes.NULL, connections=1, measure=2),
    )
    port = bench.config.ports.service
    outside = null_outside(port) if bench.secure else None
    return drive(client, bench, "null", null_server(port, secure=bench.secure), levels, outside=outside)


def known_run(client: docker.DockerClient, bench: Bench) -> Driven:
    """Measures fixed delays, and a stall of the whole server."""
    levels = (
        delay_level(CHECKED_DELAYS_MS, 6),
        level("stall", routes.STALL, rate=STALL_RATE, measure=STALL_WINDOW_SECONDS),
    )
    return drive(client, bench, "known", known_server(bench.config.ports.service), levels)


def stall_p95_theory_milliseconds() -> float:
    """The 95th percentile of the response time in a window with a stall, in theory.

    Arrivals within the stall wait for its end: a share of stall / window of all arrivals, with waits spread evenly from 0 to
    the whole stall. So 5 % of all arrivals wait longer than stall - 0.05 x window.
    """
    return 1000 * (routes.STALL_SECONDS - 0.05 * STALL_WINDOW_SECONDS)


def delay_checks(known: Driven, delays: Sequence[int]) -> tuple[DelayCheck, ...]:
    """The delays as the server injected them, and as the generator measured them. Raises EngineError."""
    measured = known.level("delays")
    # Subtracted percentile by percentile: the path has its own tail, with a delay and without.
    path = {percent: service_milliseconds(measured, percent, routes.delay(0)) for percent in (50, 99)}
    checks = []
    for ms in delays:
        route = routes.delay(ms)
        injected = known.injected.get(route)
        if injected is None:
            raise EngineError(f"the server of known delays did not report what it injected on {route}: see its log")
        recovered = (service_milliseconds(measured, percent, route) - path[percent] for percent in (50, 99))
        figures = (injected["p50"], injected["p99"], *recovered, path[50], path[99])
        checks.append(DelayCheck(ms, *(round(value, 4) for value in figures)))
    return tuple(checks)


def delay_level(delays: Sequence[int], seconds: float) -> messages.TimedLevel:
    """A level with the delays and the control without delay in turns, so that a noisy moment affects all of them."""
    return level("delays", *(routes.delay(ms) for ms in (0, *delays)), rate=DELAY_RATE, measure=seconds)


def delay_allowed(check: DelayCheck) -> float:
    """How far the measured delay may be from the injected one, milliseconds."""
    return check.injected * DELAY_TOLERANCE + DELAY_SLACK_MS


def delay_problem(check: DelayCheck, percent: Percent) -> str | None:
    """The problem with a delay at p50 or p99, None if it was measured to within 3 % + 0.1 ms."""
    injected, found = {50: (check.injected_p50, check.p50), 99: (check.injected_p99, check.p99)}[percent]
    allowed = delay_allowed(check)
    if abs(found - injected) <= allowed:
        return None
    return (
        f"a delay of {injected:.2f} ms at p{percent} was measured as {found:.2f} ms (allowed difference: {allowed:.2f} ms)"
    )


def open_ceiling(null: Driven, shares: Sequence[float]) -> tuple[float, float]:
    """The highest open rate that the generator sent completely and on time, and its p99 of lag in microseconds."""
    held = (0.0, 0.0)
    for share in shares:
        measured = null.level(f"{share:.0%}")
        lag = lag_p99_microseconds(measured)
        # A higher rate may hold where a lower one did not: a noisy neighbour is no property of the generator.
        if lag <= LAG_P99_MICROSECONDS and sent_share(measured) >= SENT_SHARE:
            held = (measured.rate, lag)
    return held


def complete_ceiling(null: Driven, shares: Sequence[float]) -> float:
    """The highest open rate that the generator sent completely, on time or not."""
    tried = (null.level(f"{share:.0%}") for share in shares)
    return max((measured.rate for measured in tried if sent_share(measured) >= SENT_SHARE), default=0.0)


def null_problems(null: Driven) -> _Problems:
    """What is out of bounds in the run against the null server."""
    complete, (ceiling, _) = complete_ceiling(null, SHARES), open_ceiling(null, SHARES)
    if complete < MIN_CEILING:
        limit = f"(required: {MIN_CEILING:,.0f})"
        return _Problems((f"the open loop sends all requests only up to {complete:,.0f} per second {limit}",))
    if ceiling < MIN_CEILING:
        return _Problems(
            tails=(f"the open loop is on time only up to {ceiling:,.0f} requests/s (required: {MIN_CEILING:,.0f})",)
        )
    return _Problems()


def known_problems(known: Driven) -> _Problems:
    """What is out of bounds in the run against the server of known delays. Raises EngineError."""
    checks = delay_checks(known, CHECKED_DELAYS_MS)
    serious, tails = (tuple(p for check in checks if (p := delay_problem(check, percent))) for percent in PERCENTS)
    stall, theory = milliseconds(known.level("stall"), 95), stall_p95_theory_milliseconds()
    if abs(stall / theory - 1) > STALL_TOLERANCE:
        serious += (f"a stall of {routes.STALL_SECONDS:g} s shows as {stall:.0f} ms at p95, not as {theory:.0f} ms",)
    return _Problems(serious, tails)


def assess(null: Driven, known: Driven, image: str, placed: str) -> Calibration:
    """The calibration from both runs, with its problems as sentences. Raises EngineError."""
    ceiling, lag = open_ceiling(null, SHARES)
    of_null, of_known = null_problems(null), known_problems(known)
    return Calibration(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        load_image=image,
        placement=placed,
        workers=null.output.hello.workers,
        closed_ceiling=round(requests_per_second(null.level("closed")), 1),
        open_ceiling=round(ceiling, 1),
        open_lag_p99_microseconds=lag,
        path_p50_microseconds=round(milliseconds(null.level("path"), 50) * 1000, 1),
        delays=delay_checks(known, CHECKED_DELAYS_MS),
        stall_milliseconds=routes.STALL_SECONDS * 1000,
        stall_p95=round(milliseconds(known.level("stall"), 95), 2),
        stall_p95_theory=stall_p95_theory_milliseconds(),
        problems=(*of_known.serious, *of_null.serious),
        tail_problems=(*of_known.tails, *of_null.tails),
        open_complete=round(complete_ceiling(null, SHARES), 1),
    )
