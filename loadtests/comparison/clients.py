"""The two Locust users that are compared, as one would run them: `python -m loadtests.comparison.clients '{...}'`.

The argument is a `Task` in JSON; the answer one JSON line: {"requests", "failures", "seconds", "p50", "p99"}, percentiles in
microseconds. Both check every answer; the lean user's histogram is on; FastHttpUser reports to Locust's own statistics, as
it always does.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Literal

import gevent
import msgspec
from locust import FastHttpUser, constant, task
from locust.env import Environment
from msgspec import Struct

from loadtests import reference
from loadtests.generator.exchange import Exchange, expect_json, expect_text, get
from loadtests.generator.user import LeanUser
from loadtests.protocol import histogram

WARMUP_SECONDS = 1.0
#: A request of pure work, and its answer: what the agreement with wrk is tried on.
WORK_PATH = "/cpu/collatz?from=1&count=5000"


class Task(Struct, frozen=True):
    """What to run: which client, against what, with how many connections, for how long."""

    client: Literal["lean", "fast"]
    address: str
    path: str
    connections: int
    seconds: float
    fire_events: bool = False


class Null(LeanUser):
    """GET / over the lean connection."""

    routes = ("GET /",)
    stream = staticmethod(lambda _rng: [Exchange(0, get("/"), expect_text("pong"))])


class Work(LeanUser):
    """A request of pure work over the lean connection."""

    routes = ("GET /cpu/collatz",)
    stream = staticmethod(lambda _rng: [Exchange(0, get(WORK_PATH), expect_json(reference.collatz(1, 5000)))])


class Fast(FastHttpUser):
    """GET / over Locust's faster client."""

    wait_time = constant(0)

    @task
    def ping(self) -> None:
        with self.client.get("/", catch_response=True) as response:
            if response.text != "pong":
                response.failure("not pong")


def run_lean(wanted: Task) -> dict[str, Any]:
    user: type[LeanUser] = Work if wanted.path == WORK_PATH else Null
    runner = Environment(user_classes=[user], host=wanted.address).create_local_runner()
    user.fire_events = wanted.fire_events
    user.prepare(1)
    user.stage.begin(user.closed_loop())
    runner.start(wanted.connections, spawn_rate=wanted.connections)
    gevent.sleep(WARMUP_SECONDS)
    user.recorder.next_phase()
    start = time.perf_counter()
    gevent.sleep(wanted.seconds)
    elapsed = time.perf_counter() - start
    (result,) = user.recorder.next_phase().results(user.routes)
    user.stage.end()
    runner.quit()
    p50, p99 = (histogram.percentile([result.response], percent) for percent in (50, 99))
    return {"requests": result.requests, "failures": result.failures, "seconds": elapsed, "p50": p50, "p99": p99}


def run_fast(wanted: Task) -> dict[str, Any]:
    environment = Environment(user_classes=[Fast], host=wanted.address)
    runner = environment.create_local_runner()
    runner.start(wanted.connections, spawn_rate=wanted.connections)
    gevent.sleep(WARMUP_SECONDS)
    environment.stats.reset_all()
    start = time.perf_counter()
    gevent.sleep(wanted.seconds)
    elapsed = time.perf_counter() - start
    total = environment.stats.total
    runner.quit()
    return {
        "requests": total.num_requests,
        "failures": total.num_failures,
        "seconds": elapsed,
        "p50": total.median_response_time * 1000,
        "p99": total.get_response_time_percentile(0.99) * 1000,
    }


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[1], type=Task)
    print(json.dumps((run_lean if given.client == "lean" else run_fast)(given)))
