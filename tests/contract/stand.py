"""The test stand: databases and services in hardened containers, each on a port of its own, all gone at the end."""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Self

import docker
import msgspec
import talking
from asked import TARGETS

from harness.containers.commands import run_in
from harness.containers.images import project_tag
from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free, new_password
from harness.containers.spec import DRAIN_SECONDS, LOOPBACK, ContainerSpec, database_spec, service_spec
from harness.errors import PortTaken
from harness.evaluation.statements import Statistics, parse_statistics
from harness.host.machine import topology
from harness.plan.placement import place
from harness.record.config import Limits, Ports
from harness.record.plan import Placement
from harness.trials.context import statistics_command

PORTS = range(23_000, 23_900)
READY_SECONDS = 30.0
POLL_SECONDS = 0.02
HEALTHY = (200, b'{"status":"ok"}')


#: This process's number among those that run the tests (pytest-xdist).
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def ports_of_worker() -> range:
    """The ports of this process alone, where several run the tests."""
    return PORTS[WORKER :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]


def placed() -> Placement:
    """The CPUs of services and databases. Every other process has them the other way round: all services would share one."""
    placement = place(topology())
    if WORKER % 2:
        return msgspec.structs.replace(placement, service=placement.database, database=placement.service)
    return placement


def until(what: str, holds: Any, seconds: float = READY_SECONDS) -> None:
    """Poll until `holds()` is true. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Database:
    """A running PostgreSQL with the seed."""

    running: RunningContainer
    port: int
    password: str

    def psql(self, sql: str) -> str:
        """What an SQL command prints, rows by line, columns divided by |. Raises TrialError."""
        return self.running.execute(self._command(sql), user="postgres").strip()

    def _command(self, sql: str) -> list[str]:
        command = ["psql", "-p", str(self.port), "-U", "postgres", "-d", "fitmap", "-qAtX", "-v", "ON_ERROR_STOP=1"]
        return [*command, "-c", sql]

    def rows(self, sql: str) -> Any:
        """The rows of a query as JSON values."""
        query = self._command(f"SELECT coalesce(json_agg(r), '[]') FROM ({sql}) AS r")
        return json.loads(self.running.execute(query, user="postgres"))

    def all_statistics(self) -> Statistics:
        """What the harness reads of the database."""
        return parse_statistics(self.running.execute(statistics_command(self.port), user="postgres"))

    def statistics(self) -> tuple[Mapping[str, Any], ...]:
        """The statements that services executed since the start or the last reset."""
        return self.all_statistics().statements

    def connections(self) -> int:
        """How many connections services hold."""
        (row,) = self.rows("SELECT count(*) FROM pg_stat_activity WHERE usename = 'fitmap'")
        return int(row["count"])

    def log_in(self, url: str) -> tuple[int, str]:
        """Connect over TCP as the URL says; exit status and output of psql."""
        command = ["psql", "--no-password", "-qAtX", url, "-c", "SELECT current_user"]
        status, output = run_in(self.running.container, command, "postgres")
        return status, output.decode(errors="replace")

    @contextmanager
    def locked(self, table: str, identifier: int) -> Iterator[None]:
        """Hold a row's lock in a session of its own, for the time of the context."""
        mark = f"lock {table} {identifier}"
        holding = f"BEGIN; SELECT 1 FROM {table} WHERE id = {identifier} FOR UPDATE; SELECT pg_sleep(60) /* {mark} */"
        command = ["psql", "-p", str(self.port), "-U", "postgres", "-d", "fitmap", "-qAtX", "-c", holding]
        thread = threading.Thread(target=self.running.container.exec_run, args=(command,), kwargs={"user": "postgres"})
        thread.start()
        session = f"FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%{mark}%'"
        try:
            until(f"the lock on {table} {identifier}", lambda: self.psql(f"SELECT count(*) {session}") == "1")
            yield
        finally:
            self.psql(f"SELECT pg_terminate_backend(pid) {session}")
            thread.join()


@dataclass(frozen=True)
class Service:
    """A started service; whether it is ready is another question."""

    target: str
    running: RunningContainer
    port: int

    def health(self) -> tuple[int, bytes] | None:
        """Status and body of /health, None when nothing answers."""
        try:
            answer = talking.get(self.port, "/health", timeout_seconds=3.0)
        except (OSError, HTTPException):
            return None
        return answer.status, answer.body

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Raises AssertionError."""

        until(f"{self.target} is ready", lambda: self._lives() and self.is_ready(), seconds)

    def wait_until_it_listens(self) -> None:
        """Raises AssertionError."""
        until(f"{self.target} listens", lambda: self._lives() and self.health() is not None)

    def _lives(self) -> bool:
        assert self.running.state()["Running"], f"{self.target} ended by itself: {self.running.log_tail()}"
        return True

    def is_ready(self) -> bool:
        health = self.health()
        return health is not None and health[0] == 200

    def identity(self) -> tuple[str, int, int]:
        """Start instant, process and restarts: unchanged as long as the service was not restarted."""
        state = self.running.state()
        return state["StartedAt"], state["Pid"], self.running.container.attrs["RestartCount"]


@dataclass
class Pair:
    """A service and the database that it alone uses."""

    target: str
    database: Database
    service: Service
    #: Connections and statements of the service at the moment it was ready, before the first request.
    connections_at_start: int = 0
    statements_at_start: tuple[Mapping[str, Any], ...] = ()

    @property
    def port(self) -> int:
        return self.service.port


@dataclass(frozen=True)
class Ended:
    """How a container that ends by itself ended; no status when it had to be killed."""

    status: int | None
    stdout: str
    stderr: str


class Stand:
    """Starts containers; a context that leaves none behind."""

    def __init__(self, client: docker.DockerClient, placement: Placement) -> None:
        self._client = client
        self._placement = placement
        self._run_id = f"contract-{random.randrange(16**8):08x}"
        self._numbers = itertools.count(1)
        # A start of its own, so that two runs side by side seldom meet.
        ports = ports_of_worker()
        self._ports = itertools.cycle(random.sample(ports, len(ports)))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def scope(self) -> Iterator[Stand]:
        """A stand whose containers end with this context."""
        inner = Stand(self._client, self._placement)
        with inner:
            yield inner

    def free_port(self) -> int:
        for port in self._ports:
            try:
                check_port_free(port, "test")
            except PortTaken:
                continue
            return port
        raise AssertionError("unreachable")

    def add(self, spec: ContainerSpec) -> RunningContainer:
        # A trial of its own for each: a trial has one container name per role.
        containers = self._stack.enter_context(TrialContainers(self._client, self._run_id, str(next(self._numbers))))
        return containers.add(spec)

    def database(self, port: int | None = None, password: str | None = None) -> Database:
        """A fresh database that accepts connections."""
        port, password = port or self.free_port(), password or new_password()
        spec = database_spec(project_tag("database"), self._placement.database, Ports(database=port), Limits(), password)
        running = self.add(spec)
        running.start()

        def ready() -> bool:
            assert running.state()["Running"], f"the database ended at start: {running.log_tail()}"
            return "ready to accept connections" in running.log_tail()

        until("the database is ready", ready)
        return Database(running, port, password)

    def service_spec(
        self, target: str, port: int, database_port: int, password: str, changes: Mapping[str, str | None]
    ) -> ContainerSpec:
        """What the harness would start, with some variables changed or (None) taken away."""
        ports = Ports(service=port, database=database_port)
        own = TARGETS[target].environment
        spec = service_spec(project_tag(target), self._placement.service, ports, Limits(), password, own)
        changed = {**spec.environment, **changes}
        return msgspec.structs.replace(spec, environment={k: v for k, v in changed.items() if v is not None})

    def service(
        self, target: str, database_port: int, password: str, changes: Mapping[str, str | None] | None = None
    ) -> Service:
        """A started service."""
        port = self.free_port()
        running = self.add(self.service_spec(target, port, database_port, password, changes or {}))
        running.start()
        return Service(target, running, port)

    def pair(self, target: str) -> Pair:
        """A fresh pair that is ready."""
        database = self.database()
        service = self.service(target, database.port, database.password)
        service.wait_until_ready()
        return Pair(target, database, service, database.connections(), database.statistics())

    def run_to_end(self, spec: ContainerSpec, seconds: float) -> Ended:
        """Start a container and wait until it ends; it is killed when that takes too long."""
        running = self.add(spec)
        running.start()
        container = running.container
        deadline = time.monotonic() + seconds
        status: int | None = None
        while time.monotonic() < deadline:
            state = running.state()
            if not state["Running"]:
                status = int(state["ExitCode"])
                break
            time.sleep(0.05)
        else:
            container.kill()
        out: Any = container.logs(stdout=True, stderr=False)
        err: Any = container.logs(stdout=False, stderr=True)
        return Ended(status, out.decode(errors="replace"), err.decode(errors="replace"))


def stop(service: Service) -> tuple[int, float]:
    """SIGTERM; the exit status and the seconds it took."""
    start = time.monotonic()
    status, _ = service.running.stop(DRAIN_SECONDS)
    return status, time.monotonic() - start


def accepts(port: int) -> bool:
    """Whether a new connection is accepted."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True
