"""One trial: a fresh hardened pair and a load generator, from first start to last counter."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import docker
import msgspec
from docker.errors import APIError, DockerException
from msgspec import Struct

from harness.config import Config
from harness.containers import Crew, Running, check_port_free, new_password, parse_statistics
from harness.contract import Contract
from harness.counters import ApiReader, open_reader
from harness.errors import EngineError, TrialError
from harness.evaluate import Evidence, Reading, evaluate
from harness.generator import READY_SECONDS, Generator, Heard, OnWindow, clock_shift_ns
from harness.host import step_aside
from harness.levels import CAPACITY
from harness.measurement import Calibration, Measurement, Missing, TrialResult, Verdict
from harness.model import Plan, Profile, Trial
from harness.pair import DRAIN_SECONDS, LOOPBACK, database_spec, generator_spec, service_spec
from harness.plan import timed_levels
from harness.processors import all_cpus
from harness.record import LevelHistograms, RecordWriter
from harness.sampler import Sampler
from harness.speed import SpeedProbe
from loadtests.lean import wire

DATABASE_READY_SECONDS = 30.0
#: How long a service does nothing before it holds its first request: what it takes then is what a waiter comes on top of.
IDLE_SECONDS = 1.0


def statistics_command(port: int) -> list[str]:
    """Prints pg_stat_statements as JSON when run in the database container as postgres (peer authentication)."""
    return ["psql", "-p", str(port), "-U", "postgres", "-d", "fitmap", "-qAtX", "-f", "/opt/fitmap/statistics.sql"]


class Setup(Struct, frozen=True):
    """What all trials of a run have in common. `images`: name -> engine's image id."""

    run_id: str
    plan: Plan
    config: Config
    images: Mapping[str, str]
    contract: Contract
    calibration: Calibration


def run_trial(
    client: docker.DockerClient, setup: Setup, trial: Trial, writer: RecordWriter, on_window: OnWindow
) -> TrialResult:
    """Run one trial and write its samples and histograms. A failure of the trial becomes its result.

    Raises EngineError (engine away), PortTaken, RunError (disk): these end the run.
    """
    started, start = datetime.now(UTC), time.monotonic()
    measurement: Measurement | Missing
    with step_aside(all_cpus(setup.plan.placement)), Crew(client, setup.run_id, trial.id) as crew:
        stage: str | None = None
        logs: Mapping[str, str] = {}
        verdict: Verdict
        try:
            measurement = _measure(setup, trial, crew, writer, on_window)
            verdict, problems = worst(measurement)
            if verdict == "failed":
                logs = crew.logs()
        except TrialError as error:
            measurement, verdict, problems = Missing(str(error)), "failed", (str(error),)
            stage, logs = error.stage, crew.logs()
        except (APIError, DockerException, OSError) as error:
            raise EngineError(f"the engine failed in trial {trial.id}: {error}") from error
    return TrialResult(
        trial=trial,
        started=started.isoformat(timespec="seconds"),
        wall_seconds=round(time.monotonic() - start, 3),
        verdict=verdict,
        problems=problems,
        stage=stage,
        logs=logs,
        measurement=measurement,
    )


def worst(measurement: Measurement) -> tuple[Verdict, tuple[str, ...]]:
    """The worst verdict of a trial's levels, and all their problems with the level's name before them."""
    found = {level.verdict for level in measurement.levels}
    order: tuple[Verdict, ...] = ("failed", "unstable", "generator_limited")
    verdict: Verdict = next((verdict for verdict in order if verdict in found), "valid")
    return verdict, tuple(f"{level.level}: {text}" for level in measurement.levels for text in level.problems)


def _measure(setup: Setup, trial: Trial, crew: Crew, writer: RecordWriter, on_window: OnWindow) -> Measurement:
    config, placement = setup.config, setup.plan.placement
    profile = next(p for p in setup.plan.profiles if p.name == trial.profile)
    password = new_password()
    for role, port in (
        ("service", config.ports.service),
        ("database", config.ports.database),
        ("generator", config.generator.port),
    ):
        check_port_free(port, role)
    spec = load_spec(setup, trial, profile)
    database = crew.add(database_spec(setup.images["database"], placement.database, config.ports, config.limits, password))
    service = crew.add(service_spec(setup.images[trial.target], placement.service, config.ports, config.limits, password))
    load_json = msgspec.json.encode(spec).decode()
    load = crew.add(generator_spec(setup.images["load"], placement.generator, load_json, config.limits))
    database.start()
    with Generator(load, spec) as generator:
        _wait_for_database(database)
        hello = generator.hello()
        readings = [_read_statements(database, config.ports.database, {})]
        service.start()
        started_unix_ns = _started(service)
        members = {"service": service, "database": database, "generator": load}
        readers = {role: open_reader(member.container, member.pid) for role, member in members.items()}
        probe = SpeedProbe(placement, local=not any(isinstance(reader, ApiReader) for reader in readers.values()))
        with Sampler(readers) as sampler, probe:

            def level_ended(end: wire.LevelEnd) -> None:
                sampler.read_once()
                readings.append(_read_statements(database, config.ports.database, end.answered))

            heard = generator.follow(hello, service, on_window, level_ended)
    if _restarted(service, started_unix_ns):
        raise TrialError("service", "the service's container was restarted in the middle of the trial")
    stopping = time.monotonic()
    exit_status, oom_killed = service.stop(DRAIN_SECONDS)
    stop_seconds = time.monotonic() - stopping

    writer.samples(trial.id, sampler.samples)
    _write_histograms(writer, trial, heard)
    kills = max((s.counters.oom_kills or 0 for s in sampler.samples if s.role == "service"), default=0)
    faults = [
        "a process of the service was killed for want of memory" if oom_killed or kills else "",
        f"the service ended with status {exit_status} after SIGTERM, not 0" if exit_status else "",
    ]
    ready_unix_ns = hello.unix_ns + heard.ready.monotonic_ns - hello.monotonic_ns
    return evaluate(
        heard,
        Evidence(
            shift_ns=clock_shift_ns(hello),
            samples=sampler.samples,
            host_samples=sampler.host_samples,
            speed_samples=probe.samples,
            readings=readings,
            contract=setup.contract,
            placement=placement,
            pool_size=config.limits.db_pool_size,
            objective=config.slo,
            calibration=setup.calibration,
            trial_faults=tuple(fault for fault in faults if fault),
            idle_seconds=spec.idle_seconds,
            start_seconds=round((ready_unix_ns - started_unix_ns) / 1e9, 4),
            stop_seconds=round(stop_seconds, 3),
            exit_status=exit_status,
        ),
    )


def load_spec(setup: Setup, trial: Trial, profile: Profile) -> wire.LoadSpec:
    """What the generator is told."""
    return wire.LoadSpec(
        profile=profile.name,
        host=LOOPBACK,
        port=setup.config.ports.service,
        # Every target of a block gets the same requests in the same order; another block gets others.
        seed=setup.plan.seed * 1000 + trial.block,
        levels=timed_levels(profile, setup.plan.timing),
        objective=setup.config.slo,
        golden=True,
        ready_timeout_seconds=READY_SECONDS,
        master_host=setup.config.generator.address,
        master_port=setup.config.generator.port,
        external_workers=setup.config.generator.external_workers,
        open_ceiling=setup.calibration.open_ceiling,
        idle_seconds=IDLE_SECONDS if any(level.kind == "held" for level in profile.levels) else 0.0,
    )


def _read_statements(database: Running, port: int, answered: Mapping[str, int]) -> Reading:
    rows = parse_statistics(database.execute(statistics_command(port), user="postgres"))
    return Reading(answered, tuple(rows))


def _write_histograms(writer: RecordWriter, trial: Trial, heard: Heard) -> None:
    """Those of the levels; a search leaves its probes' verdicts alone."""
    levels = [m for level in heard.levels if level.end.level != CAPACITY for m in level.measured]
    origin_ns = heard.ready.monotonic_ns
    unix = (heard.hello.unix_ns + origin_ns - heard.hello.monotonic_ns) / 1e9
    writer.histograms(
        trial.id,
        unix,
        [LevelHistograms(m.level, (m.start_ns - origin_ns) / 1e9, (m.end_ns - m.start_ns) / 1e9, m.routes) for m in levels],
    )


def _wait_for_database(database: Running) -> None:
    deadline = time.monotonic() + DATABASE_READY_SECONDS
    while "ready to accept connections" not in database.log_tail():
        if not database.state()["Running"]:
            raise TrialError("database", f"PostgreSQL ended at start: {database.log_tail().strip()[-300:]}")
        if time.monotonic() > deadline:
            raise TrialError("database", f"PostgreSQL was not ready within {DATABASE_READY_SECONDS:g} s")
        time.sleep(0.05)


def _started(service: Running) -> int:
    state = service.state()
    if not state["Running"]:
        raise TrialError("service", f"ended at once with status {state['ExitCode']}")
    return service.started_unix_ns()


def _restarted(service: Running, started_unix_ns: int) -> bool:
    service.state()
    return service.started_unix_ns() != started_unix_ns
