"""Runs the levels of a trial on the workers: warm-up, measured window and drain, or the search for capacity."""

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
#: Asks the harness whether a window must be measured again.
Again = Callable[[messages.Passed], bool]
#: The least time between a window and its repeat, in which connections begin again.
AGAIN_SECONDS = 1.0
#: The rate at which a search for capacity begins, as a share of the closed loop's.
SEARCH_SHARE = 0.4
PROBE_REQUESTS = 1500
MAX_PROBE_SECONDS = 10.0


def run_level(
    spec: LoadSpec, level: TimedLevel, number: int, achieved: float, workers: Workers, say: Say, again: Again
) -> float:
    """Runs one level from its warm-up to its last answer, and returns the requests/s that it achieved.

    `achieved`: requests/s of the trial's first closed level; `again`: lets the harness judge a window. Reports each window,
    and what was measured. Raises Stop.
    """
    workers.spawn(level.connections)
    seed = spec.seed * 100 + number
    if level.kind == "capacity":
        search(spec, level, achieved, workers, seed, say)
        return 0.0
    if level.kind == "relative" and not achieved:
        raise Stop("load", f"level {level.name} is a share of a closed level's rate: plan a closed level before it")
    rate = {"closed": 0.0, "held": 0.0, "open": level.rate, "relative": level.share * achieved}[level.kind]
    measured = kept_window(level, rate, seed, workers, say, again)
    say(measured)
    seconds = (measured.end_ns - measured.start_ns) / 1e9
    return sum(route.requests for route in measured.routes) / seconds


def kept_window(level: TimedLevel, rate: float, seed: int, workers: Workers, say: Say, again: Again) -> Measured:
    """A measured window that the harness accepts, or the last one before the warm-up's limit.

    A window after which the service still used CPU, with no request sent, was warm-up and is measured again. At the limit
    the harness itself marks the level as not steady.
    """
    begun = time.monotonic()
    measured, times = window(level, rate, seed, workers, say), 1
    while True:
        # A warm-up that may not be prolonged is not judged.
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
            # The reason for a level that is not steady is more important, and stays.
            steady_reason=f"measured {times} times: after the window before, the service still used CPU without requests"
            if measured.steady
            else measured.steady_reason,
        )


def window(level: TimedLevel, rate: float, seed: int, workers: Workers, say: Say) -> Measured:
    """Warms up, measures and drains. `rate` 0: closed loop.

    A window in which the target still got faster was warm-up, whatever the warm-up itself looked like. It is measured again
    until the warm-up's limit.
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
        # A warm-up that may not be prolonged is not judged: at a later level the target is already warm.
        if level.warmup_limit_seconds <= level.warmup_seconds:
            break
        rising, rising_reason = throughput_rising(
            [w.mean_microseconds if rate else w.requests for w in passed], response=bool(rate)
        )
        elapsed = time.monotonic() - begun
        if rising and elapsed <= level.warmup_limit_seconds:
            seconds, steady = elapsed, True
            continue
        if rising:
            steady, reason = False, rising_reason
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
    """Loads until `warmup_seconds` have passed and no trend is left, at most until the limit."""
    start = time.monotonic()
    values: list[float] = []
    while True:
        passed = pass_window("warmup", workers, say)
        # The number of held requests grows until the first of them is answered.
        if passed.start_ns / 1e9 - start >= level.hold_milliseconds / 1000:
            values.append(passed.mean_microseconds if rate else passed.requests)
        elapsed = time.monotonic() - start
        if elapsed < level.warmup_seconds - 0.5:
            continue
        steady, reason = trend(values)
        if steady or elapsed >= level.warmup_limit_seconds - 0.5:
            return elapsed, steady, reason


def pass_window(phase: str, workers: Workers, say: Say) -> messages.Window:
    """Waits for one window of all workers, and reports it."""
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
    """The sum of the workers' results, route by route."""
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
    """The length of a probe. At low rates it is longer, so that the 99th percentile is more than one slow answer."""
    return min(max(level.measure_seconds, PROBE_REQUESTS / rate), MAX_PROBE_SECONDS)


def search(spec: LoadSpec, level: TimedLevel, achieved: float, workers: Workers, seed: int, say: Say) -> None:
    """Probes rates until the highest one that meets the objective is found, and reports each probe."""
    ceiling = spec.open_ceiling * CEILING_SHARE
    start = achieved * SEARCH_SHARE or START_RATE
    probes: list[SearchProbe] = []
    while (rate := next_rate(probes, start, ceiling)) is not None:
        probe = msgspec.structs.replace(level, measure_seconds=probe_seconds(level, rate))
        measured = window(probe, rate, seed * 100 + len(probes), workers, say)
        say(measured)
        probes.append(SearchProbe(rate, meets(measured, spec.objective)))
