"""Set-up shared by all kinds of trial: run context, port checks, database."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from msgspec import Struct

from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free
from harness.containers.own_images import PROFILES
from harness.containers.spec import LOOPBACK, database_spec
from harness.errors import TrialError
from harness.evaluation.inputs import DatabaseReading
from harness.evaluation.statements import Contract, parse_statistics
from harness.plan.schedule import timing_of
from harness.record.config import Config
from harness.record.external import External
from harness.record.own import Own
from harness.record.plan import Placement, Plan, Profile, Target, Timing, Trial, folder_of, is_base
from harness.record.run import Calibration
from harness.trials.generator import READY_SECONDS, clock_offset_of
from loadtests.protocol import messages

DATABASE_READY_SECONDS = 30.0
#: How long a service gets no request before its first held request. Its memory then is the base of memory per waiter.
IDLE_SECONDS = 1.0
#: How far the wall clock may be corrected while a service starts.
CLOCK_SLACK_SECONDS = 0.1


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
    #: Variables of fitmap's own environment that services and profiles ask for. They appear in no file.
    secrets: Mapping[str, str] = {}

    @property
    def load_image(self) -> str:
        """The load generator's image, with the own profiles of the run if it has any."""
        return self.images.get(PROFILES, self.images["load"])

    def own(self, trial: Trial) -> Own | None:
        """What a team's own service asks for. None: it is one of fitmap's."""
        target = self.targets.get(trial.target)
        return target.own if target and isinstance(target.own, Own) else None

    def external(self, trial: Trial) -> External | None:
        """The service of a trial, if fitmap did not start it."""
        target = self.targets.get(trial.target)
        return target.external if target and isinstance(target.external, External) else None

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


def start_seconds(hello: messages.Hello, ready_monotonic_ns: int, started_ns: int, service: RunningContainer) -> float:
    """From the engine's start of a service to the instant at which it was ready. Raises TrialError.

    `ready_monotonic_ns`: by the load generator. The engine tells the start by the wall clock, which may be set in between.
    By the monotonic clock the start lies within the call that asked for it.
    """
    seconds = (hello.unix_ns + ready_monotonic_ns - hello.monotonic_ns - started_ns) / 1e9
    # Where the engine has a kernel of its own, its monotonic clock is known from both wall clocks alone.
    if clock_offset_of(hello) == 0:
        begun, ended = service.start_call_ns
        check_start(seconds, (ready_monotonic_ns - ended) / 1e9, (ready_monotonic_ns - begun) / 1e9)
    return round(seconds, 4)


def seconds_to(instants: Sequence[int], started_ns: int, service: RunningContainer) -> tuple[float, ...]:
    """From the engine's start of a service to instants of the wall clock that were heard of just now. Raises TrialError."""
    most = (time.monotonic_ns() - service.start_call_ns[0]) / 1e9
    found = tuple((instant - started_ns) / 1e9 for instant in instants)
    for seconds in found:
        check_start(seconds, 0.0, most)
    return tuple(round(seconds, 4) for seconds in found)


def check_start(seconds: float, least: float, most: float) -> None:
    """Raises TrialError if a start took less or more by the wall clock than it can have taken by the monotonic one."""
    if not least - CLOCK_SLACK_SECONDS <= seconds <= most + CLOCK_SLACK_SECONDS:
        raise TrialError(
            "readiness", f"the wall clock was set while the service started: its start would have taken {seconds:,.1f} s"
        )


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
    return DatabaseReading(answered, parse_statistics(database.execute(statistics_command(port), user="postgres")))
