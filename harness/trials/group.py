"""A group: several services alive at once, each with a database of its own, and the load goes round among them in slices.

databases -> services created -> generator -> services started one after the other -> levels -> services stopped -> judged
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

import docker
import msgspec
import psutil
from docker.errors import APIError, DockerException
from msgspec import Struct

from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free, new_password
from harness.containers.spec import (
    DRAIN_SECONDS,
    LOOPBACK,
    database_spec,
    group_generator_spec,
    service_spec,
)
from harness.errors import EngineError, TrialError
from harness.evaluation import validity
from harness.evaluation.inputs import DatabaseReading
from harness.evaluation.load import shares_service
from harness.evaluation.sliced import CopyData, CopyLevel, GroupData, evaluate
from harness.host.counters import Reader, Sampler, open_reader
from harness.host.machine import step_aside
from harness.host.priority import raise_priority
from harness.host.speed_probe import SpeedProbe
from harness.plan.levels import in_slices
from harness.plan.schedule import group_seconds, warmup_turns
from harness.record.config import Ports
from harness.record.cpus import all_cpus, parse_cpu_list
from harness.record.histograms import LevelHistograms
from harness.record.measurement import Missing, Verdict
from harness.record.plan import Trial
from harness.record.samples import Sample
from harness.record.trial_result import Outcome, TrialResult
from harness.record.writer import RecordWriter
from harness.trials.context import Setup, read_statements, started_unix_ns, wait_for_database, wanted_meta
from harness.trials.generator import (
    READY_SECONDS,
    GeneratorContainer,
    OnWindow,
    clock_offset_of,
    expect,
    why_ended,
)
from loadtests.protocol import messages
from loadtests.protocol.group_messages import (
    Copy,
    CopyLost,
    CopyReady,
    GroupDone,
    GroupEvent,
    GroupLevelEnd,
    GroupSpec,
    Program,
    SliceEvent,
    Turn,
    decode_group_event,
)
from loadtests.protocol.rounds import MOST_TIMES

#: Memory moves slowly, and two dozen containers are read at once.
SAMPLE_SECONDS = 0.5
#: Databases are asked for their statistics, and services stopped, so many at a time.
AT_ONCE = 4
ROLES: tuple[Literal["service", "database", "generator"], ...] = ("service", "database", "generator")

#: Called with the target of a slice, and what was measured.
OnSlice = Callable[[str, SliceEvent], None]


def run_group(
    client: docker.DockerClient,
    setup: Setup,
    trials: Sequence[Trial],
    writer: RecordWriter,
    on_window: OnWindow,
    on_slice: OnSlice = lambda _target, _event: None,
) -> tuple[TrialResult, ...]:
    """Runs all trials of a group, and writes their samples and histograms.

    Raises EngineError (the engine does not answer), PortTaken, RunError (disk). These end the run.
    """
    started, begin = datetime.now(UTC), time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.enter_context(step_aside(all_cpus(setup.plan.placement)))
        group = _Group(client, setup, trials, stack)
        try:
            try:
                group.measure(on_window, on_slice)
            except TrialError as error:
                group.fail_all(error)
            outcomes = {trial.id: group.outcome(trial, writer) for trial in trials}
        except (APIError, DockerException, OSError) as error:
            raise EngineError(f"the engine failed in the group of trial {trials[0].id}: {error}") from error
    wall_seconds = round((time.monotonic() - begin) / len(trials), 3)
    return tuple(
        TrialResult(
            trial=trial,
            started=started.isoformat(timespec="seconds"),
            wall_seconds=wall_seconds,
            verdict=found.verdict,
            problems=found.problems,
            stage=found.stage,
            logs=found.logs,
            measurement=found.measurement,
        )
        for trial, found in ((trial, outcomes[trial.id]) for trial in trials)
    )


class _Outcome(Struct, frozen=True):
    measurement: Outcome
    verdict: Verdict
    problems: tuple[str, ...]
    stage: str | None = None
    logs: Mapping[str, str] = {}


class _Service:
    """One service of the group with its database: its containers, and what was heard of it."""

    def __init__(self, index: int, trial: Trial, containers: TrialContainers, setup: Setup) -> None:
        """Starts the database, and creates the service. Raises PortTaken, TrialError."""
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
            service_spec(setup.images[trial.target], placement.service, self.ports, config.limits, password)
        )
        self.copy = Copy(
            name=f"{trial.target} (start {trial.block})",
            port=self.ports.service,
            service=str(self.container.container.id),
            database=str(self.database.container.id),
            meta=wanted_meta(setup, trial),
            warmup_turns=warmup_turns(setup.targets.get(trial.target), setup.plan.timing),
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


class _Group:
    """The containers of a group and the events of its generator."""

    def __init__(
        self, client: docker.DockerClient, setup: Setup, trials: Sequence[Trial], stack: contextlib.ExitStack
    ) -> None:
        self._setup = setup
        self._trials = trials
        check_port_free(setup.config.generator.port, "generator")
        firsts = {(trial.target, trial.block): trial for trial in reversed(trials)}
        wanted = list(dict.fromkeys((trial.target, trial.block) for trial in trials))
        self._services = [
            _Service(index, firsts[key], stack.enter_context(TrialContainers(client, setup.run_id, firsts[key].id)), setup)
            for index, key in enumerate(wanted)
        ]
        self._profiles = list(dict.fromkeys(trial.profile for trial in trials))
        self._spec = self._make_spec()
        config, placement = setup.config, setup.plan.placement
        spec_json = msgspec.json.encode(self._spec).decode()
        own = stack.enter_context(TrialContainers(client, setup.run_id, f"group-{trials[0].group}"))
        self._generator = own.add(group_generator_spec(setup.images["load"], placement.generator, spec_json, config.limits))
        self._hello: messages.Hello
        self._raised = False
        self._done = GroupDone({}, {})
        self._ends: list[GroupLevelEnd] = []
        self._slices: list[SliceEvent] = []
        self._sampler: Sampler
        self._probe: SpeedProbe
        self._harness_cpu, self._loaded_seconds = 0.0, 0.0

    def _make_spec(self) -> GroupSpec:
        setup = self._setup
        config, plan = setup.config, setup.plan
        profiles = {profile.name: profile for profile in plan.profiles}
        return GroupSpec(
            host=LOOPBACK,
            # Each service of a group gets the same requests in the same order. Another group gets other requests.
            seed=plan.seed * 1000 + self._trials[0].group,
            copies=tuple(service.copy for service in self._services),
            programs=tuple(
                Program(
                    name,
                    profiles[name].connections,
                    tuple(in_slices(level, plan.timing) for level in profiles[name].levels),
                )
                for name in self._profiles
            ),
            cpus=parse_cpu_list(plan.placement.service),
            on_cpus=tuple(role for role in ROLES if role == "service" or shares_service(plan.placement, role)),
            ready_timeout_seconds=READY_SECONDS,
            master_host=config.generator.address,
            master_port=config.generator.port,
            external_workers=config.generator.external_workers,
        )

    def measure(self, on_window: OnWindow, on_slice: OnSlice) -> None:
        """All levels, from the services' start to their stop. Raises TrialError where the whole group fails."""
        expected = group_seconds(self._trials, self._setup.plan, self._setup.targets)
        bound = expected * MOST_TIMES + READY_SECONDS * len(self._services)
        with GeneratorContainer(self._generator, bound, decode_group_event) as generator:
            self._hello = generator.hello()
            self._raised = raise_priority(self._generator.pid)
            for service in self._services:
                wait_for_database(service.database)
            self._read_all({})
            self._start_services(generator)
            with self._new_sampler() as self._sampler, self._new_probe() as self._probe:
                self._follow(generator, on_window, on_slice)
        self._together(_Service.stop)

    def _start_services(self, generator: GeneratorContainer[GroupEvent]) -> None:
        """Starts the services one after the other, so that each start has the CPUs alone."""
        self._services[0].start()
        for service, following in pairwise([*self._services, None]):
            event = next(generator.events, None)
            if isinstance(event, CopyLost):
                self._services[event.copy].lose(TrialError(event.stage, event.reason))
            else:
                ready = expect(event, CopyReady)
                self._services[ready.copy].ready = ready
            if following is not None:
                following.start()
            if service is None:
                raise TrialError("load", "the load generator reported a service too many")

    def _new_sampler(self) -> Sampler:
        readers: dict[str, Reader] = {"generator": _reader(self._generator)}
        for service in self._services:
            if service.lost is None:
                readers[f"service {service.index}"] = _reader(service.container)
                readers[f"database {service.index}"] = _reader(service.database)
        return Sampler(readers, SAMPLE_SECONDS)

    def _new_probe(self) -> SpeedProbe:
        return SpeedProbe(self._setup.plan.placement, local=True)

    def _follow(self, generator: GeneratorContainer[GroupEvent], on_window: OnWindow, on_slice: OnSlice) -> None:
        process = psutil.Process()
        begin, cpu = time.monotonic(), sum(process.cpu_times()[:2])
        while True:
            match event := next(generator.events, None):
                case Turn():
                    self._services[event.copy].turns.append(event)
                    on_window(event.window)
                case SliceEvent():
                    self._slices.append(event)
                    on_slice(self._services[event.copy].target, event)
                case CopyLost():
                    self._services[event.copy].lose(TrialError(event.stage, event.reason))
                case GroupLevelEnd():
                    self._sampler.read_once()
                    self._read_all(event.answered)
                    self._ends.append(event)
                    generator.answer()
                case _:
                    self._done = expect(event, GroupDone)
                    break
        self._harness_cpu = sum(process.cpu_times()[:2]) - cpu
        self._loaded_seconds = time.monotonic() - begin

    def _read_all(self, answered: Mapping[int, Mapping[str, int]]) -> None:
        self._together(lambda service: service.read(answered.get(service.index, {})))

    def _together(self, action: Callable[[_Service], None]) -> None:
        """Does something with each service that is not lost, several at a time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(action, [service for service in self._services if service.lost is None]))

    def fail_all(self, error: TrialError) -> None:
        """The whole group failed: no service has a measurement."""
        for service in self._services:
            service.lose(error)

    def outcome(self, trial: Trial, writer: RecordWriter) -> _Outcome:
        """The measurement of one trial with its verdict. Raises RunError."""
        service = next(s for s in self._services if (s.target, s.block) == (trial.target, trial.block))
        try:
            if service.lost is not None:
                raise service.lost
            measured = evaluate(self._group_data(), self._copy_data(service, trial.profile))
        except TrialError as error:
            return _Outcome(Missing(str(error)), "failed", (str(error),), error.stage, service.containers.logs())
        self._write(service, trial, writer)
        verdict, problems = validity.worst(measured)
        return _Outcome(measured, verdict, problems, logs=service.containers.logs() if verdict == "failed" else {})

    def _of(self, role: str) -> list[Sample]:
        """The samples of one container, under its plain role."""
        return [
            msgspec.structs.replace(sample, role=role.partition(" ")[0])
            for sample in self._sampler.samples
            if sample.role == role
        ]

    def _group_data(self) -> GroupData:
        setup = self._setup
        return GroupData(
            clock_offset_ns=clock_offset_of(self._hello),
            services=[self._of(f"service {service.index}") for service in self._services],
            databases=[self._of(f"database {service.index}") for service in self._services],
            generator=self._of("generator"),
            speed_samples=self._probe.samples,
            contract=setup.contract,
            placement=setup.plan.placement,
            pool_size=setup.config.limits.db_pool_size,
            objective=setup.config.slo,
            calibration=setup.calibration,
            generator_raised=self._raised,
        )

    def _copy_data(self, service: _Service, profile: str) -> CopyData:
        hello, ready = self._hello, service.ready
        if ready is None:
            raise TrialError("readiness", "the service was never ready")
        first = next(end for end in self._ends if end.profile == profile)
        levels = [
            CopyLevel(
                end=end,
                slices=[e for e in self._slices if (e.copy, e.profile, e.level) == (service.index, profile, end.level)],
                warmup=[t.window for t in service.turns if t.profile == profile] if end == first else (),
                before=service.readings[number],
                after=service.readings[number + 1],
                wanted_rounds=self._wanted_rounds(profile, end.level),
            )
            for number, end in enumerate(self._ends)
            if end.profile == profile
        ]
        ready_unix_ns = hello.unix_ns + ready.monotonic_ns - hello.monotonic_ns
        return CopyData(
            index=service.index,
            hello=hello,
            meta=ready.meta,
            golden_cases=ready.golden_cases,
            first_reading=service.readings[0],
            levels=levels,
            failure_samples=self._done.failure_samples.get(service.index, ()),
            connections_opened=self._done.connections_opened.get(service.index, 0),
            expected_connections=_expected_connections(self._spec.programs),
            faults=self._faults(service),
            start_seconds=round((ready_unix_ns - service.started_ns) / 1e9, 4),
            stop_seconds=service.stop_seconds,
            exit_status=service.exit_status,
            harness_cpu_seconds=round(self._harness_cpu, 4),
            loaded_seconds=round(self._loaded_seconds, 3),
        )

    def _wanted_rounds(self, profile: str, level: str) -> int:
        return next(
            each.rounds
            for program in self._spec.programs
            if program.profile == profile
            for each in program.levels
            if each.name == level
        )

    def _faults(self, service: _Service) -> tuple[str, ...]:
        counted = (sample.counters.oom_kills or 0 for sample in self._of(f"service {service.index}"))
        faults = (
            "a process of the service was killed for lack of memory"
            if service.oom_killed or max(counted, default=0)
            else "",
            f"the service ended with status {service.exit_status} after SIGTERM, not 0" if service.exit_status else "",
        )
        return tuple(fault for fault in faults if fault)

    def _write(self, service: _Service, trial: Trial, writer: RecordWriter) -> None:
        """Writes samples and histograms of one trial. The samples of all profiles of a service are the same."""
        samples = [*self._of(f"service {service.index}"), *self._of(f"database {service.index}"), *self._of("generator")]
        writer.samples(trial.id, sorted(samples, key=lambda sample: sample.monotonic_ns))
        hello, ready = self._hello, service.ready
        origin_ns = ready.monotonic_ns if ready else hello.monotonic_ns
        measured = [end.measured[service.index] for end in self._ends if end.profile == trial.profile]
        writer.histograms(
            trial.id,
            (hello.unix_ns + origin_ns - hello.monotonic_ns) / 1e9,
            [
                LevelHistograms(m.level, (m.start_ns - origin_ns) / 1e9, (m.end_ns - m.start_ns) / 1e9, m.routes)
                for m in measured
            ],
        )


def _expected_connections(programs: Sequence[Program]) -> int:
    """How many connections to a service are opened: the users of a profile that has more than the one before it are new."""
    opened, users = 0, 0
    for program in programs:
        opened += max(0, program.connections - users)
        users = program.connections
    return opened


def _reader(running: RunningContainer) -> Reader:
    return open_reader(running.container, running.pid)
