"""One trial, of whichever kind; and kind `load`: a fresh hardened pair and a generator, from first start to last counter."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import docker
import msgspec
from docker.errors import APIError, DockerException

from harness import building, startup
from harness.containers import Crew, Running, new_password, parse_statistics
from harness.counters import ApiReader, open_reader
from harness.errors import EngineError, TrialError
from harness.evaluate import Evidence, Reading, evaluate
from harness.generator import Generator, Heard, OnWindow, clock_shift_ns
from harness.host import step_aside
from harness.levels import CAPACITY
from harness.measurement import Measurement, Missing, Outcome, TrialResult, Verdict
from harness.model import Trial
from harness.pair import DRAIN_SECONDS, generator_spec, service_spec
from harness.plan import timed_levels
from harness.processors import all_cpus
from harness.record import LevelHistograms, RecordWriter
from harness.sampler import Sampler
from harness.speed import SpeedProbe
from harness.staging import Setup, check_ports, load_spec, start_database, started_unix_ns, wait_for_database
from loadtests.lean import wire


def statistics_command(port: int) -> list[str]:
    """Prints pg_stat_statements as JSON when run in the database container as postgres (peer authentication)."""
    return ["psql", "-p", str(port), "-U", "postgres", "-d", "fitmap", "-qAtX", "-f", "/opt/fitmap/statistics.sql"]


def run_trial(
    client: docker.DockerClient, setup: Setup, trial: Trial, writer: RecordWriter, on_window: OnWindow
) -> TrialResult:
    """Run one trial and write its samples and histograms. A failure of the trial becomes its result.

    Raises EngineError (engine away), PortTaken, RunError (disk): these end the run.
    """
    started, start = datetime.now(UTC), time.monotonic()
    measurement: Outcome
    with step_aside(all_cpus(setup.plan.placement)), Crew(client, setup.run_id, trial.id) as crew:
        stage: str | None = None
        logs: Mapping[str, str] = {}
        verdict: Verdict
        try:
            measurement, verdict, problems = _run(setup, trial, crew, writer, on_window)
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


def _run(
    setup: Setup, trial: Trial, crew: Crew, writer: RecordWriter, on_window: OnWindow
) -> tuple[Outcome, Verdict, tuple[str, ...]]:
    """What the kind of the trial's profile asks for. Raises TrialError."""
    match setup.profile(trial).kind:
        case "load":
            loaded = _measure(setup, trial, crew, writer, on_window)
            return loaded, *worst(loaded)
        case "startup":
            started = startup.measure(setup, trial, crew, on_window)
            return started, *startup.judge(started)
        case "build":
            return building.measure(setup, trial, crew), "valid", ()


def worst(measurement: Measurement) -> tuple[Verdict, tuple[str, ...]]:
    """The worst verdict of a trial's levels, and all their problems with the level's name before them."""
    found = {level.verdict for level in measurement.levels}
    order: tuple[Verdict, ...] = ("failed", "unstable", "generator_limited")
    verdict: Verdict = next((verdict for verdict in order if verdict in found), "valid")
    return verdict, tuple(f"{level.level}: {text}" for level in measurement.levels for text in level.problems)


def _measure(setup: Setup, trial: Trial, crew: Crew, writer: RecordWriter, on_window: OnWindow) -> Measurement:
    config, placement = setup.config, setup.plan.placement
    password = new_password()
    check_ports(config)
    spec = load_spec(setup, trial, timed_levels(setup.profile(trial), setup.plan.timing))
    database = start_database(setup, crew, password)
    service = crew.add(service_spec(setup.images[trial.target], placement.service, config.ports, config.limits, password))
    load_json = msgspec.json.encode(spec).decode()
    load = crew.add(generator_spec(setup.images["load"], placement.generator, load_json, config.limits))
    with Generator(load, spec) as generator:
        wait_for_database(database)
        hello = generator.hello()
        readings = [_read_statements(database, config.ports.database, {})]
        service.start()
        started_ns = started_unix_ns(service)
        members = {"service": service, "database": database, "generator": load}
        readers = {role: open_reader(member.container, member.pid) for role, member in members.items()}
        probe = SpeedProbe(placement, local=not any(isinstance(reader, ApiReader) for reader in readers.values()))
        with Sampler(readers) as sampler, probe:

            def level_ended(end: wire.LevelEnd) -> None:
                sampler.read_once()
                readings.append(_read_statements(database, config.ports.database, end.answered))

            heard = generator.follow(hello, service, on_window, level_ended)
    if _restarted(service, started_ns):
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
            start_seconds=round((ready_unix_ns - started_ns) / 1e9, 4),
            stop_seconds=round(stop_seconds, 3),
            exit_status=exit_status,
        ),
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


def _restarted(service: Running, started_ns: int) -> bool:
    service.state()
    return service.started_unix_ns() != started_ns
