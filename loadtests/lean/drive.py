"""Drives one trial's load with Locust as a library; says what happens in JSON lines on standard output.

    hello -> wait for the service -> golden cases -> warm-up until steady -> measure -> drain -> done

Everything is bounded: by the warm-up's limit, the measured seconds, the time-out of a request. Exit status 0 after
`done`, 1 after `fatal`.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust.env import Environment
from locust.runners import LocalRunner

from loadtests.lean import golden, wire
from loadtests.lean.steady import trend
from loadtests.lean.user import REQUEST_TIMEOUT_SECONDS, LeanUser, watch_timeouts

POLL_SECONDS = 0.005
#: How long to stay after `done`: the harness reads this container's counters once more, then removes it.
LINGER_SECONDS = 20.0
WINDOW_SECONDS = 1.0
CONTRACT = Path(__file__).resolve().parents[2] / "services" / "contract"


class Stop(Exception):
    """The trial can't go on: stage and reason."""


def say(event: wire.Event) -> None:
    sys.stdout.buffer.write(wire.encode_event(event) + b"\n")
    sys.stdout.buffer.flush()


def wait_for_service(spec: wire.LoadSpec) -> int:
    """Poll /health until it answers 200; the instant (monotonic ns) of that answer. Raises Stop."""
    deadline = time.monotonic() + spec.ready_timeout_seconds
    case = {"method": "GET", "path": "/health"}
    last = "nothing listens"
    while time.monotonic() < deadline:
        try:
            answer = golden.ask(spec.host, spec.port, case, timeout_seconds=2.0)
            if answer.status == 200:
                return time.monotonic_ns()
            last = f"status {answer.status}"
        except (OSError, HTTPException) as error:
            last = str(error)
        gevent.sleep(POLL_SECONDS)
    raise Stop("readiness", f"/health did not answer 200 within {spec.ready_timeout_seconds:g} s ({last})")


def check_golden_cases(spec: wire.LoadSpec, answered: dict[str, int]) -> wire.ServiceReady:
    """Ask /meta and the golden cases marked `spot`; counts them into `answered` by route."""
    ready_ns = wait_for_service(spec)
    try:
        meta = msgspec.json.decode(golden.ask(spec.host, spec.port, {"method": "GET", "path": "/meta"}).body)
        cases = [case for case in golden.load(CONTRACT / "golden.json") if case.get("spot")]
        found: list[str] = []
        for case in cases:
            answer = golden.ask(spec.host, spec.port, case)
            found += [f"{case['name']}: {problem}" for problem in golden.problems(case, answer)]
            if answer.status < 300:
                answered[case["route"]] = answered.get(case["route"], 0) + 1
    except (OSError, HTTPException, msgspec.MsgspecError) as error:
        raise Stop("golden cases", f"the service broke off: {error}") from None
    return wire.ServiceReady(monotonic_ns=ready_ns, meta=meta, golden_cases=len(cases), problems=tuple(found))


def window(user: type[LeanUser], phase: str) -> wire.Window:
    """Let one window pass and report it."""
    current = user.recorder.phase
    before = sum(current.answered), sum(current.failed)
    start_ns = time.monotonic_ns()
    gevent.sleep(WINDOW_SECONDS)
    result = wire.Window(
        phase=phase,
        start_ns=start_ns,
        end_ns=time.monotonic_ns(),
        requests=sum(current.answered) - before[0],
        failures=sum(current.failed) - before[1],
    )
    say(result)
    return result


def warm_up(spec: wire.LoadSpec, user: type[LeanUser]) -> tuple[float, bool, str]:
    """Load until `warmup_seconds` have passed and no trend is left, at most until the limit."""
    start = time.monotonic()
    counts: list[int] = []
    while True:
        counts.append(window(user, "warmup").requests)
        elapsed = time.monotonic() - start
        if elapsed < spec.warmup_seconds - WINDOW_SECONDS / 2:
            continue
        steady, reason = trend(counts)
        if steady or elapsed >= spec.warmup_limit_seconds - WINDOW_SECONDS / 2:
            return elapsed, steady, reason


def under_way_seconds(runner: LocalRunner) -> float:
    """How long the requests that are under way now have been, in sum."""
    now_ns = time.perf_counter_ns()
    return sum((now_ns - user.sent_at_ns) / 1e9 for user in users_of(runner) if user.sent_at_ns)


def users_of(runner: LocalRunner) -> list[LeanUser]:
    return [greenlet.args[0] for greenlet in runner.user_greenlets]


def measure(
    spec: wire.LoadSpec, user: type[LeanUser], runner: LocalRunner, warmed: tuple[float, bool, str]
) -> wire.Measured:
    user.recorder.next_phase()
    start_ns, before_seconds = time.monotonic_ns(), under_way_seconds(runner)
    while time.monotonic_ns() - start_ns < (spec.measure_seconds - WINDOW_SECONDS / 2) * 1e9:
        window(user, "measure")
    end_ns, after_seconds = time.monotonic_ns(), under_way_seconds(runner)
    ended = user.recorder.next_phase()
    seconds, steady, reason = warmed
    return wire.Measured(
        start_ns=start_ns,
        end_ns=end_ns,
        warmup_seconds=seconds,
        steady=steady,
        steady_reason=reason,
        connections=spec.connections,
        busy_seconds=sum(ended.sum_microseconds) / 1e6 + after_seconds - before_seconds,
        routes=user.recorder.results(ended),
    )


def drive(spec: wire.LoadSpec) -> None:
    """The whole trial. Raises Stop."""
    module: Any = importlib.import_module(f"loadtests.{spec.profile}")
    user: type[LeanUser] = module.ProfileUser
    user.fire_events = False
    user.prepare(spec.seed, spec.routes)
    environment = Environment(user_classes=[user], host=f"http://{spec.host}:{spec.port}")
    runner = environment.create_local_runner()
    say(
        wire.Hello(
            monotonic_ns=time.monotonic_ns(),
            unix_ns=time.time_ns(),
            boot_id=Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            versions={
                "python": sys.version.split()[0],
                **{name: version(name) for name in ("locust", "gevent", "httptools", "hdrhistogram")},
            },
        )
    )
    answered: dict[str, int] = {}
    ready = check_golden_cases(spec, answered)
    say(ready)
    if ready.problems:
        raise Stop("golden cases", "; ".join(ready.problems[:3]))

    runner.start(spec.connections, spawn_rate=spec.connections)
    watchdog = gevent.spawn(watch_timeouts, lambda: users_of(runner))
    say(measure(spec, user, runner, warm_up(spec, user)))
    user.stopping = True
    if not runner.user_greenlets.join(timeout=REQUEST_TIMEOUT_SECONDS + 2):
        runner.user_greenlets.kill()
    watchdog.kill()
    recorder = user.recorder
    recorder.next_phase()
    for route, count in recorder.answered.items():
        answered[route] = answered.get(route, 0) + count
    say(
        wire.Done(
            answered=answered,
            failed=recorder.failed,
            failure_samples=tuple(recorder.failure_samples),
            connections_opened=recorder.connections_opened,
        )
    )


def main() -> int:
    try:
        drive(msgspec.json.decode(os.environ["FITMAP_LOAD"], type=wire.LoadSpec))
    except Stop as stop:
        say(wire.Fatal(stage=stop.args[0], reason=stop.args[1]))
        return 1
    time.sleep(LINGER_SECONDS)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
