"""Runs one of the two Locust users that are compared: `python -m loadtests.comparison.clients '{...}'`.

The argument is a `Task` in JSON. The output is one line of JSON: {"requests", "failures", "seconds", "p50", "p99"}, with
percentiles in microseconds. Both users check every answer. The lean user fills its histogram; FastHttpUser reports to
Locust's own statistics, as always.
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
#: The request of pure work for the comparison of wrk and the lean user.
WORK_PATH = "/cpu/collatz?from=1&count=5000"


class Task(Struct, frozen=True):
    """What to run: client, address, path, number of connections, seconds."""

    client: Literal["lean", "fast"]
    address: str
    path: str
    connections: int
    seconds: float
    fire_events: bool = False


class Null(LeanUser):
    """Sends GET / over the lean connection."""

    routes = ("GET /",)
    stream = staticmethod(lambda _rng: [Exchange(0, get("/"), expect_text("pong"))])


class Work(LeanUser):
    """Sends the request of pure work over the lean connection."""

    routes = ("GET /cpu/collatz",)
    stream = staticmethod(lambda _rng: [Exchange(0, get(WORK_PATH), expect_json(reference.collatz(1, 5000)))])


class Fast(FastHttpUser):
    """Sends GET / over Locust's faster client."""

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
