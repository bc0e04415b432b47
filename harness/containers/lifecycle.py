"""Starts, watches and ends the containers of a trial through the engine's API; everything carries labels.

A killed harness leaves containers behind; `owner` in their labels tells whether the process that started them lives.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Self

import docker
import psutil
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container

from harness.containers.images import TRIAL
from harness.containers.spec import LABEL, LOOPBACK, ContainerSpec, engine_arguments
from harness.errors import EngineError, PortTaken, TrialError

LOG_LINES = 20


def owner() -> str:
    """This process, told apart from a later one with the same number: "pid:start time"."""
    process = psutil.Process()
    return f"{process.pid}:{process.create_time():.2f}"


def owner_lives(label: str) -> bool:
    """Whether the process that an owner label names is still there."""
    pid, _, created = label.partition(":")
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == created
    except (psutil.Error, ValueError):
        return False


def new_password() -> str:
    """A random password for one trial's database; letters, digits, - and _."""
    return secrets.token_urlsafe(24)


def check_port_free(port: int, role: str) -> None:
    """Raises PortTaken when something listens on the port of the loopback interface."""
    with socket.socket() as probe:
        # What the services do too: connections of the trial before, in TIME_WAIT, are no listeners.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise PortTaken(
                f"port {port} on {LOOPBACK}, meant for the {role}, is taken: end what listens there or set "
                f"{role} under [ports] in fitmap.toml (`fitmap clean` removes what a killed run left)"
            ) from None


class RunningContainer:
    """One container of a trial."""

    def __init__(self, container: Container, spec: ContainerSpec) -> None:
        self.container = container
        self.spec = spec

    def start(self) -> None:
        """Raises TrialError."""
        try:
            self.container.start()
        except APIError as error:
            # A service may be what does not start: under a memory limit that is too small for it, say.
            stage = "service" if self.spec.role.startswith("service") else "start"
            raise TrialError(stage, f"the {self.spec.role} container does not start: {error.explanation}") from None

    def state(self) -> dict[str, Any]:
        """The engine's State object, fresh."""
        self.container.reload()
        state: dict[str, Any] = self.container.attrs["State"]
        return state

    @property
    def pid(self) -> int:
        return int(self.state()["Pid"])

    def started_unix_ns(self) -> int:
        """When the engine started it, by the wall clock."""
        # Nanoseconds, which fromisoformat would refuse.
        text = str(self.container.attrs["State"]["StartedAt"]).rstrip("Z")
        seconds, _, fraction = text.partition(".")
        moment = datetime.fromisoformat(seconds + "+00:00")
        return int(moment.timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9])

    def execute(self, command: list[str], user: str) -> str:
        """Run a command inside and return what it prints. Raises TrialError."""
        result: Any = self.container.exec_run(command, user=user)
        code, text = result.exit_code, result.output.decode(errors="replace")
        if code:
            raise TrialError("statistics", f"{command[0]} in the {self.spec.role} container failed: {text.strip()[-300:]}")
        return str(text)

    def log_tail(self) -> str:
        """The last lines it logged."""
        try:
            logs: Any = self.container.logs(tail=LOG_LINES)
            return str(logs.decode(errors="replace"))
        except DockerException:
            return ""

    def stop(self, timeout_seconds: int) -> tuple[int, bool]:
        """SIGTERM, then SIGKILL after the timeout; (exit status, killed for want of memory)."""
        self.container.stop(timeout=timeout_seconds)
        state = self.state()
        return int(state["ExitCode"]), bool(state["OOMKilled"])


class TrialContainers:
    """The containers of one trial; a context that leaves nothing behind."""

    def __init__(self, client: docker.DockerClient, run_id: str, trial_id: str) -> None:
        self.client = client
        self._labels = {f"{LABEL}.run": run_id, f"{LABEL}.trial": trial_id, f"{LABEL}.owner": owner()}
        self._name = f"fitmap-{run_id}-{trial_id}"
        self._part = ""
        self._members: list[RunningContainer] = []
        self._actions: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in reversed(self._members):
            with contextlib.suppress(NotFound):
                member.container.remove(force=True, v=True)
        for action in self._actions:
            action()

    def afterwards(self, action: Callable[[], None]) -> None:
        """Do something when the containers are gone: an image can't be removed before them."""
        self._actions.append(action)

    def add(self, spec: ContainerSpec) -> RunningContainer:
        """Create a container; it is removed when the context ends. Raises EngineError."""
        arguments = engine_arguments(spec, self._labels)
        try:
            container = self.client.containers.create(name=f"{self._name}{self._part}-{spec.role}", **arguments)
        except APIError as error:
            raise EngineError(f"the engine refuses a {spec.role} container: {error.explanation}") from None
        member = RunningContainer(container, spec)
        self._members.append(member)
        return member

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part of the trial with containers of its own. They are gone when it ends; where it fails they stay for their
        logs, until the trial is over.
        """
        before = list(self._members)
        self._part = f"-{name}"
        yield
        for member in [member for member in reversed(self._members) if member not in before]:
            self.dismiss(member)

    def dismiss(self, member: RunningContainer) -> None:
        """Remove a container before the trial is over: another one takes its place."""
        member.container.remove(force=True, v=True)
        self._members.remove(member)

    def logs(self) -> dict[str, str]:
        """The last log lines of service, database and proxy, by role."""
        told = [member for member in self._members if member.spec.role.startswith(("service", "database", "proxy"))]
        return {member.spec.role: member.log_tail() for member in told}


def leftovers(client: docker.DockerClient) -> Iterator[tuple[Container, bool]]:
    """Containers with our labels, and whether the process that started them lives."""
    for container in client.containers.list(all=True, filters={"label": f"{LABEL}.owner"}, ignore_removed=True):
        yield container, owner_lives(container.labels.get(f"{LABEL}.owner", ""))


def clean(client: docker.DockerClient) -> int:
    """Remove what killed runs left behind, images of their trials too; how many containers.

    Raises EngineError when a live run is measuring.
    """
    removed = 0
    for container, alive in list(leftovers(client)):
        if alive:
            pid = container.labels[f"{LABEL}.owner"].partition(":")[0]
            if pid != str(os.getpid()):
                raise EngineError(f"another run is measuring on this engine (process {pid}): wait for it or end it")
            continue
        with contextlib.suppress(NotFound):
            container.remove(force=True, v=True)
        removed += 1
    # Of a trial that builds; nobody else is measuring, so nobody needs them.
    for image in client.images.list(filters={"reference": f"fitmap/*:{TRIAL}*"}):
        with contextlib.suppress(APIError):
            client.api.remove_image(str(image.id), force=True)
    return removed
