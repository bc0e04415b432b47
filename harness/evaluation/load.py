"""From what generator, sampler and database said to a trial's measurement, judged level by level. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.errors import TrialError
from harness.evaluation.bottleneck import Use, bottleneck, figures, most_used, use_of
from harness.evaluation.inputs import Evidence, Heard, LevelHeard
from harness.evaluation.statements import Contract, count_statements, subtract
from harness.evaluation.usage import anonymous_between, cpu_per_request, host_use, speeds, usage
from harness.evaluation.validity import GENERATOR_BUSY_LIMIT, Circumstances, generator_problem, judge
from harness.record.cpus import all_cpus, parse_cpu_list
from harness.record.measurement import (
    Capacity,
    LevelMeasurement,
    Measurement,
    Missing,
    Probe,
    RouteNumbers,
    RouteTime,
    StatementCount,
    Usage,
)
from harness.record.plan import CAPACITY, Placement
from harness.record.samples import Sample
from loadtests.protocol import capacity_search, histogram, messages
from loadtests.protocol.steady_state import cools

#: Cores. What works while nobody asks is a compiler with a backlog (or a collector, for less).
REST_LIMIT = 0.25


def evaluate(heard: Heard, evidence: Evidence) -> Measurement:
    """The measurement of a trial. Raises TrialError where the samples do not cover a window."""
    most = max(m.connections for level in heard.levels for m in level.measured)
    around = Circumstances(
        pool_size=evidence.pool_size,
        generator_cores=evidence.cores()["generator"],
        objective_milliseconds=evidence.objective.milliseconds,
        calibration=evidence.calibration,
        trial_faults=evidence.trial_faults,
        reopened=heard.done.connections_opened - most,
        failure_samples=heard.done.failure_samples,
    )
    levels: list[LevelMeasurement] = []
    capacity: Capacity | Missing = Missing("not searched for")
    for index, level in enumerate(heard.levels):
        before, after = evidence.readings[index : index + 2]
        answered = {route: n - before.answered.get(route, 0) for route, n in after.answered.items()}
        statements = count_statements(evidence.contract, answered, subtract(after.rows, before.rows))
        if level.end.level != CAPACITY:
            (measured,), (windows,) = level.measured, level.windows
            levels.append(_level(measured, windows, statements, answered, evidence, around))
        else:
            capacity = _capacity(level, statements, answered, evidence, around)
    return Measurement(
        meta=heard.ready.meta,
        generator_versions=heard.hello.versions,
        workers=heard.hello.workers,
        golden_cases=heard.ready.golden_cases,
        start_seconds=evidence.start_seconds,
        stop_seconds=evidence.stop_seconds,
        exit_status=evidence.exit_status,
        levels=tuple(levels),
        capacity=capacity,
        answered=heard.levels[-1].end.answered,
        failure_samples=heard.done.failure_samples,
        connections_opened=heard.done.connections_opened,
        harness_cpu_seconds=round(heard.harness_cpu_seconds, 4),
        loaded_seconds=round(heard.loaded_seconds, 3),
        idle_anonymous_bytes=_idle(heard, evidence),
    )


def _idle(heard: Heard, evidence: Evidence) -> float | Missing:
    """The service's anonymous memory while it was left alone, up to the first second of load."""
    if not evidence.idle_seconds:
        return Missing("the service was not left alone before its first level")
    begun_ns = heard.levels[0].windows[0][0].start_ns + evidence.shift_ns
    service = [sample for sample in evidence.samples if sample.role == "service"]
    return anonymous_between(service, begun_ns - int(evidence.idle_seconds * 1e9), begun_ns)


def used_in(evidence: Evidence, start_ns: int, end_ns: int) -> dict[str, Usage]:
    """Role -> use in a window. Raises TrialError."""
    by_role: dict[str, list[Sample]] = {}
    for sample in evidence.samples:
        by_role.setdefault(sample.role, []).append(sample)
    try:
        return {role: usage(series, start_ns, end_ns) for role, series in by_role.items()}
    except ValueError as error:
        raise TrialError("samples", f"the samples do not cover the measured window: {error}") from None


def shares_service(placement: Placement, role: str) -> bool:
    """Whether a role's CPUs are among those of the service: where a machine has none left beside it."""
    return set(parse_cpu_list(getattr(placement, role))) <= set(parse_cpu_list(placement.service))


def _level(
    measured: messages.Measured,
    windows: tuple[messages.Window, ...],
    statements: tuple[StatementCount, ...],
    answered: Mapping[str, int],
    evidence: Evidence,
    around: Circumstances,
) -> LevelMeasurement:
    start_ns, end_ns = measured.start_ns + evidence.shift_ns, measured.end_ns + evidence.shift_ns
    used = used_in(evidence, start_ns, end_ns)
    placement = evidence.placement
    numbers = {
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
    level = LevelMeasurement(
        level=measured.level,
        kind="open" if measured.rate else "closed",
        verdict="valid",
        problems=(),
        bottleneck="none",
        bottleneck_reason="",
        connections=measured.connections,
        rate=measured.rate,
        lag_p99_microseconds=histogram.percentile((r.lag for r in measured.routes), 99),
        busy_seconds=measured.busy_seconds,
        warmup_seconds=round(measured.warmup_seconds, 3),
        steady=measured.steady,
        steady_reason=measured.steady_reason,
        window_seconds=(end_ns - start_ns) / 1e9,
        window_start_ns=start_ns,
        window_end_ns=end_ns,
        routes=numbers,
        times=_times(numbers, statements, evidence.contract),
        # A window that was measured again was warm-up.
        windows=tuple(msgspec.structs.replace(w, phase="warmup") if w.end_ns <= measured.start_ns else w for w in windows),
        usage=used,
        host=host_use(
            evidence.host_samples,
            start_ns,
            end_ns,
            parse_cpu_list(placement.service),
            all_cpus(placement),
            [used[role] for role in used if role == "service" or shares_service(placement, role)],
        ),
        statements=statements,
        speed=speeds(evidence.speed_samples, start_ns, end_ns, placement),
        in_time=_in_time(measured, evidence),
    )
    if measured.level in evidence.prolongable:
        service = [sample for sample in evidence.samples if sample.role == "service"]
        kept = [window for window in windows if window.start_ns >= measured.start_ns]
        cooling, said = cools(cpu_per_request(service, kept, evidence.shift_ns))
        rest = evidence.at_rest.get(measured.level, 0.0)
        if rest > REST_LIMIT:
            cooling, said = True, f"the service used {rest:.0%} of a core for itself when nothing was asked any more"
        if cooling:
            level = msgspec.structs.replace(level, steady=False, steady_reason=said)
    verdict, problems = judge(level, around)
    requests = sum(route.requests for route in numbers.values())
    use = _use(
        used,
        level.window_seconds,
        generator_problem(level, around) is not None,
        _executing(statements, answered, requests, level.window_seconds),
        evidence,
    )
    return msgspec.structs.replace(
        level, verdict=verdict, problems=problems, bottleneck=bottleneck(use), bottleneck_reason=figures(use)
    )


def _in_time(measured: messages.Measured, evidence: Evidence) -> float:
    """The share of what was scheduled that was answered within the objective's time."""
    bound = evidence.objective.milliseconds * 1000
    answered = sum(histogram.at_most(route.response, bound) for route in measured.routes)
    return round(answered / max(sum(route.scheduled for route in measured.routes), 1), 5)


def _times(
    numbers: Mapping[str, RouteNumbers], statements: tuple[StatementCount, ...], contract: Contract
) -> dict[str, RouteTime]:
    """PostgreSQL's time of a route's mean request: the mean times of the statements that it executes, added up."""
    mean = {s.name: s.milliseconds / s.executed * 1e3 for s in statements if s.executed}
    return {
        name: RouteTime(route.mean_microseconds, sum(mean.get(s, 0.0) for s in contract.routes[name]))
        for name, route in numbers.items()
        if route.requests and name in contract.routes
    }


def _executing(statements: tuple[StatementCount, ...], answered: Mapping[str, int], requests: int, seconds: float) -> float:
    """Statements under execution at any moment of the window, mean: the level's PostgreSQL time, by the window's share of
    its requests (Little's law).
    """
    total = sum(answered.values())
    if not total:
        return 0.0
    return sum(s.milliseconds for s in statements) / 1e3 * requests / total / seconds


def _use(used: Mapping[str, Usage], seconds: float, generator_over: bool, executing: float, evidence: Evidence) -> Use:
    return use_of(
        used,
        evidence.cores(),
        seconds,
        generator_over=generator_over,
        shared=evidence.placement.database == evidence.placement.generator,
        proxy_shares=evidence.placement.proxy == evidence.placement.generator,
        executing=executing,
        pool_size=evidence.pool_size,
    )


def _capacity(
    heard: LevelHeard,
    statements: tuple[StatementCount, ...],
    answered: Mapping[str, int],
    evidence: Evidence,
    around: Circumstances,
) -> Capacity | Missing:
    """The search's answer, with what limited the rates that failed."""
    probes: list[Probe] = []
    plain: list[capacity_search.Probe] = []
    for measured in heard.measured:
        start_ns, end_ns = measured.start_ns + evidence.shift_ns, measured.end_ns + evidence.shift_ns
        seconds = (end_ns - start_ns) / 1e9
        used = used_in(evidence, start_ns, end_ns)
        passed = capacity_search.meets(measured, evidence.objective)
        busiest = used["generator"].busiest_second_cores / around.generator_cores
        requests = sum(r.requests for r in measured.routes)
        use = _use(
            used,
            seconds,
            busiest > GENERATOR_BUSY_LIMIT["open"],
            _executing(statements, answered, requests, seconds),
            evidence,
        )
        probes.append(
            Probe(measured.rate, passed, _in_time(measured, evidence), round(seconds, 3), most_used(use), figures(use))
        )
        plain.append(capacity_search.Probe(measured.rate, passed))
    low, high = capacity_search.bounds(plain)
    if not low:
        return Missing(f"no rate met the objective, down to {min(p.rate for p in plain):g} requests/s")
    if around.trial_faults:
        return Missing("; ".join(around.trial_faults))
    if high is None:
        return Capacity(
            low, None, "generator", "higher rates were not tried: the generator is not calibrated for them", tuple(probes)
        )
    edge = next(p for p in reversed(probes) if p.rate == high)
    return Capacity(low, high, edge.bottleneck, edge.bottleneck_reason, tuple(probes))
