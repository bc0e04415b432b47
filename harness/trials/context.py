"""Set-up shared by all kinds of trial: run context, port checks, database."""

from __future__ import annotations

import time
from collections.abc import Mapping

from msgspec import Struct

from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free
from harness.containers.spec import LOOPBACK, database_spec
from harness.errors import TrialError
from harness.evaluation.inputs import DatabaseReading
from harness.evaluation.statements import Contract, parse_statistics
from harness.plan.schedule import timing_of
from harness.record.config import Config
from harness.record.plan import Placement, Plan, Profile, Target, Timing, Trial, folder_of, is_base
from harness.record.run import Calibration
from harness.trials.generator import READY_SECONDS
from loadtests.protocol import messages

DATABASE_READY_SECONDS = 30.0
#: How long a service gets no request before its first held request. Its memory then is the base of memory per waiter.
IDLE_SECONDS = 1.0


class Setup(Struct, frozen=True):
    """What all trials of a run share. `images`: name -> image id of the engine."""

    run_id: str
    plan: Plan
    config: Config
    images: Mapping[str, str]
    contract: Contract
    calibration: Calibration
    #: Targets by name.
    targets: Mapping[str, Target] = {}
    #: The image set of their base images.
    image_set: str = "local"

    def profile(self, trial: Trial) -> Profile:
        return next(profile for profile in self.plan.profiles if profile.name == trial.profile)

    def environment(self, trial: Trial) -> Mapping[str, str]:
        """The variables of the service's container beyond the contract's."""
        target = self.targets.get(trial.target)
        return target.environment if target else {}

    def timing(self, trial: Trial) -> Timing:
        return timing_of(self.targets.get(trial.target), self.plan.timing)


def check_ports(config: Config) -> None:
    """Raises PortTaken if a port that the trial needs is not free."""
    for role, port in (
        ("service", config.ports.service),
        ("database", config.ports.database),
        ("generator", config.generator.port),
    ):
        check_port_free(port, role)


def start_database(
    setup: Setup, containers: TrialContainers, password: str, placement: Placement | None = None
) -> RunningContainer:
    """Starts the database's container, and does not wait until it is ready. Raises TrialError.

    `placement`: the CPUs, if they are not those of the plan.
    """
    config, placement = setup.config, placement or setup.plan.placement
    database = containers.add(
        database_spec(setup.images["database"], placement.database, config.ports, config.limits, password)
    )
    database.start()
    return database


def wait_for_database(database: RunningContainer) -> None:
    """Waits until PostgreSQL accepts connections. Raises TrialError."""
    deadline = time.monotonic() + DATABASE_READY_SECONDS
    while "ready to accept connections" not in database.log_tail():
        if not database.state()["Running"]:
            raise TrialError("database", f"PostgreSQL ended while it started: {database.log_tail().strip()[-300:]}")
        if time.monotonic() > deadline:
            raise TrialError("database", f"PostgreSQL was not ready within {DATABASE_READY_SECONDS:g} s")
        time.sleep(0.05)


def started_unix_ns(service: RunningContainer) -> int:
    """The instant at which the engine started a service. Raises TrialError if the service does not run any more."""
    state = service.state()
    if not state["Running"]:
        raise TrialError("service", f"the service ended at once with status {state['ExitCode']}")
    return service.started_unix_ns()


def load_spec(
    setup: Setup, trial: Trial, levels: tuple[messages.TimedLevel, ...], *, golden: bool = True
) -> messages.LoadSpec:
    """The load generator's instructions for a trial."""
    return messages.LoadSpec(
        profile=trial.profile,
        host=LOOPBACK,
        port=setup.config.ports.service,
        # Each target of a block gets the same requests in the same order. Another block gets other requests.
        seed=setup.plan.seed * 1000 + trial.block,
        levels=levels,
        objective=setup.config.slo,
        golden=golden,
        ready_timeout_seconds=READY_SECONDS,
        master_host=setup.config.generator.address,
        master_port=setup.config.generator.port,
        external_workers=setup.config.generator.external_workers,
        open_ceiling=setup.calibration.open_ceiling,
        idle_seconds=IDLE_SECONDS if any(level.kind == "held" for level in levels) else 0.0,
        meta=wanted_meta(setup, trial),
    )


def wanted_meta(setup: Setup, trial: Trial) -> dict[str, str]:
    """What the trial's service must answer on GET /meta, by key. A twin and a variant answer under their folder's name."""
    # A base is an image of the past: the target may have had another name, language or class. Its keys are checked.
    if is_base(trial.target):
        return {}
    target = setup.targets.get(trial.target)
    return {"target": folder_of(trial.target), **(meta_of(target) if target else {})}


def meta_of(target: Target) -> dict[str, str]:
    """What a target's manifest says of its GET /meta."""
    return {"target": folder_of(target.name), "language": target.language, "class": target.target_class}


def statistics_command(port: int) -> list[str]:
    """The command that prints the database's statistics as JSON, to be run in the database container as user postgres."""
    return ["psql", "-p", str(port), "-U", "postgres", "-d", "postgres", "-qAtX", "-f", "/opt/fitmap/statistics.sql"]


def read_statements(database: RunningContainer, port: int, answered: Mapping[str, int]) -> DatabaseReading:
    """The database's statistics as they are now. Raises TrialError."""
    return DatabaseReading(answered, parse_statistics(database.query(statistics_command(port), user="postgres")))
