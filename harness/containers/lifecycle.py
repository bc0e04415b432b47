"""Starts, inspects and removes the containers of a trial through the engine's API.

All containers carry labels. A killed harness leaves containers behind: the label `owner` shows whether the process that
started them still lives (harness/containers/owners.py).
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container

from harness.containers.commands import run_in
from harness.containers.engine import CALL_TIMEOUT_SECONDS
from harness.containers.images import OF, REVISION, TRIAL
from harness.containers.owners import State, owner, pid_of, state
from harness.containers.spec import LABEL, LOOPBACK, ContainerSpec, engine_arguments, instrument_spec
from harness.errors import EngineError, PortTaken, TrialError
from harness.wording import counted

LOG_LINES = 20
OUTPUT_SECONDS = 60
POLL_SECONDS = 0.05
#: For a command in a running container. The load generator waits 60 s for the statistics of all databases.
EXECUTE_SECONDS = 20
#: How the roles begin whose logs tell what a trial met.
LOGGED = ("service", "database", "proxy", "beside", "migrate")
#: The status of timeout(1) when it had to end the command.
TIMED_OUT = 124


def new_password() -> str:
    """A random password for one trial's database, of letters, digits, - and _."""
    return secrets.token_urlsafe(24)


def check_port_free(port: int, role: str) -> None:
    """Raises PortTaken when something listens on the port of the loopback interface."""
    with socket.socket() as probe:
        # As the services do. Connections of the trial before, in TIME_WAIT, are no listeners.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise PortTaken(
                f"port {port} on {LOOPBACK}, which the {role} needs, is in use: end the program that listens there, or set "
                f"{role} under [ports] in fitmap.toml (`fitmap clean` removes what a killed run left)"
            ) from None


def output_of(client: docker.DockerClient, image_id: str, command: Sequence[str]) -> str:
    """What a command prints on standard output in a container of its own, without network, which is removed afterwards.

    The output is read after the end: logs that are followed while a container ends came back empty now and then.

    Raises EngineError with the engine's reason when the container does not start, or with the last line of standard
    error when the command fails.
    """
    container: Container | None = None
    try:
        container = client.containers.create(
            image_id,
            entrypoint=list(command),
            network_mode="none",
            read_only=True,
            labels={LABEL: "question", f"{LABEL}.owner": owner()},
        )
        container.start()
        status = int(container.wait(timeout=OUTPUT_SECONDS)["StatusCode"])
        output: bytes = container.logs(stdout=True, stderr=False)
        if status != 0:
            words = container.logs(stdout=False, stderr=True).decode(errors="replace").strip().splitlines()
            raise EngineError(f"{command[0]} ended with status {status}" + (f": {words[-1]}" if words else ""))
    except APIError as error:
        raise EngineError(str(error.explanation)) from None
    except OSError as error:  # the time limit of the HTTP client
        raise EngineError(f"{command[0]} did not end within {OUTPUT_SECONDS} s: {error}") from None
    finally:
        if container is not None:
            with contextlib.suppress(APIError):
                container.remove(force=True)
    return output.decode(errors="replace")


class RunningContainer:
    """One container of a trial."""

    def __init__(self, container: Container, spec: ContainerSpec) -> None:
        self.container = container
        self.spec = spec
        #: Begin and end of the call that started it, nanoseconds of the monotonic clock.
        self.start_call_ns = (0, 0)

    def start(self) -> None:
        """Raises TrialError."""
        begun = time.monotonic_ns()
        try:
            self.container.start()
            self.start_call_ns = (begun, time.monotonic_ns())
        except APIError as error:
            # A service that does not start is at fault itself, for example under a memory limit that is too small for it.
            stage = "service" if self.spec.role.startswith("service") else "start"
            raise TrialError(stage, f"the {self.spec.role} container does not start: {error.explanation}") from None

    def state(self) -> dict[str, Any]:
        """The engine's State object as it is now."""
        self.container.reload()
        state: dict[str, Any] = self.container.attrs["State"]
        return state

    @property
    def pid(self) -> int:
        return int(self.state()["Pid"])

    def started_unix_ns(self) -> int:
        """The instant at which the engine started the container, by the wall clock."""
        # The text has nanoseconds, which fromisoformat refuses.
        text = str(self.container.attrs["State"]["StartedAt"]).rstrip("Z")
        seconds, _, fraction = text.partition(".")
        moment = datetime.fromisoformat(seconds + "+00:00")
        return int(moment.timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9])

    def execute(self, command: list[str], user: str) -> str:
        """Runs a command in the container and returns its output. Raises TrialError.

        The container ends it when its time is over: the engine would wait forever for a command that hangs.
        """
        try:
            code, output = run_in(
                self.container,
                ["timeout", str(EXECUTE_SECONDS), *command],
                user,
                EXECUTE_SECONDS + CALL_TIMEOUT_SECONDS,
            )
        except APIError as error:  # the container does not run any more
            why = f"{command[0]} can't be run in the {self.spec.role} container: {error.explanation}"
            raise TrialError("statistics", why) from None
        text = output.decode(errors="replace")
        if code == TIMED_OUT:
            late = f"{command[0]} in the {self.spec.role} container did not end within {EXECUTE_SECONDS} s"
            raise TrialError("statistics", late)
        if code:
            raise TrialError("statistics", f"{command[0]} in the {self.spec.role} container failed: {text.strip()[-300:]}")
        return text

    def log_tail(self) -> str:
        """The last lines of the container's log."""
        try:
            logs: Any = self.container.logs(tail=LOG_LINES)
            return str(logs.decode(errors="replace"))
        except DockerException:
            return ""

    def use_cpus(self, cpus: str) -> None:
        """Moves the container to other CPUs, in the kernel's list form. Nothing happens to one that has just ended."""
        try:
            self.container.update(cpuset_cpus=cpus)
        except APIError:
            if self.state()["Running"]:
                raise

    def wait(self, timeout_seconds: float) -> int | None:
        """The exit status of a container that ends by itself. None: it did not, in this time."""
        deadline = time.monotonic() + timeout_seconds
        while (state := self.state())["Running"]:
            if time.monotonic() > deadline:
                return None
            time.sleep(POLL_SECONDS)
        return int(state["ExitCode"])

    def stop(self, timeout_seconds: int) -> tuple[int, bool]:
        """Sends SIGTERM, then SIGKILL after the time-out. Returns (exit status, killed for lack of memory)."""
        self.container.stop(timeout=timeout_seconds)
        state = self.state()
        return int(state["ExitCode"]), bool(state["OOMKilled"])


class TrialContainers:
    """The containers of one trial. A context that leaves none behind."""

    def __init__(self, client: docker.DockerClient, run_id: str, trial_id: str) -> None:
        self.client = client
        self._labels = {f"{LABEL}.run": run_id, f"{LABEL}.trial": trial_id, f"{LABEL}.owner": owner()}
        self._name = f"fitmap-{run_id}-{trial_id}"
        self._part = ""
        self._containers: list[RunningContainer] = []
        self._actions: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # All of it happens, the containers first, whatever fails in between: a second Ctrl-C as well.
        with contextlib.ExitStack() as stack:
            for action in reversed(self._actions):
                stack.callback(action)
            for running in self._containers:
                stack.callback(_remove, running.container)

    def afterwards(self, action: Callable[[], None]) -> None:
        """Adds an action for when the containers are removed: an image can't be removed before them."""
        self._actions.append(action)

    def add(self, spec: ContainerSpec) -> RunningContainer:
        """Creates a container. It is removed when the context ends. Raises EngineError."""
        arguments = engine_arguments(spec, self._labels)
        try:
            container = self.client.containers.create(name=f"{self._name}{self._part}-{spec.role}", **arguments)
        except ImageNotFound:
            raise EngineError(
                f"the image of the {spec.role} container is gone: another program removed it. Finished trials are kept; "
                "a new run builds it again"
            ) from None
        except APIError as error:
            raise EngineError(f"the engine refuses a {spec.role} container: {error.explanation}") from None
        running = RunningContainer(container, spec)
        self._containers.append(running)
        return running

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part of the trial with containers of its own, which are removed at its end.

        If the part fails they stay until the trial is over, for their logs.
        """
        before = list(self._containers)
        self._part = f"-{name}"
        yield
        for running in [running for running in reversed(self._containers) if running not in before]:
            self.remove(running)

    def remove(self, running: RunningContainer) -> None:
        """Removes a container before the trial is over, so that another one can take its place."""
        running.container.remove(force=True, v=True)
        self._containers.remove(running)

    def logs(self) -> dict[str, str]:
        """The last log lines of all containers but the generator's, by role."""
        logged = [c for c in self._containers if c.spec.role.startswith(LOGGED)]
        return {running.spec.role: running.log_tail() for running in logged}


@contextlib.contextmanager
def announced(client: docker.DockerClient, image_id: str) -> Iterator[None]:
    """Shows other runs that this one goes on, between its trials too: by a container that is never started.

    Two runs that begin at the same moment see each other. Raises EngineError if another run goes on.
    """
    with TrialContainers(client, "run", secrets.token_hex(6)) as containers:
        containers.add(instrument_spec(image_id, "", "run", ("true",)))
        clean(client)
        yield


def leftovers(client: docker.DockerClient) -> Iterator[tuple[Container, State]]:
    """The containers with fitmap's labels, each with whether the process that started it still lives."""
    for container in client.containers.list(all=True, filters={"label": f"{LABEL}.owner"}, ignore_removed=True):
        yield container, state(_owner_of(container))


def _owner_of(container: Container) -> str:
    return str(container.labels.get(f"{LABEL}.owner", ""))


def clean(client: docker.DockerClient, *, force: bool = False) -> int:
    """Removes the containers and images that killed runs left behind. Returns the number of containers.

    `force`: also those of runs that may go on. Without it EngineError is raised for them, after the others were removed.
    """
    removed = 0
    mine = owner()
    others: list[tuple[Container, State]] = []
    for container, its in list(leftovers(client)):
        if its == "gone" or force:
            _remove(container)
            removed += 1
        elif _owner_of(container) != mine:
            others.append((container, its))
    if living := [container for container, its in others if its == "lives"]:
        pid = pid_of(_owner_of(living[0]))
        raise EngineError(f"another run is measuring on this engine (process {pid}): wait for it or end it")
    if others:
        raise EngineError(
            f"another run may be measuring on this engine: {counted(len(others), 'container')} ({others[0][0].name}) that "
            "were started on another machine, in another PID namespace or by hand: wait for it, or remove its containers "
            "with `fitmap clean --force`"
        )
    remove_images(client, (TRIAL, REVISION), lambda name: force or not name or state(name) == "gone")
    return removed


def _remove(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:  # another process is removing it
            raise


def remove_images(client: docker.DockerClient, kinds: Sequence[str], unneeded: Callable[[str], bool]) -> None:
    """Removes the tags of trials or revisions whose owner's name is `unneeded`. The name is empty in older tags.

    Only the tag and what has no other: the builder's layers stay, so that the next build of the revision is short.
    """
    found = client.images.list(filters={"reference": [f"fitmap/*:{kind}*" for kind in kinds]})
    for tag in (tag for image in found for tag in image.tags):
        word = tag.rpartition(":")[2]
        if word.startswith(tuple(kinds)) and unneeded(word.partition(OF)[2]):
            with contextlib.suppress(APIError):
                client.api.remove_image(tag, noprune=word.startswith(REVISION))
