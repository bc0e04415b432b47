"""One service under load: a fresh hardened pair and a generator, from first start to last counter."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free, new_password
from harness.containers.spec import DRAIN_SECONDS, generator_spec, proxy_spec, replica_ports, replica_specs, service_spec
from harness.errors import TrialError
from harness.evaluation.inputs import GeneratorOutput, TrialData
from harness.evaluation.load import REST_LIMIT, evaluate
from harness.evaluation.usage import cores_between, cpu_per_request
from harness.host.counters import ApiReader, Reader, Sampler, Together, open_reader
from harness.host.speed_probe import SpeedProbe
from harness.plan.schedule import timed_levels
from harness.record.config import Limits
from harness.record.histograms import LevelHistograms
from harness.record.measurement import Measurement
from harness.record.plan import CAPACITY, Placement, Trial
from harness.record.writer import RecordWriter
from harness.trials.context import (
    Setup,
    check_ports,
    load_spec,
    read_statements,
    start_database,
    started_unix_ns,
    wait_for_database,
)
from harness.trials.generator import Generator, OnWindow, clock_offset_of, why_ended
from loadtests.protocol import messages
from loadtests.protocol.steady_state import cpu_time_falling

#: So long a service is watched that nobody asks.
REST_SECONDS = 0.6


class Deployment(Struct, frozen=True):
    """What a service stands on and is loaded with: all in which the parts of one trial may differ.

    `id`: of the trial or of its part; samples and histograms are kept under it.
    """

    id: str
    placement: Placement
    limits: Limits
    levels: tuple[messages.TimedLevel, ...]
    #: CPUs of each replica behind a proxy. None: the service itself is loaded.
    replicas: tuple[str, ...] = ()
    #: What the service is told beside its configuration.
    environment: Mapping[str, str] = {}


def plain(setup: Setup, trial: Trial) -> Deployment:
    """What a trial of kind `load` stands on."""
    return Deployment(
        trial.id, setup.plan.placement, setup.config.limits, timed_levels(setup.profile(trial), setup.timing(trial))
    )


def measure(
    setup: Setup,
    trial: Trial,
    containers: TrialContainers,
    writer: RecordWriter,
    on_window: OnWindow,
    deployment: Deployment,
) -> Measurement:
    """Start, load, sample, count, end, and judge. Raises TrialError, PortTaken."""
    config, placement, limits = setup.config, deployment.placement, deployment.limits
    password = new_password()
    check_ports(config)
    spec = load_spec(setup, trial, deployment.levels)
    database = start_database(setup, containers, password, placement)
    services, proxy = _services(setup, trial, containers, deployment, password)
    load_json = msgspec.json.encode(spec).decode()
    load = containers.add(generator_spec(setup.images["load"], placement.generator, load_json, limits))
    with Generator(load, spec) as generator:
        wait_for_database(database)
        hello = generator.hello()
        readings = [read_statements(database, config.ports.database, {})]
        for member in (*proxy, *services):
            member.start()
        started_ns = [started_unix_ns(service) for service in services]
        members = {"database": [database], "generator": [load], **({"proxy": proxy} if proxy else {})}
        single = {role: [_reader(member) for member in found] for role, found in ({"service": services} | members).items()}
        readers = {role: found[0] if len(found) == 1 else Together(found) for role, found in single.items()}
        local = not any(isinstance(reader, ApiReader) for found in single.values() for reader in found)
        probe = SpeedProbe(placement, local=local)
        with Sampler(readers) as sampler, probe:

            def level_ended(end: messages.LevelEnd) -> None:
                sampler.read_once()
                readings.append(read_statements(database, config.ports.database, end.answered))

            at_rest: dict[str, float] = {}

            def warming(passed: messages.Passed, windows: Sequence[messages.Window]) -> bool:
                rest_ns = time.monotonic_ns()
                time.sleep(REST_SECONDS)
                sampler.read_once()
                _check_there(services, started_ns)
                mine = [sample for sample in sampler.samples if sample.role == "service"]
                at_rest[passed.level] = cores_between(mine, rest_ns, mine[-1].monotonic_ns)
                cooling, _ = cpu_time_falling(cpu_per_request(mine, windows, clock_offset_of(hello)))
                return cooling or at_rest[passed.level] > REST_LIMIT

            output = generator.follow(hello, services[0], on_window, level_ended, warming)
    writer.samples(deployment.id, sampler.samples)
    _write_histograms(writer, deployment.id, output)
    _check_there(services, started_ns)
    stopping = time.monotonic()
    ended = [service.stop(DRAIN_SECONDS) for service in services]
    stop_seconds = time.monotonic() - stopping
    exit_status = next((status for status, _ in ended if status), 0)
    oom_killed = any(killed for _, killed in ended)

    kills = max((s.counters.oom_kills or 0 for s in sampler.samples if s.role == "service"), default=0)
    faults = [
        "a process of the service was killed for want of memory" if oom_killed or kills else "",
        f"the service ended with status {exit_status} after SIGTERM, not 0" if exit_status else "",
    ]
    ready_unix_ns = hello.unix_ns + output.ready.monotonic_ns - hello.monotonic_ns
    return evaluate(
        output,
        TrialData(
            clock_offset_ns=clock_offset_of(hello),
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
            prolongable=frozenset(x.name for x in deployment.levels if x.warmup_limit_seconds > x.warmup_seconds),
            at_rest=at_rest,
            idle_seconds=spec.idle_seconds,
            start_seconds=round((ready_unix_ns - started_ns[0]) / 1e9, 4),
            stop_seconds=round(stop_seconds, 3),
            exit_status=exit_status,
        ),
    )


def _services(
    setup: Setup, trial: Trial, containers: TrialContainers, deployment: Deployment, password: str
) -> tuple[list[RunningContainer], list[RunningContainer]]:
    """The service or its replicas, and the proxy where there is one; created, not started. Raises PortTaken."""
    config, image, cpus = setup.config, setup.images[trial.target], deployment.placement
    if not deployment.replicas:
        spec = service_spec(image, cpus.service, config.ports, deployment.limits, password)
        told = {**spec.environment, **deployment.environment}
        return [containers.add(msgspec.structs.replace(spec, environment=told))], []
    count = len(deployment.replicas)
    for port in replica_ports(config.ports, count):
        check_port_free(port, "replica")
    specs = replica_specs(image, deployment.replicas, config.ports, deployment.limits, password)
    proxy = proxy_spec(setup.images["proxy"], cpus.proxy, config.ports, count, deployment.limits)
    return [containers.add(spec) for spec in specs], [containers.add(proxy)]


def _reader(member: RunningContainer) -> Reader:
    return open_reader(member.container, member.pid)


def _write_histograms(writer: RecordWriter, name: str, output: GeneratorOutput) -> None:
    """Those of the levels; a search leaves its probes' verdicts alone."""
    levels = [m for level in output.levels if level.end.level != CAPACITY for m in level.measured]
    origin_ns = output.ready.monotonic_ns
    unix = (output.hello.unix_ns + origin_ns - output.hello.monotonic_ns) / 1e9
    writer.histograms(
        name,
        unix,
        [LevelHistograms(m.level, (m.start_ns - origin_ns) / 1e9, (m.end_ns - m.start_ns) / 1e9, m.routes) for m in levels],
    )


def _check_there(services: Sequence[RunningContainer], started_ns: Sequence[int]) -> None:
    """Raises TrialError where a service ended or was started again: its counters then tell of a part of the time alone, and
    the generator, which may just have ended, does not say so.
    """
    for service, at in zip(services, started_ns, strict=True):
        if not service.state()["Running"]:
            raise TrialError("service", why_ended(service))
        if service.started_unix_ns() != at:
            raise TrialError("service", "the service's container was restarted in the middle of the trial")
