"""The lean Locust user.

Locust's own HTTP clients, not Locust, are what limits a Locust test: FastHttpUser adds about 120 us to every request.
This user sends bytes that were encoded once over a keep-alive socket, parses with httptools, checks every answer, and
counts microseconds into HdrHistogram buckets. It is an ordinary `locust.User`: it spawns, stops and reports as others do.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import gevent
from locust import User, task
from locust.exception import StopUser

from loadtests.lean.connection import Broken, Connection
from loadtests.lean.exchange import Exchange
from loadtests.lean.histogram import HALF_COUNT_BITS, HIGHEST_MICROSECONDS, SUB_BUCKET_BITS
from loadtests.lean.recorder import Recorder

REQUEST_TIMEOUT_SECONDS = 10.0
RECONNECT_SECONDS = 0.1


class LeanUser(User):
    """Sends a profile's stream of exchanges over one connection, one after the other (closed loop).

    Subclasses (one a profile) set `routes` and `stream`.
    """

    abstract = True
    routes: tuple[str, ...] = ()
    #: Makes the profile's exchanges from a seeded generator; all users walk through the same list from different places.
    stream: Callable[[random.Random], list[Exchange]]

    recorder: Recorder
    exchanges: list[Exchange]
    stopping = False
    #: Tell Locust of each request (its web UI and listeners live on that). The harness counts for itself.
    fire_events = True
    _started = 0

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        if not hasattr(type(self), "exchanges"):
            type(self).prepare(seed=1)
        self.connection: Connection | None = None
        self.sent_at_ns = 0
        host, _, port = str(environment.host or self.host).removeprefix("http://").rpartition(":")
        self._address = (host, int(port))

    @classmethod
    def prepare(cls, seed: int, routes: tuple[str, ...] | None = None) -> None:
        """Make the stream (of all routes, or of some) and an empty recorder. Called once, before users are spawned."""
        wanted = cls.routes if routes is None else routes
        cls.exchanges = [each for each in cls.stream(random.Random(seed)) if cls.routes[each.route] in wanted]
        cls.recorder = Recorder(cls.routes)
        cls.stopping = False
        cls._started = 0

    def _own_exchanges(self) -> Iterator[Exchange]:
        # 769 is prime: users start well apart, and every target sees the same streams.
        offset = type(self)._started * 769 % len(self.exchanges)
        type(self)._started += 1
        return cycle(self.exchanges[offset:] + self.exchanges[:offset])

    @task
    def converse(self) -> None:
        """One task for the user's whole life: Locust would pick a task and a wait time for every request."""
        user_class = type(self)
        exchanges = self._own_exchanges()
        while not user_class.stopping:
            try:
                self.connection = Connection(*self._address)
                user_class.recorder.connections_opened += 1
                self._converse(self.connection, exchanges)
            except Broken as broken:
                user_class.recorder.fail(self._route, str(broken))
                gevent.sleep(RECONNECT_SECONDS)
            finally:
                if self.connection:
                    self.connection.close()
                    self.connection = None
                self.sent_at_ns = 0
        raise StopUser

    _route = 0

    def _converse(self, connection: Connection, exchanges: Iterator[Exchange]) -> None:
        user_class = type(self)
        recorder = user_class.recorder
        exchange = connection.exchange
        clock = time.perf_counter_ns
        fire = self.environment.events.request.fire if user_class.fire_events else None
        for route, request, check in exchanges:
            self._route = route
            self.sent_at_ns = sent_ns = clock()
            status = exchange(request)
            microseconds = (clock() - sent_ns) // 1000
            # Until the next request is sent, this connection is idle by the generator's own doing.
            self.sent_at_ns = 0
            problem = check(status, connection.body)
            if problem is not None:
                recorder.fail(route, problem)
            else:
                phase = recorder.phase
                phase.answered[route] += 1
                phase.sum_microseconds[route] += microseconds
                # histogram.index_of, inline.
                microseconds = min(microseconds, HIGHEST_MICROSECONDS)
                bucket = microseconds.bit_length() - SUB_BUCKET_BITS
                if bucket > 0:
                    phase.counts[route][(bucket << HALF_COUNT_BITS) + (microseconds >> bucket)] += 1
                else:
                    phase.counts[route][microseconds] += 1
            if fire:
                fire(
                    request_type="lean",
                    name=user_class.routes[route],
                    response_time=(clock() - sent_ns) / 1e6,
                    response_length=len(connection.body),
                    context={},
                    exception=problem and AssertionError(problem),
                )
            if user_class.stopping:
                break
            if not connection.keep_alive:
                break


def watch_timeouts(users: Callable[[], list[LeanUser]]) -> None:
    """Abort requests that take longer than REQUEST_TIMEOUT_SECONDS; runs in a greenlet of its own.

    One look a second at all connections is cheaper than a timer a request.
    """
    while True:
        gevent.sleep(1.0)
        deadline = time.perf_counter_ns() - int(REQUEST_TIMEOUT_SECONDS * 1e9)
        for user in users():
            if user.sent_at_ns and user.sent_at_ns < deadline and user.connection:
                user.connection.abort()
