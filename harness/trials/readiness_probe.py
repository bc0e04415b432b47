"""The client of the readiness probe: a container that records when a service first answers as expected.

The load generator is not used for this: it polls for one start only, and loading Locust for each start would take long.
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
    """One readiness probe for all starts of a trial. A context, in which it is loaded. Raises TrialError."""

    def __init__(
        self,
        containers: TrialContainers,
        image: str,
        cpus: str,
        port: int,
        asks: tuple[messages.Ask, ...],
        patience_seconds: float | None = None,
    ) -> None:
        spec = messages.WatchSpec(LOOPBACK, port, asks, patience_seconds or PATIENCE_SECONDS)
        command = ("/opt/venv/bin/python", "-m", "loadtests.generator.readiness_probe", msgspec.json.encode(spec).decode())
        self._running = containers.add(instrument_spec(image, cpus, ROLE, command))
        # Attached before the container starts, so that no event is missed.
        chunks = self._running.container.attach(stdout=True, stderr=False, stream=True, logs=True)
        self._events = decode_events(chunks, messages.decode_event)

    def __enter__(self) -> Self:
        self._running.start()
        expect(next(self._events, None), messages.Watching)
        return self

    def __exit__(self, *_: object) -> None:
        """The trial's containers are removed together."""

    def begin(self) -> None:
        """Begins to poll the service that is started next. Raises TrialError."""
        try:
            self._running.container.kill(signal="SIGUSR1")
        except DockerException:
            raise TrialError("readiness", "the readiness probe ended too early: see its log") from None

    def seen(self, service: RunningContainer) -> messages.Seen:
        """The instants at which the answers came. Raises TrialError."""
        try:
            return expect(next(self._events, None), messages.Seen)
        except TrialError as error:
            state = service.state()
            if state["Running"]:
                raise
            raise TrialError("service", f"the service ended while it started, with status {state['ExitCode']}") from error
