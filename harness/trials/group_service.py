"""One service of a group with what stands beside it: its containers, and what was heard of it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free, new_password
from harness.containers.spec import DRAIN_SECONDS
from harness.errors import TrialError
from harness.evaluation.inputs import DatabaseReading
from harness.evaluation.statements import NO_STATISTICS, contract_of
from harness.plan.schedule import warmup_turns
from harness.record.cpus import all_cpus, cpu_list
from harness.record.measurement import Missing
from harness.record.plan import Trial
from harness.trials.context import (
    Setup,
    read_statements,
    start_seconds,
    started_unix_ns,
    wait_for_database,
    wanted_meta,
)
from harness.trials.copy_specs import copy_specs
from harness.trials.generator import READY_SECONDS, why_ended
from harness.trials.own_readiness import last_lines, migrate, wait_until_listening, why_not_ready
from harness.trials.own_statements import begin_counting, read_own_statements
from loadtests.protocol import messages
from loadtests.protocol.group_messages import Copy, CopyReady, Turn

#: What is not known of a service that does not keep `statements`.
NOT_COUNTED = Missing("nobody counts the statements of this service: answers may come from a cache")
#: What is not known of a service that does not keep `drain`.
NO_DRAIN = Missing('its manifest does not keep "drain"')
#: The contract's path.
HEALTH = "/health"
#: Of a service that does not keep `drain`.
NO_DRAIN_SECONDS = 1


class GroupService:
    """Its steps, in this order: start, read after each level, stop. A service that is lost takes no further step."""

    #: Why nothing is known of some containers. Unset: all are known.
    unseen: UnsetType = UNSET
    #: The requests a second that it may get. 0: as many as it can answer.
    fuse = 0

    def __init__(self, index: int, trial: Trial, containers: TrialContainers, setup: Setup, family: int) -> None:
        """Starts what stands beside the service, and creates the service. `family`: see `Copy`.

        Raises PortTaken, TrialError.
        """
        placement = setup.plan.placement
        self.index = index
        self.target, self.block = trial.target, trial.block
        specs = copy_specs(setup, trial, index, new_password())
        self.ports = specs.ports
        for role, port in specs.ports.items():
            check_port_free(port, role)
        self.containers = containers
        self.own = setup.own(trial)
        self.database = containers.add(specs.database) if specs.database else None
        self.beside = {name: containers.add(spec) for name, spec in specs.beside.items()}
        for running in (self.database, *self.beside.values()):
            if running:
                running.start()
        queries = self.own.queries if self.own else None
        #: What its requests execute. None: what the contract says.
        self.contract = contract_of(queries) if queries else NOT_COUNTED if self.own else None
        self._counted = self.own.database.counted if queries and self.own and self.own.database else None
        self._migrate = containers.add(specs.migrate) if specs.migrate else None
        self.container = containers.add(specs.service)
        target = setup.targets.get(trial.target)
        self.copy = Copy(
            port=specs.ports["service"],
            service=str(self.container.container.id),
            database=str(self.database.container.id) if self.database else None,
            meta=None if self.own else wanted_meta(setup, trial),
            warmup_turns=warmup_turns(target, setup.plan.timing),
            family=family,
            health=self.own.health if self.own else HEALTH,
            ready_timeout_seconds=self.own.ready_seconds if self.own else READY_SECONDS,
            beside={name: str(running.container.id) for name, running in self.beside.items()},
        )
        self._jit = target is not None and target.jit
        self._cpus, self._all_cpus = placement.service, cpu_list(list(all_cpus(placement)))
        self.started_ns = 0
        self.ready: CopyReady | None = None
        self.lost: TrialError | None = None
        self.readings: list[DatabaseReading] = []
        self.turns: list[Turn] = []
        self.stop_seconds: float | Missing = NO_DRAIN
        self.exit_status: int | Missing = NO_DRAIN
        self._oom_killed = False

    def wait_beside(self) -> None:
        """Waits for what stands beside the service. Raises TrialError."""
        if self.own is None:
            if self.database:
                wait_for_database(self.database)
            return
        try:
            for name, running in ({"database": self.database} | self.beside).items():
                if running:
                    wait_until_listening(running, name, self.ports[name])
            if self._migrate:
                # Before the first reading of the statistics: its statements are not the service's.
                migrate(self._migrate)
            if self.database and self._counted:
                begin_counting(self.database, self.ports["database"], self._counted)
        except TrialError as error:
            self.lose(error)

    def start(self) -> None:
        """A service that does not start is lost; the others go on."""
        try:
            self.container.start()
            self.started_ns = started_unix_ns(self.container)
        except TrialError as error:
            self.lose(error)

    def containers_by_role(self) -> dict[str, RunningContainer]:
        """The service, its database if it has one, and each companion by its name."""
        return {
            "service": self.container,
            **({"database": self.database} if self.database else {}),
            **self.beside,
        }

    @property
    def drains(self) -> bool:
        """Whether it must end with status 0 after SIGTERM."""
        return self.own is None or "drain" in self.own.keeps

    def widen(self) -> None:
        """While a JIT target warms up its compiler may use all CPUs of the trial."""
        if self._jit:
            self.container.use_cpus(self._all_cpus)

    def narrow(self) -> None:
        """What is measured runs on the service's CPUs alone."""
        if self._jit:
            self.container.use_cpus(self._cpus)

    def lose(self, error: TrialError) -> None:
        """Keeps the first reason why the service can't be measured."""
        if self.lost is None:
            if self.own and error.stage == "readiness":
                error = TrialError(error.stage, self._why_not_ready(error.reason))
            self.lost = self._fault() or error

    def _why_not_ready(self, reason: str) -> str:
        return why_not_ready(self.container, self.target, self.ports["service"], reason)

    def _fault(self) -> TrialError | None:
        """What happened to a service that was started: its counters then cover only a part of the time."""
        if not self.started_ns:
            return None
        # A service may end, or answer nothing, because its database has ended.
        for running in (self.database, *self.beside.values(), self.container):
            if running and not running.state()["Running"]:
                words = f"; its last lines: {last_lines(running)}" if self.own else ""
                return TrialError(running.spec.role, f"{why_ended(running)}{words}")
        if self.container.started_unix_ns() != self.started_ns:
            return TrialError("service", "the service's container was restarted in the middle of the trial")
        return None

    def read(self, answered: Mapping[str, int]) -> None:
        try:
            self.readings.append(self._reading(answered))
        except TrialError as error:
            self.lose(error)

    def _reading(self, answered: Mapping[str, int]) -> DatabaseReading:
        """Raises TrialError."""
        if self.database and self._counted:
            return read_own_statements(self.database, self.ports["database"], self._counted, answered)
        if self.own or self.database is None:
            # Nobody counts its statements.
            return DatabaseReading(answered, NO_STATISTICS)
        return read_statements(self.database, self.ports["database"], answered)

    def stop(self) -> None:
        if fault := self._fault():
            self.lose(fault)
            return
        begin = time.monotonic()
        status, self._oom_killed = self.container.stop(DRAIN_SECONDS if self.drains else NO_DRAIN_SECONDS)
        if self.drains:
            self.exit_status, self.stop_seconds = status, round(time.monotonic() - begin, 3)

    def start_time(self, hello: messages.Hello) -> float:
        """Seconds from its container's start to the instant at which it was ready. Raises TrialError."""
        if self.ready is None:
            raise TrialError("readiness", "the service was never ready")
        return start_seconds(hello, self.ready.monotonic_ns, self.started_ns, self.container)

    def logs(self) -> Mapping[str, str]:
        """The ends of its containers' logs, by role."""
        return self.containers.logs()

    def faults(self, oom_kills: int) -> tuple[str, ...]:
        """What went wrong in its containers, as sentences. `oom_kills`: of its processes, as the kernel counted them."""
        killed = self._oom_killed or oom_kills
        faults = ("a process of the service was killed for lack of memory" if killed else "", self._unclean())
        return tuple(fault for fault in faults if fault)

    def _unclean(self) -> str:
        """What to say of a service that must end with status 0 after SIGTERM, and did not."""
        if isinstance(self.exit_status, Missing) or not self.exit_status:
            return ""
        if self.own:
            return f'{self.target} keeps "drain" but ended with status {self.exit_status}: mend it or take it out of keeps'
        return f"the service ended with status {self.exit_status} after SIGTERM, not 0"
