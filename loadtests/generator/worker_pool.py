"""The master's side of a trial's workers: starts them, sends them messages, and notices when one is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import gevent
import msgspec
from gevent.queue import Empty, SimpleQueue
from locust import User, task
from locust.env import Environment

from loadtests.protocol import group_messages, messages
from loadtests.protocol.group_messages import Collect, Collected, GroupSpec, Part, PartResult, Remarks

START_SECONDS = 30.0
#: Time for external workers, which a person starts by hand.
EXTERNAL_SECONDS = 300.0
#: A worker that sends nothing for this time is lost. Workers report each second.
SILENCE_SECONDS = 5.0
#: Time for a worker's result after a level's end: the grace for the queue, and the time-out of requests under way.
RESULT_SECONDS = 20.0

T = TypeVar("T")


class Stop(Exception):
    """The trial can't continue: stage and reason."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason


class ProfileUser(User):
    """The user class of the master, which knows only its name. The workers have the profile's own class of that name."""

    @task
    def nothing(self) -> None:
        """Never runs: users run only in workers."""


class GroupUser(ProfileUser):
    """The same for the workers of a group."""


class Workers:
    """One worker for each CPU that this process may use, pinned to it, and the external workers. A context.

    `module`: the workers' program. `user`: named as its user class. Raises Stop.
    """

    def __init__(self, spec: messages.LoadSpec | GroupSpec, module: str, user: type[User]) -> None:
        self._local: list[subprocess.Popen[bytes]] = []
        self._environment = Environment(user_classes=[user], host=f"http://{spec.host}:{getattr(spec, 'port', 0)}")
        # A lost worker fails the trial: Locust's own answer, which is to spread its users, is not used.
        self._runner: Any = self._environment.create_master_runner(spec.master_host, spec.master_port)
        self._received: dict[str, SimpleQueue[Any]] = {
            name: SimpleQueue()
            for name in (
                messages.READY,
                messages.PREPARED,
                messages.RESULT,
                group_messages.PARTED,
                group_messages.COLLECTED,
                group_messages.REMARKED,
            )
        }
        self._windows: dict[str, SimpleQueue[Any]] = {}
        for name in (*self._received, messages.WINDOW):
            self._runner.register_message(name, self._receive)
        self._results: tuple[messages.WorkerResult, ...] = ()
        self._attempt = 0
        cpus = sorted(os.sched_getaffinity(0))
        self.count = len(cpus) + spec.external_workers
        address = f"{'127.0.0.1' if spec.master_host == '0.0.0.0' else spec.master_host}:{spec.master_port}"
        for cpu in cpus:
            command = [sys.executable, "-m", module, address, str(cpu)]
            # Workers write to standard error: standard output is for events only.
            self._local.append(subprocess.Popen(command, stdout=sys.stderr.fileno()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._local:
            process.kill()

    def _receive(self, *, msg: Any, **_: Any) -> None:
        if msg.type == messages.WINDOW:
            self._windows.setdefault(msg.node_id, SimpleQueue()).put(msg.data)
        else:
            self._received[msg.type].put(msg.data)

    def prepare(self, spec: messages.LoadSpec | GroupSpec) -> None:
        """Waits until all workers have connected, and lets them make the profile's stream."""
        patience = EXTERNAL_SECONDS if spec.external_workers else START_SECONDS
        deadline = time.monotonic() + patience
        while (ready := self._received[messages.READY].qsize()) < self.count:
            self._check_local_workers()
            if time.monotonic() > deadline:
                raise Stop("load", f"only {ready} of {self.count} load workers connected within {patience:g} s")
            gevent.sleep(0.01)
        for number, worker in enumerate(self._ids()):
            numbered = msgspec.structs.replace(spec, worker=number)
            self._runner.send_message(messages.PREPARE, msgspec.to_builtins(numbered), worker)
        self._all(messages.PREPARED, dict[str, Any], START_SECONDS)

    def spawn(self, connections: int) -> None:
        """Sets the number of users, which Locust spreads evenly over the workers."""
        if change := abs(connections - self._runner.user_count):
            # All at once, without one of Locust's ramps.
            self._runner.start(connections, spawn_rate=change)

    def begin(self, level: messages.TimedLevel, rate: float, seed: int) -> None:
        """Begins a level's warm-up. `rate`: of all workers together; 0 in a closed loop."""
        gap_seconds = level.hold_milliseconds / 1000 * self.count / level.connections
        for index, client in enumerate(self._ids()):
            share = messages.Share(
                not rate, rate / self.count, level.routes, seed * 1000 + index,
                level.hold_milliseconds, gap_seconds, level.window_seconds,
            )  # fmt: skip
            self._runner.send_message(messages.BEGIN, msgspec.to_builtins(share), client)

    def measure(self) -> None:
        """Begins a measured window on all workers: the first of a level, or a repeat."""
        self._attempt += 1
        self._runner.send_message(messages.MEASURE, f"measure {self._attempt}")

    def window(self, phase: str) -> tuple[messages.WorkerWindow, ...]:
        """The next window of each worker. Raises Stop if a worker sends none."""
        # Numbered, so that the last second of a window that is repeated does not count as the first of its repeat.
        name = f"measure {self._attempt}" if phase == "measure" else phase
        return tuple(self._next_window(self._windows.setdefault(worker, SimpleQueue()), name) for worker in self._ids())

    def _next_window(self, received: SimpleQueue[Any], phase: str) -> messages.WorkerWindow:
        while True:
            window = msgspec.convert(self._get(received, SILENCE_SECONDS), messages.WorkerWindow)
            # The last window of the warm-up may have been on its way when the measured window began.
            if window.phase == phase:
                return window

    def end(self) -> tuple[messages.WorkerResult, ...]:
        """Ends the level, and returns what each worker measured. Raises Stop."""
        self._runner.send_message(messages.END, {})
        self._results = self._all(messages.RESULT, messages.WorkerResult, RESULT_SECONDS)
        self._windows.clear()
        return self._results

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """The requests since the start that were answered as expected, and those that were not, by route."""
        return _sum([r.answered for r in self._results]), _sum([r.failed for r in self._results])

    def remarks(self) -> tuple[tuple[str, ...], int]:
        """The first failures as sentences, and the number of connections that were opened."""
        samples = [sample for result in self._results for sample in result.failure_samples]
        return tuple(samples[:10]), sum(result.connections_opened for result in self._results)

    def part(self, parts: Sequence[Part], seconds: float) -> tuple[PartResult, ...]:
        """Runs one part, a share of it on each worker, and returns what each measured. Raises Stop."""
        for worker, share in zip(self._ids(), parts, strict=True):
            self._runner.send_message(group_messages.PART, msgspec.to_builtins(share), worker)
        return self._all(group_messages.PARTED, PartResult, seconds)

    def collect(self, wanted: Collect) -> tuple[Collected, ...]:
        """The sum of kept parts, of each worker. Raises Stop."""
        self._runner.send_message(group_messages.COLLECT, msgspec.to_builtins(wanted))
        return self._all(group_messages.COLLECTED, Collected, RESULT_SECONDS)

    def group_remarks(self) -> tuple[Remarks, ...]:
        """Of each worker: the first failures as sentences, and the number of connections opened, by copy. Raises Stop."""
        self._runner.send_message(group_messages.REMARKS, {})
        return self._all(group_messages.REMARKED, Remarks, RESULT_SECONDS)

    def cpu_ns(self) -> int:
        """The CPU time of the master and of the workers of this container, by the scheduler's own count."""
        return sum(_scheduled_ns(pid) for pid in (os.getpid(), *(process.pid for process in self._local)))

    def _all(self, name: str, kind: type[T], seconds: float) -> tuple[T, ...]:
        """One message from each worker, each within `seconds`."""
        return tuple(msgspec.convert(self._get(self._received[name], seconds), kind) for _ in range(self.count))

    def _get(self, received: SimpleQueue[Any], seconds: float) -> Any:
        try:
            return received.get(timeout=seconds)
        except Empty:
            self._check_local_workers()
            missing = [client.id for client in self._runner.clients.missing]
            who = f": no heartbeat of {', '.join(missing)}" if missing else ""
            raise Stop("load", f"a load worker was lost: it sent nothing for {seconds:g} s{who}") from None

    def _ids(self) -> list[str]:
        return sorted(self._runner.clients)

    def _check_local_workers(self) -> None:
        """Raises Stop if a worker of this container has ended."""
        for process in self._local:
            if process.poll() is not None:
                raise Stop("load", f"a load worker was lost: it ended with status {process.returncode}")


def _scheduled_ns(pid: int) -> int:
    """The CPU time of a process's first thread, which does all of a worker's work. 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except (OSError, IndexError):
        return 0


def _sum(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for by_route in counts:
        for name, count in by_route.items():
            total[name] = total.get(name, 0) + count
    return total
