"""The closed loop and the open loop: what the connections of a worker send during a level."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any, Protocol

import gevent
from gevent.event import Event

from loadtests.generator.connection import Connection
from loadtests.generator.exchange import Exchange
from loadtests.generator.fuse import Fuse
from loadtests.generator.recorder import Phase, Recorder
from loadtests.generator.timer import Timer
from loadtests.protocol.histogram import HALF_COUNT_BITS, HIGHEST_MICROSECONDS, SUB_BUCKET_BITS, index_of

#: So many seconds of arrivals may wait in the queue. Further ones are dropped, and the level is not valid.
BACKLOG_SECONDS = 10.0
BACKLOG_LIMITS = (1_000, 100_000)
#: How long arrivals that are in the queue at the end of a window may still be sent.
GRACE_SECONDS = 2.0
#: The gap between later requests of a loop with gaps, as a share of the gap between the first ones. A burst spreads out
#: again because of it.
CLOSER = 0.75
#: Shorter waits are left out: gevent's timers overshoot by up to a millisecond.
MIN_WAIT_SECONDS = 0.005


class Sender(Protocol):
    """The user whose connection a loop drives. It knows the request under way, and notifies Locust's listeners."""

    route: int
    phase: Phase | None
    #: When the request under way was sent; 0: there is none.
    sent_at_ns: int

    def tell(self, fire: Callable[..., None], route: int, since_ns: int, length: int, problem: str | None) -> None: ...


class ClosedLoop:
    """A closed loop: each connection sends its next request as soon as it has the answer to the last one.

    `gap_seconds`: the time between the first requests of two connections. Thousands of connections at once would overflow
    the service's queue of new connections, and held requests would be answered in one burst per round. Later requests keep a
    slightly shorter gap: after a stall many are answered at once, and without a gap the burst would return in each round.
    """

    #: The service that is loaded, by its index in the group.
    copy = 0

    def __init__(self, recorder: Recorder, exchanges: list[Exchange], gap_seconds: float = 0.0) -> None:
        self.recorder = recorder
        self.over = False
        self._exchanges = exchanges
        self._begun = 0
        self._gap_seconds = gap_seconds
        self._turn = time.monotonic()

    def admit(self) -> None:
        """Waits until it is a connection's turn to begin."""
        if self._gap_seconds:
            self._take_turn(self._gap_seconds)

    def _take_turn(self, gap_seconds: float) -> None:
        now = time.monotonic()
        wait, self._turn = self._turn - now, max(self._turn, now) + gap_seconds
        if wait > MIN_WAIT_SECONDS:
            gevent.sleep(wait)

    def start(self) -> None:
        """Does nothing: the connections drive a closed loop."""

    def end(self) -> None:
        """Stops sending. Requests under way still get their answers."""
        self.over = True

    def _own_exchanges(self) -> Iterator[Exchange]:
        # 769 is prime: connections start at distant places of the stream, the same for every target.
        offset = self._begun * 769 % len(self._exchanges)
        self._begun += 1
        return cycle(self._exchanges[offset:] + self._exchanges[:offset])

    def converse(self, user: Sender, connection: Connection, fire: Callable[..., None] | None) -> None:
        """Sends requests until the level is over or the connection can't be kept. Raises Broken."""
        recorder, clock = self.recorder, time.perf_counter_ns
        connection.time_answers(False)
        exchange = connection.exchange
        for route, request, check in self._own_exchanges():
            user.route = route
            user.phase = None
            user.sent_at_ns = sent_ns = clock()
            status = exchange(request)
            microseconds = (clock() - sent_ns) // 1000
            # Until it sends the next request the connection is idle, and the generator is the cause.
            user.sent_at_ns = 0
            problem = check(status, connection.body)
            phase = recorder.phase
            phase.scheduled[route] += 1
            if problem is not None:
                phase.failed[route] += 1
                recorder.explain(route, problem)
            else:
                phase.answered[route] += 1
                phase.sum_microseconds[route] += microseconds
                # `histogram.index_of`, inline.
                microseconds = min(microseconds, HIGHEST_MICROSECONDS)
                bucket = microseconds.bit_length() - SUB_BUCKET_BITS
                if bucket > 0:
                    phase.response[route][(bucket << HALF_COUNT_BITS) + (microseconds >> bucket)] += 1
                else:
                    phase.response[route][microseconds] += 1
            if fire:
                user.tell(fire, route, sent_ns, len(connection.body), problem)
            if self.over or not connection.keep_alive:
                break
            if self._gap_seconds:
                self._take_turn(self._gap_seconds * CLOSER)
                if self.over:
                    break


class OpenLoop:
    """An open loop: arrivals on an absolute Poisson schedule, whatever the service does. Connections take them from a queue.

    Lag is the generator's own delay: how late it sent the request and how late it read the answer. Sending is late from the
    instant at which the request was due, or at which the connection became free if that was later. Reading is late from the
    instant at which the kernel had the end of the answer. What a fuse holds back is late too.
    """

    #: The service that is loaded, by its index in the group.
    copy = 0

    def __init__(
        self, recorder: Recorder, exchanges: list[Exchange], rate: float, seed: int, fuse: Fuse | None = None
    ) -> None:
        self.recorder = recorder
        self.over = False
        self._rate = rate
        self._fuse = fuse
        self._random = random.Random(seed)
        offset = self._random.randrange(len(exchanges))
        self._exchanges = cycle(exchanges[offset:] + exchanges[:offset])
        least, most = BACKLOG_LIMITS
        self._limit = int(min(max(least, rate * BACKLOG_SECONDS), most))
        self._waiting: deque[tuple[int, Exchange, Phase]] = deque()
        #: Connections without a request. The one that has waited longest is first.
        self._idle: deque[Any] = deque()
        self._dispatcher: Any = None

    def admit(self) -> None:
        """Lets connections begin at once: the schedule of arrivals spreads their requests."""

    def start(self) -> None:
        self._dispatcher = gevent.spawn(self._dispatch)

    def _dispatch(self) -> None:
        """Makes all arrivals, in one greenlet. Arrivals that are overdue are made at once: the schedule is absolute."""
        timer, clock, gap, waiting, idle = Timer(), time.perf_counter_ns, self._random.expovariate, self._waiting, self._idle
        run_callback = gevent.get_hub().loop.run_callback
        rate = self._rate / 1e9
        due = clock() + int(gap(rate))
        try:
            while not self.over:
                now = clock()
                while due <= now and not self.over:
                    exchange, phase = next(self._exchanges), self.recorder.phase
                    phase.scheduled[exchange.route] += 1
                    if idle:
                        run_callback(idle.popleft(), (due, exchange, phase))
                    elif len(waiting) < self._limit:
                        waiting.append((due, exchange, phase))
                    else:
                        phase.dropped[exchange.route] += 1
                    due += int(gap(rate))
                timer.wait_until(due)
        finally:
            timer.close()

    def end(self) -> None:
        """Stops the arrivals. Those in the queue may still be sent for GRACE_SECONDS; the rest stays `open`."""
        self.over = True
        deadline = time.monotonic() + GRACE_SECONDS
        while self._waiting and time.monotonic() < deadline:
            gevent.sleep(0.01)
        self._waiting.clear()
        while self._idle:
            gevent.get_hub().loop.run_callback(self._idle.popleft(), None)

    def converse(self, user: Sender, connection: Connection, fire: Callable[..., None] | None) -> None:
        """Sends requests until the level is over or the connection can't be kept. Raises Broken."""
        recorder, clock, waiting = self.recorder, time.perf_counter_ns, self._waiting
        connection.time_answers(True)
        exchange, fuse = connection.exchange, self._fuse
        hub: Any = gevent.get_hub()
        resume = gevent.getcurrent().switch
        free_ns = 0
        while True:
            if waiting:
                arrival = waiting.popleft()
            elif self.over:
                return
            else:
                free_ns = 0
                self._idle.append(resume)
                # The dispatcher hands over the next arrival, or None at the end.
                arrival = hub.switch()
                if arrival is None:
                    return
            if fuse and fuse.take() and self.over:
                # It stays open: nothing may be under way after the level.
                return
            due_ns, (route, request, check), phase = arrival
            user.route = route
            user.phase = phase
            user.sent_at_ns = sent_ns = clock()
            status = exchange(request)
            done_ns = clock()
            user.sent_at_ns = 0
            user.phase = None
            problem = check(status, connection.body)
            if problem is not None:
                phase.failed[route] += 1
                recorder.explain(route, problem)
            else:
                microseconds = (done_ns - due_ns) // 1000
                phase.answered[route] += 1
                phase.sum_microseconds[route] += microseconds
                phase.response[route][index_of(min(microseconds, HIGHEST_MICROSECONDS))] += 1
                phase.service[route][index_of(min((done_ns - sent_ns) // 1000, HIGHEST_MICROSECONDS))] += 1
                lag_ns = sent_ns - max(due_ns, free_ns) + connection.unread_ns
                phase.lag[route][index_of(min(lag_ns // 1000, HIGHEST_MICROSECONDS))] += 1
            free_ns = done_ns
            if fire:
                user.tell(fire, route, due_ns, len(connection.body), problem)
            if not connection.keep_alive:
                return


Loop = ClosedLoop | OpenLoop


class Stage:
    """Gives a worker's users the current loop. They wait here while there is none."""

    def __init__(self) -> None:
        self.loop: Loop | None = None
        self._begun = Event()

    def begin(self, loop: Loop) -> None:
        self.loop = loop
        loop.start()
        self._begun.set()

    def end(self) -> None:
        """Ends the loop. Each user waits here again as soon as it has its last answer."""
        loop, self.loop = self.loop, None
        self._begun.clear()
        if loop:
            loop.end()

    def wait(self) -> Loop:
        """Waits until there is a loop, and returns it."""
        while self.loop is None:
            self._begun.wait()
        return self.loop
