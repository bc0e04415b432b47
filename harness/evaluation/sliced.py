"""The measurement of one service of a group, made from its slices, and judged level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET, Struct, UnsetType

from harness.errors import TrialError
from harness.evaluation.bottleneck import bottleneck, figures, use_of
from harness.evaluation.inputs import DatabaseReading, LevelFacts
from harness.evaluation.load import REST_LIMIT, held, in_time, route_numbers, times
from harness.evaluation.statements import Contract, count_statements, subtract
from harness.evaluation.usage import SECOND_NS, speeds, usage
from harness.evaluation.validity import LevelContext, generator_problem, held_back, judge, outside_contract
from harness.record.cpus import count_cpus
from harness.record.lag import latency_problem
from harness.record.measurement import (
    HostUse,
    LevelMeasurement,
    Measurement,
    Missing,
    RouteNumbers,
    RouteTime,
    Slice,
    StatementCount,
    Usage,
)
from harness.record.plan import Placement
from harness.record.run import Calibration
from harness.record.samples import Sample, SpeedSample
from loadtests.protocol import histogram, messages
from loadtests.protocol.group_messages import GroupLevelEnd, SliceEvent
from loadtests.protocol.rounds import least_slices


class GroupData(Struct, frozen=True):
    """What the services of a group share. `samples`: role -> those of the containers of that role, by their copy's index."""

    clock_offset_ns: int
    samples: Mapping[str, Mapping[int, Sequence[Sample]]]
    generator: Sequence[Sample]
    speed_samples: Sequence[SpeedSample]
    placement: Placement
    pool_size: int
    objective: messages.Objective
    calibration: Calibration
    generator_raised: bool = False


class CopyLevel(Struct, frozen=True):
    """One level of one service: its slices, the end of the level, the database's statistics before and after it.

    `wanted_rounds`: how many rounds there should be.
    """

    end: GroupLevelEnd
    slices: Sequence[SliceEvent]
    warmup: Sequence[messages.Window]
    before: DatabaseReading
    after: DatabaseReading
    wanted_rounds: int


class CopyData(Struct, frozen=True):
    """One service of the group in one profile."""

    index: int
    #: Missing: it keeps no contract, and nobody counts its statements.
    contract: Contract | Missing
    hello: messages.Hello
    meta: Mapping[str, str | int]
    golden_cases: int
    #: The database before the service started.
    first_reading: DatabaseReading
    levels: Sequence[CopyLevel]
    failure_samples: tuple[str, ...]
    connections_opened: int
    expected_connections: int
    faults: tuple[str, ...]
    start_seconds: float | Missing
    stop_seconds: float | Missing
    exit_status: int | Missing
    harness_cpu_seconds: float
    loaded_seconds: float
    #: Role -> why nothing is known of its container: fitmap did not start the service. Unset: all are known.
    unseen: Mapping[str, Missing] | UnsetType = UNSET
    #: The requests a second that its fuse lets pass. 0: it has none.
    fuse: int = 0


def evaluate(data: GroupData, copy: CopyData) -> Measurement:
    """The measurement of a service in a profile. Raises TrialError where the samples do not cover a level."""
    context = LevelContext(
        generator_cores=count_cpus(data.placement.generator),
        objective_milliseconds=data.objective.milliseconds,
        calibration=data.calibration,
        trial_faults=copy.faults,
        reopened=copy.connections_opened - copy.expected_connections,
        failure_samples=copy.failure_samples,
    )
    return Measurement(
        meta=copy.meta,
        generator_versions=copy.hello.versions,
        workers=copy.hello.workers,
        golden_cases=copy.golden_cases,
        start_seconds=copy.start_seconds,
        stop_seconds=copy.stop_seconds,
        exit_status=copy.exit_status,
        levels=tuple(_level(data, copy, level, context) for level in copy.levels),
        capacity=Missing("not searched for"),
        answered=copy.levels[-1].after.answered,
        failure_samples=copy.failure_samples,
        connections_opened=copy.connections_opened,
        harness_cpu_seconds=copy.harness_cpu_seconds,
        loaded_seconds=copy.loaded_seconds,
        generator_raised=data.generator_raised,
    )


def _level(data: GroupData, copy: CopyData, level: CopyLevel, context: LevelContext) -> LevelMeasurement:
    if not isinstance(copy.contract, Missing):
        outside = outside_contract(copy.contract, copy.first_reading, level.after, data.pool_size)
        context = msgspec.structs.replace(context, outside=outside)
    facts = _facts(data, copy, level)
    context = msgspec.structs.replace(context, held_back=held_back(_counting(copy, level), copy.fuse))
    verdict, problems = judge(facts, context)
    counting, least = sum(not slice_.dropped for slice_ in facts.slices), least_slices(level.wanted_rounds)
    if verdict == "valid" and counting < least:
        reason = next(iter(reversed(level.end.dropped.get(copy.index, {}).values())), "")
        verdict, problems = "unstable", (f"only {counting} of {least} slices count: {reason}",)
    requests = sum(route.requests for route in facts.routes.values())
    use = use_of(
        facts.usage,
        {role: count_cpus(cpus_of(data.placement, role)) for role in facts.usage},
        facts.window_seconds,
        generator_over=generator_problem(facts, context) is not None,
        shared=data.placement.database == data.placement.generator,
        held=(
            None
            if isinstance(copy.contract, Missing)
            else held(copy.first_reading, level.before, level.after, requests, facts.window_seconds)
        ),
        pool_size=data.pool_size,
    )
    return LevelMeasurement(
        verdict=verdict,
        problems=problems,
        bottleneck=bottleneck(use),
        bottleneck_reason=figures(use),
        **{field: getattr(facts, field) for field in facts.__struct_fields__},
    )


def _answered(level: CopyLevel) -> dict[str, int]:
    return {route: n - level.before.answered.get(route, 0) for route, n in level.after.answered.items()}


def _facts(data: GroupData, copy: CopyData, level: CopyLevel) -> LevelFacts:
    index = copy.index
    measured = level.end.measured[index]
    offset = data.clock_offset_ns
    dropped = level.end.dropped.get(index, {})
    counting = _counting(copy, level)
    steady, steady_reason = _steady(measured, level.end.idle_cores.get(index, 0.0))
    if not counting:
        raise TrialError("load", f"{level.end.level}: no slice was measured")
    start_ns = min(event.start_ns for event in counting) + offset
    end_ns = max(event.end_ns for event in counting) + offset
    statements = _statements(copy.contract, level)
    numbers = route_numbers(measured)
    closed = not measured.rate
    seconds, busy_seconds = sum(e.end_ns - e.start_ns for e in counting) / SECOND_NS, measured.busy_seconds
    if closed and (paced := sum(event.paced_requests for event in counting)):
        # The time that all requests take at the throughput between the marks, where all connections were busy.
        share = sum(event.requests for event in counting) / paced
        seconds, busy_seconds = share * sum(event.paced_ns for event in counting) / SECOND_NS, share * busy_seconds
    lag = histogram.percentile((route.lag for route in measured.routes), 99)
    return LevelFacts(
        level=measured.level,
        kind="closed" if closed else "open",
        connections=measured.connections,
        rate=measured.rate,
        lag_p99_microseconds=lag,
        latency_problem=latency_problem(lag, histogram.percentile((route.response for route in measured.routes), 99)),
        busy_seconds=busy_seconds,
        warmup_seconds=measured.warmup_seconds,
        steady=steady,
        steady_reason=steady_reason,
        window_seconds=seconds,
        window_start_ns=start_ns,
        window_end_ns=end_ns,
        routes=numbers,
        times=_times(copy.contract, numbers, statements),
        windows=(*level.warmup, *(_window(event) for event in level.slices)),
        usage={
            role: _usage(samples, start_ns, end_ns, [cpu_ns(event, role) for event in counting], counting)
            for role, samples in (
                *((role, mine[index]) for role, mine in data.samples.items() if index in mine),
                ("generator", data.generator),
            )
        },
        host=copy.unseen["service"] if copy.unseen else _host(counting),
        statements=statements,
        speed={
            role: found
            for role, found in speeds(data.speed_samples, start_ns, end_ns, data.placement).items()
            # The CPUs of this machine that a service would have are not those of one that runs elsewhere.
            if role not in (copy.unseen or ())
        },
        in_time=in_time(measured, data.objective),
        slices=tuple(_slice(event, offset, dropped) for event in level.slices),
        unseen=copy.unseen,
    )


def _counting(copy: CopyData, level: CopyLevel) -> Sequence[SliceEvent]:
    """The slices that count. Where none does, the figures are those of all, and the level is unstable."""
    dropped = level.end.dropped.get(copy.index, {})
    return [event for event in level.slices if event.round not in dropped] or list(level.slices)


def _statements(contract: Contract | Missing, level: CopyLevel) -> tuple[StatementCount, ...] | Missing:
    if isinstance(contract, Missing):
        return contract
    return count_statements(contract, _answered(level), subtract(level.after.statistics, level.before.statistics))


def _times(
    contract: Contract | Missing, numbers: Mapping[str, RouteNumbers], statements: tuple[StatementCount, ...] | Missing
) -> dict[str, RouteTime]:
    """PostgreSQL's time by route. Empty where nobody counts the statements."""
    if isinstance(contract, Missing) or isinstance(statements, Missing):
        return {}
    return times(numbers, statements, contract)


def cpus_of(placement: Placement, role: str) -> str:
    """The CPUs of a role's container. What stands beside a service runs where the database does."""
    found: str = getattr(placement, role if role in ("service", "generator") else "database")
    return found


def cpu_ns(event: SliceEvent, role: str) -> int:
    """The CPU time of a role's container in a slice. Only roles with samples are asked for, so they have counters too."""
    match role:
        case "service":
            return event.service_cpu_ns or 0
        case "database":
            return event.database_cpu_ns or 0
        case "generator":
            return event.generator_cpu_ns
        case _:
            return event.beside_cpu_ns.get(role, 0)


def _steady(measured: messages.Measured, idle_cores: float) -> tuple[bool, str]:
    """Whether the service was warm, and idle while the others had the load.

    CPU time that it uses then is not charged to its requests.
    """
    if idle_cores > REST_LIMIT:
        return False, f"the service used {idle_cores:.0%} of a core while no request was sent to it"
    return measured.steady, measured.steady_reason


def _slice(event: SliceEvent, offset_ns: int, dropped: Mapping[int, str]) -> Slice:
    return Slice(
        round=event.round,
        start_ns=event.start_ns + offset_ns,
        end_ns=event.end_ns + offset_ns,
        requests=event.requests,
        paced_requests=event.paced_requests,
        paced_ns=event.paced_ns,
        service_cpu_ns=event.service_cpu_ns,
        database_cpu_ns=event.database_cpu_ns,
        generator_cpu_ns=event.generator_cpu_ns,
        dropped=dropped.get(event.round, ""),
    )


def _window(event: SliceEvent) -> messages.Window:
    mean = event.sum_microseconds / event.requests if event.requests else 0.0
    return messages.Window("measure", event.start_ns, event.end_ns, event.requests, event.failures, mean)


def _usage(
    samples: Sequence[Sample], start_ns: int, end_ns: int, cpu_ns: Sequence[int], slices: Sequence[SliceEvent]
) -> Usage:
    """Memory from the samples of the whole level, CPU from the counters of the slices. Raises TrialError."""
    try:
        whole = usage(samples, start_ns, end_ns)
    except ValueError as error:
        raise TrialError("samples", f"the samples do not cover the level: {error}") from None
    return msgspec.structs.replace(
        whole,
        cpu_seconds=sum(cpu_ns) / SECOND_NS,
        busiest_second_cores=max(
            used / max(event.end_ns - event.start_ns, 1) for used, event in zip(cpu_ns, slices, strict=True)
        ),
    )


def _host(slices: Sequence[SliceEvent]) -> HostUse:
    """Interference in the slices that count, weighted by their length."""
    seconds = [event.end_ns - event.start_ns for event in slices]

    def mean(values: Sequence[float]) -> float:
        return round(sum(value * weight for value, weight in zip(values, seconds, strict=True)) / max(sum(seconds), 1), 4)

    return HostUse(other_work=mean([e.other_work or 0.0 for e in slices]), steal=mean([e.steal or 0.0 for e in slices]))
