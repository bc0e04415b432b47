"""A group: several services alive at once, each with a database of its own, and the load goes round among them in slices.

databases -> services created -> databases ready -> generator -> services started one after the other -> levels
-> services stopped -> judged
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from operator import methodcaller

import docker
import msgspec
import psutil
from docker.errors import APIError, DockerException
from msgspec import Struct

from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free
from harness.containers.spec import group_generator_spec
from harness.errors import EngineError, TrialError
from harness.evaluation import validity
from harness.evaluation.sliced import CopyData, CopyLevel, GroupData, evaluate
from harness.host.counters import Reader, Sampler, open_reader
from harness.host.machine import step_aside
from harness.host.speed_probe import SpeedProbe
from harness.plan.schedule import group_seconds
from harness.record.cpus import all_cpus
from harness.record.histograms import LevelHistograms
from harness.record.measurement import Missing, Verdict
from harness.record.plan import Trial
from harness.record.samples import Sample
from harness.record.trial_result import Outcome, TrialResult
from harness.record.writer import RecordWriter
from harness.trials.context import Setup
from harness.trials.external_service import ExternalService
from harness.trials.generator import (
    READY_SECONDS,
    GeneratorContainer,
    OnWindow,
    clock_offset_of,
    expect,
)
from harness.trials.group_service import GroupService
from harness.trials.group_spec import expected_connections, families, fused_seconds, group_spec, wanted_rounds
from loadtests.protocol import messages
from loadtests.protocol.group_messages import (
    CopyLost,
    CopyReady,
    GroupDone,
    GroupEvent,
    GroupLevelEnd,
    SliceEvent,
    Turn,
    WarmUp,
    decode_group_event,
)
from loadtests.protocol.rounds import MOST_TIMES

#: Memory moves slowly, and two dozen containers are read at once.
SAMPLE_SECONDS = 0.5
#: Databases are asked for their statistics, and services stopped, so many at a time.
AT_ONCE = 4

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


Service = GroupService | ExternalService


class _Outcome(Struct, frozen=True):
    measurement: Outcome
    verdict: Verdict
    problems: tuple[str, ...]
    stage: str | None = None
    logs: Mapping[str, str] = {}


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
        family = families(wanted)
        self._services: list[Service] = []
        for index, key in enumerate(wanted):
            first = firsts[key]
            if external := setup.external(first):
                self._services.append(ExternalService(index, first, external, setup, family[index]))
            else:
                containers = stack.enter_context(TrialContainers(client, setup.run_id, first.id))
                self._services.append(GroupService(index, first, containers, setup, family[index]))
        self._spec = group_spec(setup, trials, tuple(service.copy for service in self._services))
        config, placement = setup.config, setup.plan.placement
        spec_json = msgspec.json.encode(self._spec).decode()
        own = stack.enter_context(TrialContainers(client, setup.run_id, f"group-{trials[0].group}"))
        self._generator = own.add(
            group_generator_spec(setup.load_image, placement.generator, spec_json, config.limits, setup.secrets)
        )
        self._hello: messages.Hello
        self._raised = False
        self._done = GroupDone({}, {})
        self._ends: list[GroupLevelEnd] = []
        self._slices: list[SliceEvent] = []
        self._sampler: Sampler
        self._probe: SpeedProbe
        self._harness_cpu, self._loaded_seconds = 0.0, 0.0

    def measure(self, on_window: OnWindow, on_slice: OnSlice) -> None:
        """All levels, from the services' start to their stop. Raises TrialError where the whole group fails."""
        expected = group_seconds(self._trials, self._setup.plan, self._setup.targets)
        bound = expected * MOST_TIMES + READY_SECONDS * len(self._services) + fused_seconds(self._spec)
        # Before the generator: from its start on it polls the first service, and a database may take long to execute what a
        # team gives it.
        for service in self._services:
            service.wait_beside()
        if all(service.lost for service in self._services):
            return
        with GeneratorContainer(self._generator, bound, decode_group_event) as generator:
            self._hello, self._raised = generator.hello(), generator.raised
            self._read_all({})
            self._start_services(generator)
            with self._new_sampler() as self._sampler, SpeedProbe(self._setup.plan.placement, local=True) as self._probe:
                self._follow(generator, on_window, on_slice)
        self._together(methodcaller("stop"))

    def _start_services(self, generator: GeneratorContainer[GroupEvent]) -> None:
        """Starts the services one after the other, so that each start has the CPUs alone."""
        for service in self._services:
            if service.lost is None:
                service.start()
            event = next(generator.events, None)
            if isinstance(event, CopyLost):
                service.lose(TrialError(event.stage, event.reason))
            else:
                service.ready = expect(event, CopyReady)

    def _new_sampler(self) -> Sampler:
        readers: dict[str, Reader] = {"generator": _reader(self._generator)}
        for service in self._services:
            if service.lost is None:
                for role, running in service.containers_by_role().items():
                    readers[f"{role} {service.index}"] = _reader(running)
        return Sampler(readers, SAMPLE_SECONDS)

    def _follow(self, generator: GeneratorContainer[GroupEvent], on_window: OnWindow, on_slice: OnSlice) -> None:
        process = psutil.Process()
        begin, cpu = time.monotonic(), sum(process.cpu_times()[:2])
        while True:
            match event := next(generator.events, None):
                case WarmUp():
                    self._together(methodcaller("narrow" if event.over else "widen"))
                    generator.answer()
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

    def _together(self, action: Callable[[Service], None]) -> None:
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
            measured = evaluate(self._group_data, self._copy_data(service, trial.profile))
        except TrialError as error:
            return _Outcome(Missing(str(error)), "failed", (str(error),), error.stage, service.logs())
        self._write(service, trial, writer)
        verdict, problems = validity.worst(measured)
        return _Outcome(measured, verdict, problems, logs=service.logs() if verdict == "failed" else {})

    def _of(self, role: str) -> list[Sample]:
        """The samples of one container, under its plain role."""
        return [
            msgspec.structs.replace(sample, role=role.partition(" ")[0])
            for sample in self._sampler.samples
            if sample.role == role
        ]

    @cached_property
    def _group_data(self) -> GroupData:
        """Made once: each trial of the group is evaluated with it."""
        setup = self._setup
        return GroupData(
            clock_offset_ns=clock_offset_of(self._hello),
            samples=self._samples(),
            generator=self._of("generator"),
            speed_samples=self._probe.samples,
            placement=setup.plan.placement,
            pool_size=setup.config.limits.db_pool_size,
            objective=setup.config.slo,
            calibration=setup.calibration,
            generator_raised=self._raised,
        )

    def _samples(self) -> dict[str, dict[int, list[Sample]]]:
        """Role -> the samples of each copy that has a container of that role."""
        found: dict[str, dict[int, list[Sample]]] = {}
        for service in self._services:
            for role in service.containers_by_role():
                found.setdefault(role, {})[service.index] = self._of(f"{role} {service.index}")
        return found

    def _copy_data(self, service: Service, profile: str) -> CopyData:
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
                wanted_rounds=wanted_rounds(self._spec, profile, end.level),
            )
            for number, end in enumerate(self._ends)
            if end.profile == profile
        ]
        return CopyData(
            index=service.index,
            contract=service.contract or self._setup.contract,
            hello=hello,
            meta=ready.meta,
            golden_cases=ready.golden_cases,
            first_reading=service.readings[0],
            levels=levels,
            failure_samples=self._done.failure_samples.get(service.index, ()),
            connections_opened=self._done.connections_opened.get(service.index, 0),
            expected_connections=expected_connections(self._spec, service.index),
            faults=self._faults(service),
            start_seconds=service.start_time(hello),
            stop_seconds=service.stop_seconds,
            exit_status=service.exit_status,
            harness_cpu_seconds=round(self._harness_cpu, 4),
            loaded_seconds=round(self._loaded_seconds, 3),
            unseen=service.unseen,
            fuse=service.fuse,
        )

    def _faults(self, service: Service) -> tuple[str, ...]:
        counted = (sample.counters.oom_kills or 0 for sample in self._of(f"service {service.index}"))
        return service.faults(max(counted, default=0))

    def _write(self, service: Service, trial: Trial, writer: RecordWriter) -> None:
        """Writes samples and histograms of one trial. The samples of all profiles of a service are the same."""
        mine = (self._of(f"{role} {service.index}") for role in service.containers_by_role())
        samples = [*chain.from_iterable(mine), *self._of("generator")]
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


def _reader(running: RunningContainer) -> Reader:
    return open_reader(running.container, running.pid)
