"""The trial of kind `load`: one service under load, with a fresh database and a load generator."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free, new_password
from harness.containers.spec import DRAIN_SECONDS, generator_spec, proxy_spec, replica_ports, replica_specs, service_spec
from harness.errors import TrialError
from harness.evaluation.inputs import DatabaseReading, GeneratorOutput, TrialData
from harness.evaluation.load import REST_LIMIT, evaluate
from harness.evaluation.usage import cores_between, cpu_per_request
from harness.host.counters import ApiReader, CombinedReader, Reader, Sampler, open_reader
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
    start_seconds,
    started_unix_ns,
    wait_for_database,
)
from harness.trials.generator import Generator, OnWindow, clock_offset_of, why_ended
from loadtests.protocol import messages
from loadtests.protocol.steady_state import cpu_time_falling

#: How long the CPU use of a service is observed after a window, while no request is sent.
REST_SECONDS = 0.6


class Deployment(Struct, frozen=True):
    """Deployment and load of one measurement. A trial may have several.

    `id`: the name of the trial or of its part. Samples and histograms are stored under it.
    """

    id: str
    placement: Placement
    limits: Limits
    levels: tuple[messages.TimedLevel, ...]
    #: CPUs of each replica behind a proxy. Empty: there is no proxy, and the service itself gets the load.
    replicas: tuple[str, ...] = ()
    #: Environment variables of the service in addition to its configuration.
    environment: Mapping[str, str] = {}


def plain(setup: Setup, trial: Trial) -> Deployment:
    """The deployment of a trial of kind `load`."""
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
    """One service under load, from its start to the judged measurement. Raises TrialError, PortTaken."""
    loaded = _LoadedService(setup, trial, containers, deployment)
    with Generator(loaded.generator_container, loaded.spec) as generator:
        loaded.start(generator)
        loaded.drive(generator, on_window)
    loaded.write(writer)
    loaded.stop()
    return evaluate(loaded.output, loaded.collect())


class _LoadedService:
    """The containers of one measurement. Its steps, in this order: start, drive, write, stop, collect."""

    #: Set by `start`.
    _hello: messages.Hello
    _raised: bool
    _sampler: Sampler
    _speed_probe: SpeedProbe
    #: Set by `drive`.
    output: GeneratorOutput
    #: Set by `stop`.
    _stop_seconds: float
    _exit_status: int
    _oom_killed: bool

    def __init__(self, setup: Setup, trial: Trial, containers: TrialContainers, deployment: Deployment) -> None:
        """Starts the database and creates the other containers. Raises PortTaken, TrialError."""
        password = new_password()
        check_ports(setup.config)
        self._setup = setup
        self._deployment = deployment
        self.spec = load_spec(setup, trial, deployment.levels)
        self._database = start_database(setup, containers, password, deployment.placement)
        self._services, self._proxies = _services(setup, trial, containers, deployment, password)
        spec_json = msgspec.json.encode(self.spec).decode()
        self.generator_container = containers.add(
            generator_spec(setup.images["load"], deployment.placement.generator, spec_json, deployment.limits)
        )
        self._started_ns: list[int] = []
        self._readings: list[DatabaseReading] = []
        #: Level -> cores that the service used right after the window, while no request was sent.
        self._at_rest: dict[str, float] = {}

    def start(self, generator: Generator) -> None:
        """Waits for database and generator, and starts the service. Raises TrialError."""
        wait_for_database(self._database)
        self._hello, self._raised = generator.hello(), generator.raised
        self._read_statements({})
        for container in (*self._proxies, *self._services):
            container.start()
        self._started_ns = [started_unix_ns(service) for service in self._services]
        readers = self._open_readers()
        local = not any(isinstance(reader, ApiReader) for of_role in readers.values() for reader in of_role)
        self._sampler = Sampler(
            {role: of_role[0] if len(of_role) == 1 else CombinedReader(of_role) for role, of_role in readers.items()}
        )
        self._speed_probe = SpeedProbe(self._deployment.placement, local=local)

    def _open_readers(self) -> dict[str, list[Reader]]:
        """Role -> a reader of the counters of each of its containers."""
        containers = {"service": self._services, "database": [self._database], "generator": [self.generator_container]}
        if self._proxies:
            containers["proxy"] = self._proxies
        return {role: [open_reader(c.container, c.pid) for c in of_role] for role, of_role in containers.items()}

    def drive(self, generator: Generator, on_window: OnWindow) -> None:
        """Samples counters while the generator runs all levels. Raises TrialError."""
        with self._sampler, self._speed_probe:
            self.output = generator.follow(
                self._hello, self._services[0], on_window, self._read_counters, self._is_still_warming_up
            )

    def _read_counters(self, end: messages.LevelEnd) -> None:
        """Called at the end of each level."""
        self._sampler.read_once()
        self._read_statements(end.answered)

    def _read_statements(self, answered: Mapping[str, int]) -> None:
        self._readings.append(read_statements(self._database, self._setup.config.ports.database, answered))

    def _is_still_warming_up(self, passed: messages.Passed, windows: Sequence[messages.Window]) -> bool:
        """Called after each measured window, while no request is sent. Raises TrialError."""
        rest_start_ns = time.monotonic_ns()
        time.sleep(REST_SECONDS)
        self._sampler.read_once()
        self._check_service_runs()
        samples = [sample for sample in self._sampler.samples if sample.role == "service"]
        rest_cores = cores_between(samples, rest_start_ns, samples[-1].monotonic_ns)
        self._at_rest[passed.level] = rest_cores
        falling, _ = cpu_time_falling(cpu_per_request(samples, windows, clock_offset_of(self._hello)))
        return falling or rest_cores > REST_LIMIT

    def _check_service_runs(self) -> None:
        """Raises TrialError where a service ended or was started again.

        Its counters then cover only a part of the time, and a generator that has just ended does not report it.
        """
        for service, started_ns in zip(self._services, self._started_ns, strict=True):
            if not service.state()["Running"]:
                raise TrialError("service", why_ended(service))
            if service.started_unix_ns() != started_ns:
                raise TrialError("service", "the service's container was restarted in the middle of the trial")

    def write(self, writer: RecordWriter) -> None:
        """Writes samples and histograms into the record."""
        writer.samples(self._deployment.id, self._sampler.samples)
        _write_histograms(writer, self._deployment.id, self.output)

    def stop(self) -> None:
        """Stops the service, which must still run. Raises TrialError."""
        self._check_service_runs()
        stop_start = time.monotonic()
        ended = [service.stop(DRAIN_SECONDS) for service in self._services]
        self._stop_seconds = time.monotonic() - stop_start
        self._exit_status = next((status for status, _ in ended if status), 0)
        self._oom_killed = any(killed for _, killed in ended)

    def collect(self) -> TrialData:
        """The inputs of evaluation."""
        hello, deployment = self._hello, self._deployment
        return TrialData(
            clock_offset_ns=clock_offset_of(hello),
            samples=self._sampler.samples,
            host_samples=self._sampler.host_samples,
            speed_samples=self._speed_probe.samples,
            readings=self._readings,
            contract=self._setup.contract,
            placement=deployment.placement,
            pool_size=deployment.limits.db_pool_size,
            objective=self._setup.config.slo,
            calibration=self._setup.calibration,
            trial_faults=self._faults(),
            prolongable=frozenset(x.name for x in deployment.levels if x.warmup_limit_seconds > x.warmup_seconds),
            at_rest=self._at_rest,
            idle_seconds=self.spec.idle_seconds,
            start_seconds=start_seconds(hello, self.output.ready.monotonic_ns, self._started_ns[0], self._services[0]),
            stop_seconds=round(self._stop_seconds, 3),
            exit_status=self._exit_status,
            generator_raised=self._raised,
        )

    def _faults(self) -> tuple[str, ...]:
        kills = max((s.counters.oom_kills or 0 for s in self._sampler.samples if s.role == "service"), default=0)
        faults = (
            "a process of the service was killed for lack of memory" if self._oom_killed or kills else "",
            f"the service ended with status {self._exit_status} after SIGTERM, not 0" if self._exit_status else "",
        )
        return tuple(fault for fault in faults if fault)


def _services(
    setup: Setup, trial: Trial, containers: TrialContainers, deployment: Deployment, password: str
) -> tuple[list[RunningContainer], list[RunningContainer]]:
    """The containers of the service or its replicas, and of the proxy if there is one: created, not started.

    Raises PortTaken.
    """
    config, image, cpus = setup.config, setup.images[trial.target], deployment.placement
    if not deployment.replicas:
        environment = {**setup.environment(trial), **deployment.environment}
        spec = service_spec(image, cpus.service, config.ports, deployment.limits, password, environment)
        return [containers.add(spec)], []
    count = len(deployment.replicas)
    for port in replica_ports(config.ports, count):
        check_port_free(port, "replica")
    specs = replica_specs(image, deployment.replicas, config.ports, deployment.limits, password, setup.environment(trial))
    proxy = proxy_spec(setup.images["proxy"], cpus.proxy, config.ports, count, deployment.limits)
    return [containers.add(spec) for spec in specs], [containers.add(proxy)]


def _write_histograms(writer: RecordWriter, name: str, output: GeneratorOutput) -> None:
    """Writes the histograms of all levels. Of a search for capacity only the verdicts of its probes are stored."""
    levels = [m for level in output.levels if level.end.level != CAPACITY for m in level.measured]
    origin_ns = output.ready.monotonic_ns
    unix = (output.hello.unix_ns + origin_ns - output.hello.monotonic_ns) / 1e9
    writer.histograms(
        name,
        unix,
        [LevelHistograms(m.level, (m.start_ns - origin_ns) / 1e9, (m.end_ns - m.start_ns) / 1e9, m.routes) for m in levels],
    )
