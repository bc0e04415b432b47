"""One trial: a fresh hardened pair and a load generator, from first start to last counter."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import docker
import msgspec
import psutil
from docker.errors import APIError, DockerException
from msgspec import Struct

from harness.config import Config
from harness.containers import Crew, Running, check_port_free, new_password, parse_statistics
from harness.contract import Contract, StatementCount, count_statements
from harness.counters import open_reader
from harness.errors import EngineError, TrialError
from harness.model import Plan, Profile, Trial
from harness.pair import DRAIN_SECONDS, LOOPBACK, count_cpus, database_spec, generator_spec, service_spec
from harness.record import Measurement, Missing, RecordWriter, RouteNumbers, Sample, TrialResult, Verdict
from harness.sampler import Sampler
from harness.usage import usage
from harness.validity import judge
from loadtests.lean import wire

DATABASE_READY_SECONDS = 30.0
SERVICE_READY_SECONDS = 30.0
#: Beyond all bounded phases: container starts, golden cases, drain.
SPARE_SECONDS = 60.0


def statistics_command(port: int) -> list[str]:
    """Prints pg_stat_statements as JSON when run in the database container as postgres (peer authentication)."""
    return ["psql", "-p", str(port), "-U", "postgres", "-d", "fitmap", "-qAtX", "-f", "/opt/fitmap/statistics.sql"]


OnWindow = Callable[[wire.Window], None]
E = TypeVar("E")


class Setup(Struct, frozen=True):
    """What all trials of a run have in common. `images`: name -> engine's image id."""

    run_id: str
    plan: Plan
    config: Config
    images: Mapping[str, str]
    contract: Contract


class Loaded(Struct, frozen=True):
    """What the generator said, in order of time."""

    hello: wire.Hello
    ready: wire.ServiceReady
    windows: tuple[wire.Window, ...]
    measured: wire.Measured
    done: wire.Done


def run_trial(
    client: docker.DockerClient, setup: Setup, trial: Trial, writer: RecordWriter, on_window: OnWindow
) -> TrialResult:
    """Run one trial and write its samples and histograms. A failure of the trial becomes its result.

    Raises EngineError (engine away), PortTaken, RunError (disk): these end the run.
    """
    started, start = datetime.now(UTC), time.monotonic()
    measurement: Measurement | Missing
    with Crew(client, setup.run_id, trial.id) as crew:
        stage: str | None = None
        logs: Mapping[str, str] = {}
        verdict: Verdict
        try:
            measurement, verdict, problems = _measure(setup, trial, crew, writer, on_window)
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


def _measure(
    setup: Setup, trial: Trial, crew: Crew, writer: RecordWriter, on_window: OnWindow
) -> tuple[Measurement, Verdict, tuple[str, ...]]:
    config, placement, timing = setup.config, setup.plan.placement, setup.plan.timing
    profile = next(p for p in setup.plan.profiles if p.name == trial.profile)
    password = new_password()
    for role in ("service", "database"):
        check_port_free(getattr(config.ports, role), role)
    database = crew.add(database_spec(setup.images["database"], placement.database, config.ports, config.limits, password))
    service = crew.add(service_spec(setup.images[trial.target], placement.service, config.ports, config.limits, password))
    generator = crew.add(generator_spec(setup.images["load"], placement.generator, _load_json(setup, trial, profile)))
    lines = _event_lines(generator)
    database.start()
    generator.start()
    bound = SERVICE_READY_SECONDS + timing.warmup_limit_seconds + timing.measure_seconds + SPARE_SECONDS
    watchdog = threading.Timer(bound, generator.container.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        _wait_for_database(database)
        events = (wire.decode_event(line) for line in lines)
        hello = _expect(next(events, None), wire.Hello)
        service.start()
        started_unix_ns = _started(service)
        containers = {"service": service, "database": database, "generator": generator}
        readers = {role: open_reader(member.container, member.pid) for role, member in containers.items()}
        with Sampler(readers) as sampler:
            loaded, harness_cpu = _listen(hello, events, service, on_window)
    finally:
        watchdog.cancel()
    rows = parse_statistics(database.execute(statistics_command(config.ports.database), user="postgres"))
    statements = count_statements(setup.contract, loaded.done.answered, rows)
    stopping = time.monotonic()
    exit_status, oom_killed = service.stop(DRAIN_SECONDS)
    stop_seconds = time.monotonic() - stopping

    writer.samples(trial.id, sampler.samples)
    measured = loaded.measured
    seconds = (measured.end_ns - measured.start_ns) / 1e9
    unix_start = (hello.unix_ns + measured.start_ns - hello.monotonic_ns) / 1e9
    writer.histograms(trial.id, unix_start, seconds, measured.routes)
    ready_unix_ns = hello.unix_ns + loaded.ready.monotonic_ns - hello.monotonic_ns
    measurement = _measurement(
        loaded,
        sampler.samples,
        statements,
        start_seconds=(ready_unix_ns - started_unix_ns) / 1e9,
        stop_seconds=stop_seconds,
        exit_status=exit_status,
        harness_cpu_seconds=harness_cpu,
    )
    kills = [s.counters.oom_kills or 0 for s in sampler.samples if s.role == "service"]
    verdict, problems = judge(
        measurement,
        pool_size=config.limits.db_pool_size,
        generator_cores=count_cpus(placement.generator),
        oom_kills=int(oom_killed) + max(kills, default=0),
        exit_status=exit_status,
    )
    return measurement, verdict, problems


def _load_json(setup: Setup, trial: Trial, profile: Profile) -> str:
    timing = setup.plan.timing
    spec = wire.LoadSpec(
        profile=profile.name,
        routes=profile.routes,
        host=LOOPBACK,
        port=setup.config.ports.service,
        # Every target of a block gets the same requests in the same order; another block gets others.
        seed=setup.plan.seed * 1000 + trial.block,
        connections=profile.level.connections,
        warmup_seconds=timing.warmup_seconds,
        warmup_limit_seconds=timing.warmup_limit_seconds,
        measure_seconds=timing.measure_seconds,
        ready_timeout_seconds=SERVICE_READY_SECONDS,
    )
    return msgspec.json.encode(spec).decode()


def _event_lines(generator: Running) -> Iterator[bytes]:
    """The generator's standard output by lines, from its first on; ends when it ends."""
    # Attached before it starts, so that nothing is missed.
    chunks = generator.container.attach(stdout=True, stderr=False, stream=True, logs=True)

    def lines() -> Iterator[bytes]:
        pending = b""
        for chunk in chunks:
            *complete, pending = (pending + chunk).split(b"\n")
            yield from complete

    return lines()


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


def _expect(event: wire.Event | None, kind: type[E]) -> E:
    if isinstance(event, wire.Fatal):
        raise TrialError(event.stage, event.reason)
    if event is None:
        raise TrialError("load", "the load generator ended before its time: see its log, or its time ran out")
    if not isinstance(event, kind):
        raise TrialError("load", f"the load generator said {type(event).__name__} where {kind.__name__} was due")
    return event


def _listen(hello: wire.Hello, events: Iterator[wire.Event], service: Running, on_window: OnWindow) -> tuple[Loaded, float]:
    """Follow the generator to its end; with the CPU seconds that this process itself used in the measured window."""
    ready = _expect(_next(events, service), wire.ServiceReady)
    windows: list[wire.Window] = []
    process = psutil.Process()
    cpu_before = 0.0
    while isinstance(event := _next(events, service), wire.Window):
        if event.phase == "measure" and not any(w.phase == "measure" for w in windows):
            cpu_before = sum(process.cpu_times()[:2])
        windows.append(event)
        on_window(event)
        if not event.requests and not service.state()["Running"]:
            raise TrialError("service", _why_ended(service))
    measured = _expect(event, wire.Measured)
    # The first window's own second is not in the difference: scaled up to the whole.
    count = sum(w.phase == "measure" for w in windows)
    cpu = (sum(process.cpu_times()[:2]) - cpu_before) * count / max(count - 1, 1)
    done = _expect(_next(events, service), wire.Done)
    return Loaded(hello, ready, tuple(windows), measured, done), cpu


def _next(events: Iterator[wire.Event], service: Running) -> wire.Event | None:
    event = next(events, None)
    if isinstance(event, wire.Fatal) and not service.state()["Running"]:
        raise TrialError("service", _why_ended(service))
    return event


def _why_ended(service: Running) -> str:
    state = service.state()
    cause = ", killed for want of memory" if state["OOMKilled"] else ""
    return f"the service ended by itself with status {state['ExitCode']}{cause}"


def clock_shift_ns(hello: wire.Hello) -> int:
    """What to add to the generator's instants to get this process's monotonic clock.

    Containers on this kernel share the clock. An engine in a virtual machine has another one; then both wall clocks,
    which are kept in step, are the bridge.
    """
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot_id = ""
    if boot_id == hello.boot_id:
        return 0
    return (time.monotonic_ns() - time.time_ns()) - (hello.monotonic_ns - hello.unix_ns)


def _measurement(
    loaded: Loaded,
    samples: list[Sample],
    statements: tuple[StatementCount, ...],
    *,
    start_seconds: float,
    stop_seconds: float,
    exit_status: int,
    harness_cpu_seconds: float,
) -> Measurement:
    measured = loaded.measured
    shift = clock_shift_ns(loaded.hello)
    start_ns, end_ns = measured.start_ns + shift, measured.end_ns + shift
    by_role = {role: [s for s in samples if s.role == role] for role in ("service", "database", "generator")}
    try:
        used = {role: usage(series, start_ns, end_ns) for role, series in by_role.items()}
    except ValueError as error:
        raise TrialError("samples", f"the samples do not cover the measured window: {error}") from None
    return Measurement(
        meta=loaded.ready.meta,
        generator_versions=loaded.hello.versions,
        golden_cases=loaded.ready.golden_cases,
        start_seconds=round(start_seconds, 4),
        stop_seconds=round(stop_seconds, 3),
        exit_status=exit_status,
        connections=measured.connections,
        busy_seconds=measured.busy_seconds,
        warmup_seconds=round(measured.warmup_seconds, 3),
        steady=measured.steady,
        steady_reason=measured.steady_reason,
        window_seconds=(end_ns - start_ns) / 1e9,
        window_start_ns=start_ns,
        window_end_ns=end_ns,
        routes={
            r.route: RouteNumbers(r.requests, r.failures, r.sum_microseconds / r.requests if r.requests else 0.0)
            for r in measured.routes
        },
        windows=loaded.windows,
        usage=used,
        answered=loaded.done.answered,
        statements=statements,
        failure_samples=loaded.done.failure_samples,
        connections_opened=loaded.done.connections_opened,
        harness_cpu_seconds=round(harness_cpu_seconds, 4),
    )
