"""The lean Locust user.

What limits a Locust test are Locust's own HTTP clients, not Locust: FastHttpUser adds about 120 us to every request.
This user sends bytes that were encoded once over a keep-alive socket, parses with httptools, checks every answer, and
counts microseconds in HdrHistogram buckets. It is an ordinary `locust.User`: it is spawned, stops and reports like others.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from locust import User, task

from loadtests.generator.connection import Broken, Connection
from loadtests.generator.exchange import Exchange
from loadtests.generator.loops import ClosedLoop, Loop, OpenLoop, Stage
from loadtests.generator.recorder import Phase, Recorder
from loadtests.generator.wire import Peer

REQUEST_TIMEOUT_SECONDS = 10.0
RECONNECT_SECONDS = 0.1


class LeanUser(User):
    """A user with one connection, which the current loop drives.

    Subclasses (one per profile) set `routes` and `stream`, and `held` if requests are held.
    """

    abstract = True
    routes: tuple[str, ...] = ()
    #: Makes the profile's exchanges from a seeded generator.
    stream: Callable[[random.Random], list[Exchange]]
    #: Makes the exchange that asks the service to wait for so many milliseconds.
    held: Callable[[int], Exchange]

    recorder: Recorder
    stage: Stage
    exchanges: list[Exchange]
    #: The requests of a pass: the stream consists of passes with the same mix (loadtests/generator/passes.py).
    pass_requests = 1
    #: The addresses of a group's services, each with its peer if the harness did not start it; empty: the one of Locust's
    #: environment.
    addresses: tuple[tuple[str, int, Peer | None], ...] = ()
    #: Profiles in TOML need one that can do more (loadtests/generator/stated.py).
    connection_class: type[Connection] = Connection
    #: Whether Locust's listeners are notified of each request, as its web UI needs it. The harness counts by itself.
    fire_events = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        if not hasattr(type(self), "stage"):
            # Under Locust's own command line no worker sets a loop: run a closed loop over the whole profile.
            type(self).prepare(seed=1)
            type(self).stage.begin(type(self).closed_loop())
        #: The connections to the group's services, by index, and the one in use.
        self._connections: dict[int, Connection] = {}
        self.connection: Connection | None = None
        #: The request under way: when it was sent (0: there is none), its route, and the phase that scheduled it (None: no
        #: phase did).
        self.sent_at_ns = 0
        self.route = 0
        self.phase: Phase | None = None
        self.timed_out = False
        host, _, port = str(environment.host or self.host).removeprefix("http://").rpartition(":")
        self._addresses = self.addresses or ((host, int(port), None),)

    @classmethod
    def prepare(cls, seed: int) -> None:
        """Makes the stream, an empty recorder and an empty stage. Called once, before users are spawned."""
        cls.exchanges = cls.stream(random.Random(seed))
        cls.recorder = Recorder(cls.routes)
        cls.stage = Stage()

    @classmethod
    def closed_loop(cls, routes: tuple[str, ...] = ()) -> ClosedLoop:
        """A closed loop over the stream, or over some of its routes."""
        return ClosedLoop(cls.recorder, cls._of(routes))

    @classmethod
    def held_loop(cls, hold_milliseconds: int, gap_seconds: float) -> ClosedLoop:
        """A closed loop of held requests. `gap_seconds`: between the first requests of two connections."""
        return ClosedLoop(cls.recorder, [cls.held(hold_milliseconds)], gap_seconds)

    @classmethod
    def open_loop(cls, rate: float, seed: int, routes: tuple[str, ...] = ()) -> OpenLoop:
        """An open loop at `rate` arrivals/s over the stream, or over some of its routes."""
        return OpenLoop(cls.recorder, cls._of(routes), rate, seed)

    @classmethod
    def _of(cls, routes: tuple[str, ...]) -> list[Exchange]:
        return [exchange for exchange in cls.exchanges if not routes or cls.routes[exchange.route] in routes]

    @task
    def live(self) -> None:
        """The one task, for the user's whole life. With more, Locust would choose a task and a wait for every request."""
        user_class = type(self)
        fire = self.environment.events.request.fire if user_class.fire_events else None
        try:
            while True:
                loop: Loop = user_class.stage.wait()
                loop.admit()
                if loop.over:
                    continue
                try:
                    self.connection = self._connection(loop)
                    loop.converse(self, self.connection, fire)
                    if not self.connection.keep_alive:
                        self._disconnect(loop.copy)
                except Broken as broken:
                    self._lost(loop, str(broken))
                    gevent.sleep(RECONNECT_SECONDS)
        finally:
            for copy in list(self._connections):
                self._disconnect(copy)

    def _connection(self, loop: Loop) -> Connection:
        """The connection to the loop's service, opened if there is none. Raises Broken.

        Most services close connections after a minute or so without a request. In a group another service may have its
        turn for longer. A connection that was closed meanwhile is opened again and is not counted.
        """
        connection = self._connections.get(loop.copy)
        if connection and not connection.ended():
            return connection
        if connection:
            self._disconnect(loop.copy)
        else:
            loop.recorder.connections_opened += 1
        self._connections[loop.copy] = self.connection_class(*self._addresses[loop.copy])
        return self._connections[loop.copy]

    def _lost(self, loop: Loop, reason: str) -> None:
        """Counts the request under way as failed, because the connection broke."""
        recorder, phase = loop.recorder, self.phase
        if phase is None:
            phase = recorder.phase
            phase.scheduled[self.route] += 1
        (phase.timed_out if self.timed_out else phase.failed)[self.route] += 1
        recorder.explain(self.route, f"no answer within {REQUEST_TIMEOUT_SECONDS:g} s" if self.timed_out else reason)
        self._disconnect(loop.copy)

    def _disconnect(self, copy: int) -> None:
        connection = self._connections.pop(copy, None)
        if connection:
            connection.close()
        self.connection, self.sent_at_ns, self.phase, self.timed_out = None, 0, None, False

    def tell(self, fire: Callable[..., None], route: int, since_ns: int, length: int, problem: str | None) -> None:
        """Notifies Locust's listeners of an answer."""
        fire(
            request_type="lean",
            name=type(self).routes[route],
            response_time=(time.perf_counter_ns() - since_ns) / 1e6,
            response_length=length,
            context={},
            exception=problem and AssertionError(problem),
        )


def under_way_seconds(users: Iterable[LeanUser]) -> float:
    """The sum of the times for which the requests now under way have been so."""
    now_ns = time.perf_counter_ns()
    return sum((now_ns - user.sent_at_ns) / 1e9 for user in users if user.sent_at_ns)


def watch_timeouts(users: Callable[[], Iterable[LeanUser]]) -> None:
    """Aborts requests that take longer than REQUEST_TIMEOUT_SECONDS. Runs in a greenlet of its own.

    Checking all connections once per second is cheaper than a timer per request.
    """
    while True:
        gevent.sleep(1.0)
        deadline = time.perf_counter_ns() - int(REQUEST_TIMEOUT_SECONDS * 1e9)
        for user in users():
            if user.sent_at_ns and user.sent_at_ns < deadline and user.connection:
                user.timed_out = True
                user.connection.abort()
