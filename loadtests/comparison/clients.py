"""The two Locust users that are compared, as one would run them: `python -m loadtests.comparison.clients lean|fast ...`.

Prints one JSON line: {"requests", "failures", "seconds", "p50_microseconds"}. Both check every answer; the lean user's
histogram is on; FastHttpUser reports to Locust's own statistics, as it always does.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import gevent
from hdrh.histogram import HdrHistogram
from locust import FastHttpUser, constant, task
from locust.env import Environment

from loadtests.lean.exchange import Exchange, expect_text, get
from loadtests.lean.user import LeanUser

ADDRESS = "http://127.0.0.1:18090"
WARMUP_SECONDS = 1.0


class Lean(LeanUser):
    """GET / over the lean connection."""

    routes = ("GET /",)
    stream = staticmethod(lambda _rng: [Exchange(0, get("/"), expect_text("pong"))])


class Fast(FastHttpUser):
    """GET / over Locust's faster client."""

    wait_time = constant(0)

    @task
    def ping(self) -> None:
        with self.client.get("/", catch_response=True) as response:
            if response.text != "pong":
                response.failure("not pong")


def run(kind: str, connections: int, seconds: float, fire_events: bool) -> dict[str, Any]:
    user: Any = Lean if kind == "lean" else Fast
    environment = Environment(user_classes=[user], host=ADDRESS)
    runner = environment.create_local_runner()
    if kind == "lean":
        user.fire_events = fire_events
        user.prepare(1)
    runner.start(connections, spawn_rate=connections)
    gevent.sleep(WARMUP_SECONDS)
    if kind == "lean":
        user.recorder.next_phase()
    else:
        environment.stats.reset_all()
    start = time.perf_counter()
    gevent.sleep(seconds)
    elapsed = time.perf_counter() - start
    if kind == "lean":
        result = user.recorder.results(user.recorder.next_phase())[0]
        p50 = HdrHistogram.decode(result.histogram).get_value_at_percentile(50)
        answer = {"requests": result.requests, "failures": result.failures, "p50_microseconds": p50}
        user.stopping = True
    else:
        total = environment.stats.total
        p50 = total.median_response_time * 1000
        answer = {"requests": total.num_requests, "failures": total.num_failures, "p50_microseconds": p50}
    runner.quit()
    return {**answer, "seconds": elapsed}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), fire_events=sys.argv[4] == "fire")))
