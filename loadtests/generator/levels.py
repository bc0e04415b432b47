"""Runs the levels of a trial on the workers: warm-up, measured window, drain; and the search for capacity."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from loadtests.generator.worker_pool import Stop, Workers
from loadtests.protocol import histogram, messages
from loadtests.protocol.capacity_search import CEILING_SHARE, START_RATE, SearchProbe, meets, next_rate
from loadtests.protocol.messages import LoadSpec, Measured, RouteResult, TimedLevel
from loadtests.protocol.steady_state import throughput_rising, trend

Say = Callable[[messages.Event], None]
#: Whether the harness wants a window measured again.
Again = Callable[[messages.Passed], bool]
#: The least between a window and the one in its place: connections begin once more.
AGAIN_SECONDS = 1.0
#: Where an objective's search begins, as a share of what the closed loop achieved.
SEARCH_SHARE = 0.4
PROBE_REQUESTS = 1500
MAX_PROBE_SECONDS = 10.0


def run_level(
    spec: LoadSpec, level: TimedLevel, number: int, achieved: float, workers: Workers, say: Say, again: Again
) -> float:
    """One level from its warm-up to its last answer; requests/s achieved. `achieved`: by the trial's first closed level.

    Says each window and what was measured; `again` has the harness judge a window. Raises Stop.
    """
    workers.spawn(level.connections)
    seed = spec.seed * 100 + number
    if level.kind == "capacity":
        search(spec, level, achieved, workers, seed, say)
        return 0.0
    if level.kind == "relative" and not achieved:
        raise Stop("load", f"level {level.name} is a share of what a closed level achieves: plan one before it")
    rate = {"closed": 0.0, "held": 0.0, "open": level.rate, "relative": level.share * achieved}[level.kind]
    measured = kept_window(level, rate, seed, workers, say, again)
    say(measured)
    seconds = (measured.end_ns - measured.start_ns) / 1e9
    return sum(route.requests for route in measured.routes) / seconds


def kept_window(level: TimedLevel, rate: float, seed: int, workers: Workers, say: Say, again: Again) -> Measured:
    """A window that the harness keeps. One after which the service was still at work for itself was warm-up, and is measured
    again, as long as the warm-up's limit lets it; of one at the limit the harness says so by itself.
    """
    begun = time.monotonic()
    measured, times = window(level, rate, seed, workers, say), 1
    while True:
        # Where no warm-up may be prolonged, none is judged.
        if level.warmup_limit_seconds <= level.warmup_seconds:
            return measured
        refused = again(messages.Passed(level.name, measured.start_ns, measured.end_ns))
        left = level.warmup_limit_seconds - (time.monotonic() - begun)
        if not refused or left <= 0:
            return measured
        settle = AGAIN_SECONDS + level.hold_milliseconds / 1000
        shorter = msgspec.structs.replace(
            level, warmup_seconds=settle, warmup_limit_seconds=max(left, settle + level.window_seconds)
        )
        measured = window(shorter, rate, seed, workers, say)
        times += 1
        measured = msgspec.structs.replace(
            measured,
            warmup_seconds=measured.start_ns / 1e9 - begun,
            # Why it is not steady, where it is not, says more.
            steady_reason=f"measured {times} times: after the window before, the service was still at work for itself"
            if measured.steady
            else measured.steady_reason,
        )


def window(level: TimedLevel, rate: float, seed: int, workers: Workers, say: Say) -> Measured:
    """Warm up, measure, drain. `rate` 0: closed loop.

    A window in which the target still got faster was warm-up, whatever the warm-up looked like: it is measured again, as
    long as the warm-up's limit lets it.
    """
    begun = time.monotonic()
    workers.begin(level, rate, seed)
    seconds, steady, reason = warm_up(level, rate, workers, say)
    while True:
        start_ns = time.monotonic_ns()
        workers.measure()
        count = max(1, round(level.measure_seconds / level.window_seconds))
        passed = [pass_window("measure", workers, say) for _ in range(count)]
        end_ns = time.monotonic_ns()
        # Where no warm-up may be prolonged, none is judged: a later level meets a warm target.
        if level.warmup_limit_seconds <= level.warmup_seconds:
            break
        climbing, said = throughput_rising(
            [w.mean_microseconds if rate else w.requests for w in passed], response=bool(rate)
        )
        elapsed = time.monotonic() - begun
        if climbing and elapsed <= level.warmup_limit_seconds:
            seconds, steady = elapsed, True
            continue
        if climbing:
            steady, reason = False, said
        break
    results = workers.end()
    return Measured(
        level=level.name,
        start_ns=start_ns,
        end_ns=end_ns,
        warmup_seconds=seconds,
        steady=steady,
        steady_reason=reason,
        connections=level.connections,
        rate=rate,
        busy_seconds=sum(result.busy_seconds for result in results),
        routes=merge([result.routes for result in results]),
    )


def warm_up(level: TimedLevel, rate: float, workers: Workers, say: Say) -> tuple[float, bool, str]:
    """Load until `warmup_seconds` have passed and no trend is left, at most until the limit."""
    start = time.monotonic()
    seen: list[float] = []
    while True:
        passed = pass_window("warmup", workers, say)
        # Until the first held request is answered, the number of those that are held is still growing.
        if passed.start_ns / 1e9 - start >= level.hold_milliseconds / 1000:
            seen.append(passed.mean_microseconds if rate else passed.requests)
        elapsed = time.monotonic() - start
        if elapsed < level.warmup_seconds - 0.5:
            continue
        steady, reason = trend(seen)
        if steady or elapsed >= level.warmup_limit_seconds - 0.5:
            return elapsed, steady, reason


def pass_window(phase: str, workers: Workers, say: Say) -> messages.Window:
    """Let one window pass on all workers and say it."""
    start_ns = time.monotonic_ns()
    parts = workers.window(phase)
    requests = sum(part.requests for part in parts)
    passed = messages.Window(
        phase=phase,
        start_ns=start_ns,
        end_ns=time.monotonic_ns(),
        requests=requests,
        failures=sum(part.failures for part in parts),
        mean_microseconds=sum(part.sum_microseconds for part in parts) / requests if requests else 0.0,
    )
    say(passed)
    return passed


def merge(parts: Sequence[Sequence[RouteResult]]) -> tuple[RouteResult, ...]:
    """The workers' results as one, route by route."""
    return tuple(
        RouteResult(
            route=same[0].route,
            scheduled=sum(part.scheduled for part in same),
            requests=sum(part.requests for part in same),
            failures=sum(part.failures for part in same),
            timed_out=sum(part.timed_out for part in same),
            dropped=sum(part.dropped for part in same),
            open=sum(part.open for part in same),
            sum_microseconds=sum(part.sum_microseconds for part in same),
            response=histogram.merge(part.response for part in same),
            service=histogram.merge(part.service for part in same),
            lag=histogram.merge(part.lag for part in same),
        )
        for same in zip(*parts, strict=True)
    )


def probe_seconds(level: TimedLevel, rate: float) -> float:
    """Long enough that a 99th percentile is more than one slow answer, where the rate is low."""
    return min(max(level.measure_seconds, PROBE_REQUESTS / rate), MAX_PROBE_SECONDS)


def search(spec: LoadSpec, level: TimedLevel, achieved: float, workers: Workers, seed: int, say: Say) -> None:
    """Probe rates until the objective's edge is found; says each probe as measured, the answer is what they tell."""
    ceiling = spec.open_ceiling * CEILING_SHARE
    start = achieved * SEARCH_SHARE or START_RATE
    probes: list[SearchProbe] = []
    while (rate := next_rate(probes, start, ceiling)) is not None:
        probe = msgspec.structs.replace(level, measure_seconds=probe_seconds(level, rate))
        measured = window(probe, rate, seed * 100 + len(probes), workers, say)
        say(measured)
        probes.append(SearchProbe(rate, meets(measured, spec.objective)))
