"""The measurement of a load trial, made from the reports of generator, sampler and database, and judged level by level."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.errors import TrialError
from harness.evaluation.bottleneck import Use, bottleneck, figures, most_used, use_of
from harness.evaluation.inputs import DatabaseReading, GeneratorOutput, LevelFacts, LevelOutput, TrialData
from harness.evaluation.sessions import mean_held
from harness.evaluation.statements import Contract, count_statements, subtract
from harness.evaluation.usage import anonymous_between, cpu_per_request, host_use, speeds, usage
from harness.evaluation.validity import GENERATOR_BUSY_LIMIT, LevelContext, generator_problem, judge, outside_contract
from harness.record.cpus import all_cpus, parse_cpu_list
from harness.record.measurement import (
    Capacity,
    CapacityProbe,
    LevelMeasurement,
    Measurement,
    Missing,
    RouteNumbers,
    RouteTime,
    StatementCount,
    Usage,
)
from harness.record.plan import CAPACITY, Placement
from harness.record.samples import Sample
from loadtests.protocol import capacity_search, histogram, messages
from loadtests.protocol.steady_state import cpu_time_falling

#: Cores that a service may use while no request is sent. More than that is a compiler that still has work to do; a garbage
#: collector uses less.
REST_LIMIT = 0.25


def evaluate(output: GeneratorOutput, data: TrialData) -> Measurement:
    """The measurement of a trial. Raises TrialError where the samples do not cover a window."""
    max_connections = max(m.connections for level in output.levels for m in level.measured)
    context = LevelContext(
        generator_cores=data.cores()["generator"],
        objective_milliseconds=data.objective.milliseconds,
        calibration=data.calibration,
        trial_faults=data.trial_faults,
        reopened=output.done.connections_opened - max_connections,
        failure_samples=output.done.failure_samples,
    )
    levels: list[LevelMeasurement] = []
    capacity: Capacity | Missing = Missing("not searched for")
    for index, level in enumerate(output.levels):
        before, after = data.readings[index : index + 2]
        answered = {route: n - before.answered.get(route, 0) for route, n in after.answered.items()}
        statements = count_statements(data.contract, answered, subtract(after.statistics, before.statistics))
        context = msgspec.structs.replace(
            context, outside=outside_contract(data.contract, data.readings[0], after, data.pool_size)
        )
        if level.end.level != CAPACITY:
            (measured,), (windows,) = level.measured, level.windows
            levels.append(_level(measured, windows, statements, (before, after), data, context))
        else:
            capacity = _capacity(level, (before, after), data, context)
    return Measurement(
        meta=output.ready.meta,
        generator_versions=output.hello.versions,
        workers=output.hello.workers,
        golden_cases=output.ready.golden_cases,
        start_seconds=data.start_seconds,
        stop_seconds=data.stop_seconds,
        exit_status=data.exit_status,
        levels=tuple(levels),
        capacity=capacity,
        answered=output.levels[-1].end.answered,
        failure_samples=output.done.failure_samples,
        connections_opened=output.done.connections_opened,
        harness_cpu_seconds=round(output.harness_cpu_seconds, 4),
        loaded_seconds=round(output.loaded_seconds, 3),
        generator_raised=data.generator_raised,
        idle_anonymous_bytes=_idle(output, data),
    )


def _idle(output: GeneratorOutput, data: TrialData) -> float | Missing:
    """The service's anonymous memory before the first level, while no request was sent."""
    if not data.idle_seconds:
        return Missing("the service was not left idle before its first level")
    load_start_ns = output.levels[0].windows[0][0].start_ns + data.clock_offset_ns
    service = [sample for sample in data.samples if sample.role == "service"]
    return anonymous_between(service, load_start_ns - int(data.idle_seconds * 1e9), load_start_ns)


def used_in(data: TrialData, start_ns: int, end_ns: int) -> dict[str, Usage]:
    """Role -> use of CPU and memory in a window. Raises TrialError."""
    by_role: dict[str, list[Sample]] = {}
    for sample in data.samples:
        by_role.setdefault(sample.role, []).append(sample)
    try:
        return {role: usage(series, start_ns, end_ns) for role, series in by_role.items()}
    except ValueError as error:
        raise TrialError("samples", f"the samples do not cover the measured window: {error}") from None


def shares_service(placement: Placement, role: str) -> bool:
    """True if a role's CPUs are among those of the service, as on a machine that has no others."""
    return set(parse_cpu_list(getattr(placement, role))) <= set(parse_cpu_list(placement.service))


def _level(
    measured: messages.Measured,
    windows: tuple[messages.Window, ...],
    statements: tuple[StatementCount, ...],
    readings: tuple[DatabaseReading, DatabaseReading],
    data: TrialData,
    context: LevelContext,
) -> LevelMeasurement:
    """The level's facts with the verdict and the bottleneck that follow from them."""
    facts = _facts(measured, windows, statements, data)
    verdict, problems = judge(facts, context)
    requests = sum(route.requests for route in facts.routes.values())
    use = resource_use(
        facts.usage,
        facts.window_seconds,
        generator_problem(facts, context) is not None,
        held(data.readings[0], *readings, requests, facts.window_seconds),
        data,
    )
    return LevelMeasurement(
        verdict=verdict,
        problems=problems,
        bottleneck=bottleneck(use),
        bottleneck_reason=figures(use),
        **msgspec.structs.asdict(facts),
    )


def _facts(
    measured: messages.Measured,
    windows: tuple[messages.Window, ...],
    statements: tuple[StatementCount, ...],
    data: TrialData,
) -> LevelFacts:
    """All that was measured at a level. Raises TrialError where the samples do not cover the window."""
    start_ns, end_ns = measured.start_ns + data.clock_offset_ns, measured.end_ns + data.clock_offset_ns
    used = used_in(data, start_ns, end_ns)
    placement = data.placement
    numbers = route_numbers(measured)
    steady, steady_reason = _steady(measured, windows, data)
    return LevelFacts(
        level=measured.level,
        kind="open" if measured.rate else "closed",
        connections=measured.connections,
        rate=measured.rate,
        lag_p99_microseconds=histogram.percentile((r.lag for r in measured.routes), 99),
        busy_seconds=measured.busy_seconds,
        warmup_seconds=round(measured.warmup_seconds, 3),
        steady=steady,
        steady_reason=steady_reason,
        window_seconds=(end_ns - start_ns) / 1e9,
        window_start_ns=start_ns,
        window_end_ns=end_ns,
        routes=numbers,
        times=times(numbers, statements, data.contract),
        # A window that was measured again counts as warm-up.
        windows=tuple(msgspec.structs.replace(w, phase="warmup") if w.end_ns <= measured.start_ns else w for w in windows),
        usage=used,
        host=host_use(
            data.host_samples,
            start_ns,
            end_ns,
            parse_cpu_list(placement.service),
            all_cpus(placement),
            [used[role] for role in used if role == "service" or shares_service(placement, role)],
        ),
        statements=statements,
        speed=speeds(data.speed_samples, start_ns, end_ns, placement),
        in_time=in_time(measured, data.objective),
    )


def _steady(measured: messages.Measured, windows: tuple[messages.Window, ...], data: TrialData) -> tuple[bool, str]:
    """Whether the service was warm when it was measured, and the sentence that says why or why not.

    The generator judges throughput and latency. What the service's CPU did, only the harness sees.
    """
    if measured.level not in data.prolongable:
        return measured.steady, measured.steady_reason
    rest_cores = data.at_rest.get(measured.level, 0.0)
    if rest_cores > REST_LIMIT:
        return False, f"the service still used {rest_cores:.0%} of a core after the window, while no request was sent"
    service = [sample for sample in data.samples if sample.role == "service"]
    kept = [window for window in windows if window.start_ns >= measured.start_ns]
    falling, reason = cpu_time_falling(cpu_per_request(service, kept, data.clock_offset_ns))
    return (False, reason) if falling else (measured.steady, measured.steady_reason)


def route_numbers(measured: messages.Measured) -> dict[str, RouteNumbers]:
    """Route -> what was counted of it."""
    return {
        r.route: RouteNumbers(
            requests=r.requests,
            failures=r.failures,
            mean_microseconds=r.sum_microseconds / r.requests if r.requests else 0.0,
            scheduled=r.scheduled,
            timed_out=r.timed_out,
            dropped=r.dropped,
            open=r.open,
        )
        for r in measured.routes
        if r.scheduled
    }


def in_time(measured: messages.Measured, objective: messages.Objective) -> float:
    """The share of the scheduled requests that were answered within the objective's time."""
    objective_microseconds = objective.milliseconds * 1000
    answered = sum(histogram.at_most(route.response, objective_microseconds) for route in measured.routes)
    return round(answered / max(sum(route.scheduled for route in measured.routes), 1), 5)


def times(
    numbers: Mapping[str, RouteNumbers], statements: tuple[StatementCount, ...], contract: Contract
) -> dict[str, RouteTime]:
    """PostgreSQL's time for a route's mean request: the sum of the mean times of the statements that it executes."""
    mean = {s.name: s.milliseconds / s.executed * 1e3 for s in statements if s.executed}
    return {
        name: RouteTime(route.mean_microseconds, sum(mean.get(s, 0.0) for s in contract.routes[name]))
        for name, route in numbers.items()
        if route.requests and name in contract.routes
    }


def held(
    first: DatabaseReading, before: DatabaseReading, after: DatabaseReading, requests: int, window_seconds: float
) -> float:
    """The mean number of connections that the service held during the window.

    `first`: the reading before the service started; the two others: before and after the level. Requests outside the window,
    as those of the warm-up, count as if they had come at the window's rate (Little's law).
    """
    total = sum(after.answered.values()) - sum(before.answered.values())
    if not requests:
        return 0.0
    return mean_held(
        first.statistics.sessions,
        before.statistics.sessions,
        after.statistics.sessions,
        window_seconds * total / requests,
    )


def resource_use(used: Mapping[str, Usage], seconds: float, generator_over: bool, held: float, data: TrialData) -> Use:
    return use_of(
        used,
        data.cores(),
        seconds,
        generator_over=generator_over,
        shared=data.placement.database == data.placement.generator,
        proxy_shares=data.placement.proxy == data.placement.generator,
        held=held,
        pool_size=data.pool_size,
    )


def _capacity(
    output: LevelOutput,
    readings: tuple[DatabaseReading, DatabaseReading],
    data: TrialData,
    context: LevelContext,
) -> Capacity | Missing:
    """The capacity that a search found, and what limited the rates that failed."""
    probes: list[CapacityProbe] = []
    search_probes: list[capacity_search.SearchProbe] = []
    for measured in output.measured:
        start_ns, end_ns = measured.start_ns + data.clock_offset_ns, measured.end_ns + data.clock_offset_ns
        seconds = (end_ns - start_ns) / 1e9
        used = used_in(data, start_ns, end_ns)
        passed = capacity_search.meets(measured, data.objective)
        busiest = used["generator"].busiest_second_cores / context.generator_cores
        requests = sum(r.requests for r in measured.routes)
        use = resource_use(
            used,
            seconds,
            busiest > GENERATOR_BUSY_LIMIT["open"],
            held(data.readings[0], *readings, requests, seconds),
            data,
        )
        probes.append(
            CapacityProbe(
                measured.rate, passed, in_time(measured, data.objective), round(seconds, 3), most_used(use), figures(use)
            )
        )
        search_probes.append(capacity_search.SearchProbe(measured.rate, passed))
    low, high = capacity_search.bounds(search_probes)
    if not low:
        return Missing(f"no rate met the objective, down to {min(p.rate for p in probes):g} requests/s")
    if context.trial_faults:
        return Missing("; ".join(context.trial_faults))
    if high is None:
        return Capacity(
            low, None, "generator", "higher rates were not tried: the generator is not calibrated for them", tuple(probes)
        )
    edge = next(p for p in reversed(probes) if p.rate == high)
    return Capacity(low, high, edge.bottleneck, edge.bottleneck_reason, tuple(probes))
