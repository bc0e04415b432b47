"""A worker of the load generator: Locust's WorkerRunner with the lean user, and one loop at a time.

    python -m loadtests.generator.worker HOST:PORT [CPU]

The master sends it everything else, so a worker on another machine needs only the load image and the master's address.
CPU: the one to which the worker pins itself.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import Any

import gevent
import msgspec
from locust.env import Environment

from loadtests.generator.loops import Loop
from loadtests.generator.profile_users import profile_user
from loadtests.generator.recorder import Phase
from loadtests.generator.stated import StatedConnection, UniqueNumbers
from loadtests.generator.user import REQUEST_TIMEOUT_SECONDS, LeanUser, under_way_seconds, watch_timeouts
from loadtests.generator.wire import Peer
from loadtests.protocol import messages


class LocustWorker:
    """Locust's runner of a worker, and its users."""

    def __init__(self, master_host: str, master_port: int) -> None:
        self.environment = Environment(user_classes=[])
        self.runner = self.environment.create_worker_runner(master_host, master_port)

    def announce(self) -> None:
        """Tells the master that this worker understands its messages. Locust has announced the worker itself before."""
        self.runner.send_message(messages.READY, {})

    def users(self) -> list[LeanUser]:
        return [greenlet.args[0] for greenlet in self.runner.user_greenlets]


class Worker(LocustWorker):
    """Follows the master's messages, in the order in which they come."""

    def __init__(self, master_host: str, master_port: int) -> None:
        super().__init__(master_host, master_port)
        self._user: type[LeanUser]
        self._measured: Phase
        self._busy_before = 0.0
        self._phase = "warmup"
        self._window_seconds = 1.0
        self._reporter: Any = None
        self.runner.register_message(messages.PREPARE, self._prepare)
        self.runner.register_message(messages.BEGIN, self._begin)
        self.runner.register_message(messages.MEASURE, self._measure)
        # Waits for the last answers, while the runner's own greenlet still receives the master's heartbeat.
        self.runner.register_message(messages.END, self._end, concurrent=True)
        self.announce()

    def _prepare(self, *, msg: Any, **_: Any) -> None:
        spec = msgspec.convert(msg.data, messages.LoadSpec)
        StatedConnection.numbers = UniqueNumbers(spec.worker, time.time_ns())
        self._user = profile_user(spec.profile)
        self._user.fire_events = False
        self._user.prepare(spec.seed)
        if spec.outside:
            peer = Peer(spec.outside)
            self._user.addresses = ((peer.address, spec.outside.port, peer),)
        self.environment.user_classes = [self._user]
        gevent.spawn(watch_timeouts, self.users)
        # All objects made so far stay. A garbage collection during a window would be a pause of the generator.
        gc.collect()
        gc.freeze()
        self.runner.send_message(messages.PREPARED, {})

    def _begin(self, *, msg: Any, **_: Any) -> None:
        share = msgspec.convert(msg.data, messages.Share)
        loop: Loop
        if share.hold_milliseconds:
            loop = self._user.held_loop(share.hold_milliseconds, share.gap_seconds)
        elif share.closed:
            loop = self._user.closed_loop(share.routes)
        else:
            loop = self._user.open_loop(share.rate, share.seed, share.routes)
        self._phase = "warmup"
        self._window_seconds = share.window_seconds
        self._user.recorder.next_phase()
        self._user.stage.begin(loop)
        self._reporter = gevent.spawn(self._report_windows)

    def _report_windows(self) -> None:
        phase, before = self._user.recorder.phase, (0, 0, 0)
        while True:
            gevent.sleep(self._window_seconds)
            now = sum(phase.answered), sum(phase.failed) + sum(phase.timed_out), sum(phase.sum_microseconds)
            requests, failures, microseconds = (after - earlier for after, earlier in zip(now, before, strict=True))
            before = now
            window = messages.WorkerWindow(self._phase, requests, failures, microseconds)
            self.runner.send_message(messages.WINDOW, msgspec.to_builtins(window))

    def _measure(self, *, msg: Any, **_: Any) -> None:
        self._reporter.kill()
        self._busy_before = under_way_seconds(self.users())
        self._phase = msg.data
        self._user.recorder.next_phase()
        self._reporter = gevent.spawn(self._report_windows)

    def _end(self, **_: Any) -> None:
        """Ends the window now, and reports when each connection has its last answer."""
        self._reporter.kill()
        recorder = self._user.recorder
        busy_after = under_way_seconds(self.users())
        measured = recorder.next_phase()
        # In a closed loop the answers up to now belong to the window. An open loop waits for the requests that it scheduled.
        busy = sum(measured.sum_microseconds) / 1e6 + busy_after - self._busy_before
        self._user.stage.end()
        with gevent.Timeout(REQUEST_TIMEOUT_SECONDS + 2, exception=False):
            while any(user.sent_at_ns for user in self.users()):
                gevent.sleep(0.005)
        answered, failed = recorder.totals()
        result = messages.WorkerResult(
            busy_seconds=busy,
            routes=measured.results(recorder.routes),
            answered=answered,
            failed=failed,
            failure_samples=tuple(recorder.failure_samples),
            connections_opened=recorder.connections_opened,
        )
        self.runner.send_message(messages.RESULT, msgspec.to_builtins(result))


def serve(kind: type[LocustWorker]) -> None:
    """Runs a worker until the master ends it."""
    host, _, port = sys.argv[1].rpartition(":")
    if len(sys.argv) > 2:
        os.sched_setaffinity(0, {int(sys.argv[2])})
    try:
        kind(host, int(port)).runner.greenlet.join()
    except ConnectionError:
        raise SystemExit(f"no master answers at {sys.argv[1]}") from None


if __name__ == "__main__":
    serve(Worker)
