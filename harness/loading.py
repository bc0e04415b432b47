"""One service under load: a fresh hardened pair and a generator, from first start to last counter."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from harness.containers import Crew, Running, new_password, parse_statistics
from harness.counters import ApiReader, open_reader
from harness.errors import TrialError
from harness.evaluate import Evidence, Reading, evaluate
from harness.generator import Generator, Heard, OnWindow, clock_shift_ns
from harness.levels import CAPACITY
from harness.measurement import Measurement, Verdict
from harness.model import Placement, Trial
from harness.pair import DRAIN_SECONDS, Limits, generator_spec, service_spec
from harness.plan import timed_levels
from harness.record import LevelHistograms, RecordWriter
from harness.sampler import Sampler
from harness.speed import SpeedProbe
from harness.staging import Setup, check_ports, load_spec, start_database, started_unix_ns, wait_for_database
from loadtests.lean import wire


class Stand(Struct, frozen=True):
    """What a service stands on and is loaded with: all in which the parts of one trial may differ.

    `id`: of the trial or of its part; samples and histograms are kept under it.
    """

    id: str
    placement: Placement
    limits: Limits
    levels: tuple[wire.Level, ...]


def plain(setup: Setup, trial: Trial) -> Stand:
    """What a trial of kind `load` stands on."""
    return Stand(trial.id, setup.plan.placement, setup.config.limits, timed_levels(setup.profile(trial), setup.plan.timing))


def statistics_command(port: int) -> list[str]:
    """Prints pg_stat_statements as JSON when run in the database container as postgres (peer authentication)."""
    return ["psql", "-p", str(port), "-U", "postgres", "-d", "fitmap", "-qAtX", "-f", "/opt/fitmap/statistics.sql"]


def worst(measurement: Measurement) -> tuple[Verdict, tuple[str, ...]]:
    """The worst verdict of a trial's levels, and all their problems with the level's name before them."""
    found = {level.verdict for level in measurement.levels}
    order: tuple[Verdict, ...] = ("failed", "unstable", "generator_limited")
    verdict: Verdict = next((verdict for verdict in order if verdict in found), "valid")
    return verdict, tuple(f"{level.level}: {text}" for level in measurement.levels for text in level.problems)


def measure(setup: Setup, trial: Trial, crew: Crew, writer: RecordWriter, on_window: OnWindow, stand: Stand) -> Measurement:
    """Start, load, sample, count, end, and judge. Raises TrialError, PortTaken."""
    config, placement, limits = setup.config, stand.placement, stand.limits
    password = new_password()
    check_ports(config)
    spec = load_spec(setup, trial, stand.levels)
    database = start_database(setup, crew, password, placement)
    service = crew.add(service_spec(setup.images[trial.target], placement.service, config.ports, limits, password))
    load_json = msgspec.json.encode(spec).decode()
    load = crew.add(generator_spec(setup.images["load"], placement.generator, load_json, limits))
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

    writer.samples(stand.id, sampler.samples)
    _write_histograms(writer, stand.id, heard)
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
            pool_size=limits.db_pool_size,
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


def _write_histograms(writer: RecordWriter, name: str, heard: Heard) -> None:
    """Those of the levels; a search leaves its probes' verdicts alone."""
    levels = [m for level in heard.levels if level.end.level != CAPACITY for m in level.measured]
    origin_ns = heard.ready.monotonic_ns
    unix = (heard.hello.unix_ns + origin_ns - heard.hello.monotonic_ns) / 1e9
    writer.histograms(
        name,
        unix,
        [LevelHistograms(m.level, (m.start_ns - origin_ns) / 1e9, (m.end_ns - m.start_ns) / 1e9, m.routes) for m in levels],
    )


def _restarted(service: Running, started_ns: int) -> bool:
    service.state()
    return service.started_unix_ns() != started_ns
