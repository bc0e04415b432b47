"""What the connections of one worker do during a level: a closed or an open loop over the profile's exchanges."""

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
from loadtests.generator.recorder import Phase, Recorder
from loadtests.generator.timer import Timer
from loadtests.protocol.histogram import HALF_COUNT_BITS, HIGHEST_MICROSECONDS, SUB_BUCKET_BITS, index_of

#: So many seconds of arrivals may wait in line; what comes on top is dropped, and the level is not valid.
BACKLOG_SECONDS = 10.0
BACKLOG_LIMITS = (1_000, 100_000)
#: How long arrivals that wait in line at the end of a window may still be sent.
GRACE_SECONDS = 2.0
#: How much closer than its first requests those of a loop with gaps may come: so fast a burst is spread out again.
CLOSER = 0.75
#: A burst of so little is left as it is: gevent's timers overshoot by up to a millisecond.
MIN_WAIT_SECONDS = 0.005


class Sender(Protocol):
    """The user whose connection a loop drives: it keeps the request under way, and tells Locust's listeners."""

    route: int
    phase: Phase | None
    #: 0: no request is under way.
    sent_at_ns: int

    def tell(self, fire: Callable[..., None], route: int, since_ns: int, length: int, problem: str | None) -> None: ...


class ClosedLoop:
    """Each connection sends its next request as soon as it has its answer.

    `gap_seconds`: between the first requests of two connections. Thousands that connect at once overflow the service's line
    of new connections, and requests that are held would be answered in one burst a round. Later ones keep a little less than
    that from one another: after a stall many are answered at once, and would else come back as the same burst in each round.
    """

    def __init__(self, recorder: Recorder, exchanges: list[Exchange], gap_seconds: float = 0.0) -> None:
        self.recorder = recorder
        self.over = False
        self._exchanges = exchanges
        self._begun = 0
        self._gap_seconds = gap_seconds
        self._turn = time.monotonic()

    def admit(self) -> None:
        """Return when it is a connection's turn to begin."""
        if self._gap_seconds:
            self._take_turn(self._gap_seconds)

    def _take_turn(self, gap_seconds: float) -> None:
        now = time.monotonic()
        wait, self._turn = self._turn - now, max(self._turn, now) + gap_seconds
        if wait > MIN_WAIT_SECONDS:
            gevent.sleep(wait)

    def start(self) -> None:
        """Nothing drives a closed loop but its connections."""

    def end(self) -> None:
        """No further request; those under way get their answers."""
        self.over = True

    def _own_exchanges(self) -> Iterator[Exchange]:
        # 769 is prime: connections start well apart, and every target sees the same streams.
        offset = self._begun * 769 % len(self._exchanges)
        self._begun += 1
        return cycle(self._exchanges[offset:] + self._exchanges[:offset])

    def converse(self, user: Sender, connection: Connection, fire: Callable[..., None] | None) -> None:
        """Until the level is over or the connection can't be kept. Raises Broken."""
        recorder, clock = self.recorder, time.perf_counter_ns
        exchange = connection.exchange
        for route, request, check in self._own_exchanges():
            user.route = route
            user.phase = None
            user.sent_at_ns = sent_ns = clock()
            status = exchange(request)
            microseconds = (clock() - sent_ns) // 1000
            # Until the next request is sent, this connection is idle by the generator's own doing.
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
                # histogram.index_of, inline.
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
    """Arrivals on an absolute Poisson schedule, whatever the service does; connections take them from a queue.

    A request is `sent late` (lag) by the generator alone when a connection was free: then it counts from its intended
    instant, else from the instant at which a connection became free.
    """

    def __init__(self, recorder: Recorder, exchanges: list[Exchange], rate: float, seed: int) -> None:
        self.recorder = recorder
        self.over = False
        self._rate = rate
        self._random = random.Random(seed)
        offset = self._random.randrange(len(exchanges))
        self._exchanges = cycle(exchanges[offset:] + exchanges[:offset])
        least, most = BACKLOG_LIMITS
        self._limit = int(min(max(least, rate * BACKLOG_SECONDS), most))
        self._waiting: deque[tuple[int, Exchange, Phase]] = deque()
        #: Connections without a request, first come, first served.
        self._idle: deque[Any] = deque()
        self._dispatcher: Any = None

    def admit(self) -> None:
        """Connections begin at once: the schedule of arrivals spreads their requests."""

    def start(self) -> None:
        self._dispatcher = gevent.spawn(self._dispatch)

    def _dispatch(self) -> None:
        """One greenlet makes all arrivals. An instant that has passed is made up for at once: the schedule is absolute."""
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
        """No further arrival. Those that wait in line are sent for a while yet, then they stay `open` for good."""
        self.over = True
        deadline = time.monotonic() + GRACE_SECONDS
        while self._waiting and time.monotonic() < deadline:
            gevent.sleep(0.01)
        self._waiting.clear()
        while self._idle:
            gevent.get_hub().loop.run_callback(self._idle.popleft(), None)

    def converse(self, user: Sender, connection: Connection, fire: Callable[..., None] | None) -> None:
        """Until the level is over or the connection can't be kept. Raises Broken."""
        recorder, clock, waiting = self.recorder, time.perf_counter_ns, self._waiting
        exchange = connection.exchange
        hub: Any = gevent.get_hub()
        mine = gevent.getcurrent().switch
        free_ns = 0
        while True:
            if waiting:
                arrival = waiting.popleft()
            elif self.over:
                return
            else:
                free_ns = 0
                self._idle.append(mine)
                # The dispatcher hands over the next arrival, or None at the end.
                arrival = hub.switch()
                if arrival is None:
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
                phase.lag[route][index_of(min((sent_ns - max(due_ns, free_ns)) // 1000, HIGHEST_MICROSECONDS))] += 1
            free_ns = done_ns
            if fire:
                user.tell(fire, route, due_ns, len(connection.body), problem)
            if not connection.keep_alive:
                return


Loop = ClosedLoop | OpenLoop


class Stage:
    """Where the users of a worker find the loop that is on; they park here while none is."""

    def __init__(self) -> None:
        self.loop: Loop | None = None
        self._begun = Event()

    def begin(self, loop: Loop) -> None:
        self.loop = loop
        loop.start()
        self._begun.set()

    def end(self) -> None:
        """End the loop; users park as soon as they have their last answer."""
        loop, self.loop = self.loop, None
        self._begun.clear()
        if loop:
            loop.end()

    def wait(self) -> Loop:
        """The loop that is on, as soon as one is."""
        while self.loop is None:
            self._begun.wait()
        return self.loop
