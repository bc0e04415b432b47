"""One service of a group with its database: its containers, and what was heard of it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.containers.lifecycle import TrialContainers, check_port_free, new_password
from harness.containers.spec import DRAIN_SECONDS, database_spec, service_spec
from harness.errors import TrialError
from harness.evaluation.inputs import DatabaseReading
from harness.plan.schedule import warmup_turns
from harness.record.config import Ports
from harness.record.plan import Trial
from harness.trials.context import Setup, read_statements, started_unix_ns, wanted_meta
from harness.trials.generator import why_ended
from loadtests.protocol.group_messages import Copy, CopyReady, Turn


class GroupService:
    """Its steps, in this order: start, read after each level, stop. A service that is lost takes no further step."""

    def __init__(self, index: int, trial: Trial, containers: TrialContainers, setup: Setup, family: int) -> None:
        """Starts the database, and creates the service. `family`: see `Copy`. Raises PortTaken, TrialError."""
        config, placement = setup.config, setup.plan.placement
        self.index = index
        self.target, self.block = trial.target, trial.block
        self.ports = Ports(config.ports.service + index, config.ports.database + index)
        check_port_free(self.ports.service, "service")
        check_port_free(self.ports.database, "database")
        password = new_password()
        self.containers = containers
        self.database = containers.add(
            database_spec(setup.images["database"], placement.database, self.ports, config.limits, password)
        )
        self.database.start()
        self.container = containers.add(
            service_spec(
                setup.images[trial.target],
                placement.service,
                self.ports,
                config.limits,
                password,
                setup.environment(trial),
            )
        )
        self.copy = Copy(
            port=self.ports.service,
            service=str(self.container.container.id),
            database=str(self.database.container.id),
            meta=wanted_meta(setup, trial),
            warmup_turns=warmup_turns(setup.targets.get(trial.target), setup.plan.timing),
            family=family,
        )
        self.started_ns = 0
        self.ready: CopyReady | None = None
        self.lost: TrialError | None = None
        self.readings: list[DatabaseReading] = []
        self.turns: list[Turn] = []
        self.stop_seconds, self.exit_status, self.oom_killed = 0.0, 0, False

    def start(self) -> None:
        """A service that does not start is lost; the others go on."""
        try:
            self.container.start()
            self.started_ns = started_unix_ns(self.container)
        except TrialError as error:
            self.lose(error)

    def lose(self, error: TrialError) -> None:
        """Keeps the first reason why the service can't be measured."""
        if self.lost is None:
            self.lost = self._fault() or error

    def _fault(self) -> TrialError | None:
        """What happened to a service that was started: its counters then cover only a part of the time."""
        if not self.started_ns:
            return None
        if not self.container.state()["Running"]:
            return TrialError("service", why_ended(self.container))
        if self.container.started_unix_ns() != self.started_ns:
            return TrialError("service", "the service's container was restarted in the middle of the trial")
        return None

    def read(self, answered: Mapping[str, int]) -> None:
        try:
            self.readings.append(read_statements(self.database, self.ports.database, answered))
        except TrialError as error:
            self.lose(error)

    def stop(self) -> None:
        if fault := self._fault():
            self.lose(fault)
            return
        begin = time.monotonic()
        self.exit_status, self.oom_killed = self.container.stop(DRAIN_SECONDS)
        self.stop_seconds = round(time.monotonic() - begin, 3)
