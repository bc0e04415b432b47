"""The main program of the load generator: the master of Locust's workers, which reports events on standard output.

    workers -> hello -> wait for the service -> golden cases -> rest -> levels -> done
    a level: warm-up until steady -> measure -> drain -> ask the harness whether again -> level_end -> wait for the harness

Each phase is bounded: by the warm-up's limit, the measured seconds, or the time-out of a request. Exit status 0 after
`done`, 1 after `fatal`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import gevent
import msgspec
from gevent.event import Event
from locust import User
from msgspec import Struct

from loadtests.generator import golden_cases
from loadtests.generator.connection import Broken
from loadtests.generator.levels import run_level
from loadtests.generator.reach import reach
from loadtests.generator.worker_pool import ProfileUser, Stop, Workers
from loadtests.protocol import messages
from loadtests.protocol.group_messages import GroupSpec
from loadtests.protocol.meta import meta_problems
from loadtests.protocol.outside import Outside

POLL_SECONDS = 0.005
#: Between two attempts to reach a service that the harness did not start. It has more to do than to answer them.
AGAIN_SECONDS = 1.0
#: How long the harness may take to read its counters after a level.
HARNESS_SECONDS = 10.0
#: How long to stay after `done`: the harness reads this container's counters once more, and then removes it.
LINGER_SECONDS = 20.0
#: The contract's path.
HEALTH = "/health"
CONTRACT = Path(__file__).resolve().parents[2] / "services" / "contract"


def say(event: Struct) -> None:
    sys.stdout.buffer.write(messages.encode_event(event) + b"\n")
    sys.stdout.buffer.flush()


def hello(workers: int) -> messages.Hello:
    """The generator's description of itself."""
    return messages.Hello(
        monotonic_ns=time.monotonic_ns(),
        unix_ns=time.time_ns(),
        boot_id=Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        workers=workers,
        versions={
            "python": sys.version.split()[0],
            **{name: version(name) for name in ("locust", "gevent", "httptools", "hdrhistogram")},
        },
    )


def wait_for_service(host: str, port: int, health: str, timeout_seconds: float) -> int:
    """Polls a path until it answers 200, and returns the instant (monotonic ns) of that answer. Raises Stop."""
    deadline = time.monotonic() + timeout_seconds
    case = {"method": "GET", "path": health}
    last = "nothing listens"
    while time.monotonic() < deadline:
        try:
            answer = golden_cases.ask(host, port, case, timeout_seconds=2.0)
            if answer.status == 200:
                return time.monotonic_ns()
            last = f"status {answer.status}"
        except (OSError, HTTPException) as error:
            last = str(error)
        gevent.sleep(POLL_SECONDS)
    raise Stop("readiness", f"{health} did not answer 200 within {timeout_seconds:g} s ({last})")


def wait_to_reach(outside: Outside, timeout_seconds: float) -> int:
    """Tries to reach a service, and returns the instant (monotonic ns) at which it was reached. Raises Stop."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            reach(outside)
            return time.monotonic_ns()
        except Broken as broken:
            if time.monotonic() + AGAIN_SECONDS > deadline:
                raise Stop("readiness", str(broken)) from None
        gevent.sleep(AGAIN_SECONDS)


def check_golden_cases(
    host: str, port: int, wanted: Mapping[str, str], ready_ns: int, answered: dict[str, int]
) -> messages.ServiceReady:
    """Sends GET /meta and the golden cases marked `spot`, and counts them in `answered` by route. Raises Stop."""
    try:
        described = golden_cases.ask(host, port, {"method": "GET", "path": "/meta"})
        found = meta_problems(described.status, described.body, wanted)
        meta = {} if found else msgspec.json.decode(described.body)
        cases = [case for case in golden_cases.load(CONTRACT / "golden.json") if case.get("spot")]
        for case in cases:
            answer = golden_cases.ask(host, port, case)
            found += [f"{case['name']}: {problem}" for problem in golden_cases.problems(case, answer)]
            if answer.status < 300:
                answered[case["route"]] = answered.get(case["route"], 0) + 1
    except (OSError, HTTPException, msgspec.MsgspecError) as error:
        raise Stop("golden cases", f"the service did not answer: {error}") from None
    return messages.ServiceReady(monotonic_ns=ready_ns, meta=meta, golden_cases=len(cases), problems=tuple(found))


class Harness:
    """Receives the harness's answers, which are signals: SIGUSR1 to go on, SIGUSR2 to measure the window again.

    Without these handlers the signals would end a process that is not PID 1.
    """

    def __init__(self) -> None:
        self._answered = Event()
        self._again = False
        gevent.signal_handler(signal.SIGUSR1, self._receive, False)
        gevent.signal_handler(signal.SIGUSR2, self._receive, True)

    def _receive(self, again: bool) -> None:
        self._again = again
        self._answered.set()

    def ask(self, event: Struct, seconds: float = HARNESS_SECONDS) -> bool:
        """Sends an event and waits for the answer. True: the window is measured again. Raises Stop."""
        self._answered.clear()
        say(event)
        if not self._answered.wait(seconds):
            raise Stop("load", f"the harness did not answer within {seconds:g} s: it should have read its counters")
        return self._again


def drive(spec: messages.LoadSpec, workers: Workers, harness: Harness) -> None:
    """The whole trial. Raises Stop."""
    workers.prepare(spec)
    say(hello(workers.count))
    asked: dict[str, int] = {}
    ready_ns = (
        wait_to_reach(spec.outside, spec.ready_timeout_seconds)
        if spec.outside
        else wait_for_service(spec.host, spec.port, HEALTH, spec.ready_timeout_seconds)
    )
    ready = (
        check_golden_cases(spec.host, spec.port, spec.meta, ready_ns, asked)
        if spec.golden
        else messages.ServiceReady(monotonic_ns=ready_ns, meta={}, golden_cases=0, problems=())
    )
    say(ready)
    if ready.problems:
        raise Stop("golden cases", golden_cases.first_of(ready.problems, spec.meta.get("target", "TARGET")))
    gevent.sleep(spec.idle_seconds)

    achieved = 0.0
    for number, level in enumerate(spec.levels):
        first = run_level(spec, level, number, achieved, workers, say, harness.ask)
        if level.kind == "closed" and not achieved:
            achieved = first
        answered, failed = workers.totals()
        harness.ask(
            messages.LevelEnd(level.name, {r: answered.get(r, 0) + asked.get(r, 0) for r in answered | asked}, failed)
        )
    samples, opened = workers.remarks()
    say(messages.Done(failure_samples=samples, connections_opened=opened))


Spec = TypeVar("Spec", messages.LoadSpec, GroupSpec)


def serve(spec_type: type[Spec], module: str, user: type[User], drive: Callable[[Spec, Workers, Harness], None]) -> int:
    """Runs a load from its specification to its end, on workers with a program and a user class. The exit status."""
    harness = Harness()
    try:
        spec = msgspec.json.decode(os.environ["FITMAP_LOAD"], type=spec_type)
        with Workers(spec, module, user) as workers:
            drive(spec, workers, harness)
            gevent.sleep(LINGER_SECONDS)
    except Stop as stop:
        say(messages.Fatal(stage=stop.stage, reason=stop.reason))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(serve(messages.LoadSpec, "loadtests.generator.worker", ProfileUser, drive))
