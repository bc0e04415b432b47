"""The watcher from outside: a container that sees, at the service's own address, when an answer was first as expected.

The generator can't do it: it polls for one start, and its Locust would be there for each of many.
"""

from __future__ import annotations

from typing import Self

import msgspec
from docker.errors import DockerException

from harness.containers.lifecycle import RunningContainer, TrialContainers
from harness.containers.spec import LOOPBACK, instrument_spec
from harness.errors import TrialError
from harness.trials.generator import decode_events, expect
from loadtests.protocol import messages

PATIENCE_SECONDS = 30.0
ROLE = "watcher"


class Watcher:
    """One container for all the starts of a trial. A context: in it, the watcher is loaded. Raises TrialError."""

    def __init__(
        self, containers: TrialContainers, image: str, cpus: str, port: int, asks: tuple[messages.Ask, ...]
    ) -> None:
        spec = messages.WatchSpec(LOOPBACK, port, asks, PATIENCE_SECONDS)
        command = ("/opt/venv/bin/python", "-m", "loadtests.generator.readiness_probe", msgspec.json.encode(spec).decode())
        self._running = containers.add(instrument_spec(image, cpus, ROLE, command))
        # Attached before it starts, so that nothing is missed.
        chunks = self._running.container.attach(stdout=True, stderr=False, stream=True, logs=True)
        self._events = decode_events(chunks)

    def __enter__(self) -> Self:
        self._running.start()
        expect(next(self._events, None), messages.Watching)
        return self

    def __exit__(self, *_: object) -> None:
        """The crew removes the container."""

    def begin(self) -> None:
        """Look for the answers of the service that is started next."""
        try:
            self._running.container.kill(signal="SIGUSR1")
        except DockerException:
            raise TrialError("readiness", "the watcher ended before its time: see its log") from None

    def seen(self, service: RunningContainer) -> messages.Seen:
        """When each answer came."""
        try:
            return expect(next(self._events, None), messages.Seen)
        except TrialError as error:
            state = service.state()
            if state["Running"]:
                raise
            raise TrialError("service", f"ended at start with status {state['ExitCode']}") from error
