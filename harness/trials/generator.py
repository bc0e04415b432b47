"""The client of the load generator's container: starts it, follows its events, and ends it when its time is over."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Generic, Self, TypeVar

import msgspec
import psutil
from docker.errors import DockerException

from harness.containers.engine import FAILURES
from harness.containers.lifecycle import RunningContainer
from harness.errors import TrialError
from harness.evaluation.inputs import GeneratorOutput, LevelOutput
from harness.host.priority import raise_priority
from harness.plan.levels import seconds
from loadtests.protocol import messages

#: Time for what has no bound of its own: container starts, golden cases, drain.
SPARE_SECONDS = 90.0
READY_SECONDS = 30.0
#: A generator that works reports something more often: the longest of its own deadlines is 60 s. One that was stopped would
#: otherwise cost all the time that its trial, or a whole group, may take.
SILENT_SECONDS = 120.0
#: How often its watchdog looks.
LOOK_SECONDS = 1.0
#: How often to check that a service which is not ready yet still runs.
WATCH_SECONDS = 0.25
#: Additional time for workers that a person starts by hand.
EXTERNAL_SECONDS = 300.0

OnWindow = Callable[[messages.Window], None]
#: Called when a level has ended and no request is under way. The generator waits meanwhile.
OnLevelEnd = Callable[[messages.LevelEnd], None]
#: Called with a measured window and its seconds. True: the window was still warm-up, and is measured again.
OnPassed = Callable[[messages.Passed, Sequence[messages.Window]], bool]
E = TypeVar("E")
Event = TypeVar("Event")


class GeneratorContainer(Generic[Event]):
    """A generator's container and its events. A context, in which the generator is killed when its time is over, or when it
    was silent for long after its first event.
    """

    def __init__(self, running: RunningContainer, bound_seconds: float, decode: Callable[[bytes], Event]) -> None:
        self._running = running
        #: Whether the generator has a higher priority than what may share its core.
        self.raised = False
        self._bound_seconds = READY_SECONDS + SPARE_SECONDS + bound_seconds
        self._heard: float | None = None
        self._over = threading.Event()
        # Attached before the container starts, so that no event is missed.
        self._output = running.container.attach(stdout=True, stderr=False, stream=True, logs=True)
        self.events = self._hear(decode_events(self._output, decode))

    def __enter__(self) -> Self:
        self._running.start()
        threading.Thread(target=self._watch, name="generator-watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _hear(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            self._heard = time.monotonic()
            yield event

    def _watch(self) -> None:
        """Kills the generator: its events end then."""
        end = time.monotonic() + self._bound_seconds
        while not self._over.wait(LOOK_SECONDS):
            silent = self._heard is not None and time.monotonic() > self._heard + SILENT_SECONDS
            if silent or time.monotonic() > end:
                try:
                    self._running.container.kill()
                except FAILURES:
                    # The engine does not answer any more. Nothing else would end the wait for its output.
                    self._output.close()
                return

    def hello(self) -> messages.Hello:
        """Waits until the generator and its workers are loaded, and raises their priority. Raises TrialError."""
        found = expect(next(self.events, None), messages.Hello)
        self.raised = raise_priority(self._running.pid)
        return found

    def answer(self, signal: str = "SIGUSR1") -> None:
        """Lets the generator go on. Raises TrialError."""
        try:
            self._running.container.kill(signal=signal)
        except DockerException:
            raise TrialError("load", "the load generator ended too early: see its log") from None


class Generator(GeneratorContainer[messages.Event]):
    """The generator of one service."""

    def __init__(self, running: RunningContainer, spec: messages.LoadSpec) -> None:
        longest = sum(seconds(level, longest=True) for level in spec.levels)
        super().__init__(running, longest + (EXTERNAL_SECONDS if spec.external_workers else 0.0), messages.decode_event)

    def follow(
        self,
        hello: messages.Hello,
        service: RunningContainer,
        on_window: OnWindow,
        on_level_end: OnLevelEnd,
        on_passed: OnPassed = lambda _passed, _windows: False,
    ) -> GeneratorOutput:
        """Follows the events to the end of the last level. Raises TrialError."""
        with self._ended_with(service):
            ready = expect(self._next(service), messages.ServiceReady)
        process = psutil.Process()
        levels: list[LevelOutput] = []
        cpu, loaded = 0.0, 0.0
        while True:
            windows: list[tuple[messages.Window, ...]] = []
            measured: list[messages.Measured] = []
            current: list[messages.Window] = []
            before = sum(process.cpu_times()[:2]), time.monotonic()
            while not isinstance(event := self._next(service), messages.LevelEnd | messages.Done):
                if isinstance(event, messages.Window):
                    current.append(event)
                    on_window(event)
                    if not event.requests and not service.state()["Running"]:
                        raise TrialError("service", why_ended(service))
                elif isinstance(event, messages.Passed):
                    kept = [w for w in current if w.phase == "measure" and w.start_ns >= event.start_ns]
                    self.answer("SIGUSR2" if on_passed(event, kept) else "SIGUSR1")
                else:
                    measured.append(expect(event, messages.Measured))
                    windows.append(tuple(current))
                    current = []
            if isinstance(event, messages.Done):
                return GeneratorOutput(hello, ready, tuple(levels), event, cpu, loaded)
            cpu, loaded = cpu + sum(process.cpu_times()[:2]) - before[0], loaded + time.monotonic() - before[1]
            on_level_end(event)
            levels.append(LevelOutput(tuple(windows), tuple(measured), event))
            self.answer("SIGUSR1")

    @contextlib.contextmanager
    def _ended_with(self, service: RunningContainer) -> Iterator[None]:
        """Kills the generator when the service has ended. Otherwise it would poll until its time-out."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(WATCH_SECONDS):
                with contextlib.suppress(DockerException):
                    if not service.state()["Running"]:
                        self._running.container.kill()
                        return

        thread = threading.Thread(target=watch, name="start-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _next(self, service: RunningContainer) -> messages.Event | None:
        """The next event, None after the last. Raises TrialError if the service has ended."""
        event = next(self.events, None)
        if (event is None or isinstance(event, messages.Fatal)) and not service.state()["Running"]:
            raise TrialError("service", why_ended(service))
        return event


def decode_events(chunks: Iterable[bytes], decode: Callable[[bytes], Event]) -> Iterator[Event]:
    """The events in a container's output. Raises TrialError."""
    pending = b""
    for chunk in chunks:
        *complete, pending = (pending + chunk).split(b"\n")
        for line in complete:
            try:
                yield decode(line)
            except msgspec.MsgspecError:
                raise TrialError("load", f"the load generator printed a line that is not an event: {line[:200]!r}") from None


def expect(event: object, kind: type[E]) -> E:
    """The event, if it is of the expected kind. Raises TrialError."""
    if isinstance(event, messages.Fatal):
        raise TrialError(event.stage, event.reason)
    if event is None:
        raise TrialError(
            "load", "the load generator ended too early, or was killed because it was silent or its time was over"
        )
    if not isinstance(event, kind):
        raise TrialError("load", f"the load generator sent {type(event).__name__} where {kind.__name__} was expected")
    return event


def why_ended(running: RunningContainer) -> str:
    """The sentence about a service, or what stands beside it, that has ended."""
    state = running.state()
    what = "service" if running.spec.role.startswith("service") else running.spec.role.removeprefix("beside-")
    cause = ", killed for lack of memory" if state["OOMKilled"] else ""
    return f"the {what} ended by itself with status {state['ExitCode']}{cause}"


def clock_offset_of(hello: messages.Hello) -> int:
    """Nanoseconds to add to the generator's instants to get those of this process's monotonic clock.

    Containers on this kernel share the clock. An engine in a virtual machine has another one. The offset then follows from
    both wall clocks, which are synchronized.
    """
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        boot_id = ""
    if boot_id == hello.boot_id:
        return 0
    return (time.monotonic_ns() - time.time_ns()) - (hello.monotonic_ns - hello.unix_ns)
