"""The trial of kind `memory-floor`: the smallest memory limit under which a service meets the objective at a modest rate.

The search doubles or halves the limit, then bisects over a grid of limits. Each probe runs fresh containers under load. The
floor must pass three times, and the limit one step below must fail twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from harness.containers.lifecycle import TrialContainers
from harness.errors import TrialError
from harness.evaluation.validity import disturbances, overload_problem
from harness.plan.schedule import FLOOR_SECONDS, FLOOR_WARMUP_SECONDS, timed_levels
from harness.record.measurement import LevelMeasurement, Measurement, Missing, Verdict
from harness.record.plan import Target, Trial
from harness.record.trial_result import FloorMeasurement, FloorProbe
from harness.record.writer import RecordWriter
from harness.trials import load
from harness.trials.context import Setup
from harness.trials.generator import OnWindow
from harness.trials.load import Deployment
from loadtests.protocol import messages

#: An engine accepts no limit below 6 MiB.
MIN_MIB = 6
START_MIB = 64
#: The floor must pass this often, and the limit below it must fail this often.
PASSES, FAILS = 3, 2
MAX_PROBES = 30
#: A probe is tried this often if something other than the service disturbs it.
MAX_ATTEMPTS = 3
#: Failures at these stages are the service's own: it does not start, ends, never gets ready, or answers wrongly.
OWN_STAGES = ("service", "readiness", "golden cases")


def grid(most_mib: int) -> tuple[int, ...]:
    """The limits that may be tried, MiB: steps of 1 up to 10, 2 up to 16, 4 up to 128, 8 up to 256, and 16 above."""
    steps = [
        *range(MIN_MIB, 10),
        *range(10, 16, 2),
        *range(16, 128, 4),
        *range(128, 256, 8),
        *range(256, most_mib + 1, 16),
    ]
    return tuple(limit for limit in steps if limit <= most_mib)


def bounds(probes: Sequence[FloorProbe]) -> tuple[int | None, int | None]:
    """The highest limit that does not hold, and the lowest limit above it that does. None where there is none yet.

    Of a limit that both passed and failed the majority counts. A tie counts as a fail: one must be able to rely on a floor.
    """
    score: dict[int, int] = {}
    for probe in probes:
        score[probe.memory_mib] = score.get(probe.memory_mib, 0) + (1 if probe.passed else -1)
    high = None
    for limit in sorted(score, reverse=True):
        if score[limit] <= 0:
            return limit, high
        high = limit
    return None, high


def next_limit(probes: Sequence[FloorProbe], limits: Sequence[int]) -> int | None:
    """The limit to probe next. None when the search is over."""
    if len(probes) >= MAX_PROBES:
        return None
    low, high = bounds(probes)
    if low is None and high is None:
        return _at_least(START_MIB, limits)
    if high is None and low is not None and low < limits[-1]:
        return _at_least(2 * low, limits)
    if low is None and high is not None and high > limits[0]:
        return max((limit for limit in limits if limit <= high // 2), default=limits[0])
    if low is not None and high is not None and limits.index(high) - limits.index(low) > 1:
        return limits[(limits.index(low) + limits.index(high)) // 2]
    if low is not None and _count(probes, low, passed=False) < FAILS:
        return low
    return high if high is not None and _count(probes, high, passed=True) < PASSES else None


def _at_least(limit: int, limits: Sequence[int]) -> int:
    """The smallest limit of the grid that is not below `limit`; the largest of the grid if there is none."""
    return next((known for known in limits if known >= limit), limits[-1])


def floor_of(probes: Sequence[FloorProbe], limits: Sequence[int]) -> int | Missing:
    """The floor that a finished search found."""
    low, high = bounds(probes)
    if high is None:
        reasons = [probe.reason for probe in probes if not probe.passed]
        return Missing(f"the service fails even under {limits[-1]} MiB: {reasons[-1]}")
    # The maximum number of probes may end a search before two neighbours of the grid are confirmed. That is no floor.
    confirmed = _count(probes, high, passed=True) >= PASSES
    if low is not None:
        neighbours = limits.index(high) - limits.index(low) == 1
        confirmed = confirmed and neighbours and _count(probes, low, passed=False) >= FAILS
    else:
        confirmed = confirmed and high == limits[0]
    if not confirmed:
        return Missing(f"{len(probes)} probes were not enough: the floor is between {low} and {high} MiB")
    return high


def _count(probes: Sequence[FloorProbe], limit: int, *, passed: bool) -> int:
    return sum(probe.memory_mib == limit and probe.passed is passed for probe in probes)


def step_below(floor_mib: int, limits: Sequence[int]) -> int:
    """The distance from the floor to the next lower limit of the grid, MiB. 0 at the lowest limit of an engine."""
    index = limits.index(floor_mib)
    return floor_mib - limits[index - 1] if index else 0


def measure(
    setup: Setup, trial: Trial, containers: TrialContainers, writer: RecordWriter, on_window: OnWindow
) -> FloorMeasurement:
    """The whole search. Raises TrialError if a probe fails for a reason that is not the service's own, PortTaken."""
    limits = grid(setup.config.limits.service_memory_mib)
    (level,) = timed_levels(setup.profile(trial), setup.plan.timing)
    level = msgspec.structs.replace(
        level,
        warmup_seconds=FLOOR_WARMUP_SECONDS,
        warmup_limit_seconds=FLOOR_WARMUP_SECONDS,
        measure_seconds=FLOOR_SECONDS,
    )

    def measure_load(deployment: Deployment) -> Measurement:
        return load.measure(setup, trial, containers, writer, on_window, deployment)

    probes: list[FloorProbe] = []
    meta: Mapping[str, str | int] = {}
    while (limit := next_limit(probes, limits)) is not None:
        probe: FloorProbe | Missing = Missing("not tried")
        for attempt in range(MAX_ATTEMPTS):
            name = f"{limit}-{len(probes)}-{attempt}"
            deployment = _deployment(setup, trial, level, limit, f"{trial.id}-{name}")
            with containers.part(name):
                probe, new_meta = _probe(measure_load, deployment, setup.config.slo.percent)
            meta = new_meta or meta
            if isinstance(probe, FloorProbe):
                break
        if isinstance(probe, Missing):
            disturbed = Missing(f"a probe of {limit} MiB was disturbed {MAX_ATTEMPTS} times: {probe.reason}")
            return FloorMeasurement(meta, level.rate, 0, disturbed, tuple(probes))
        probes.append(probe)
    floor = floor_of(probes, limits)
    step = 0 if isinstance(floor, Missing) else step_below(floor, limits)
    return FloorMeasurement(meta, level.rate, step, floor, tuple(probes))


def _deployment(setup: Setup, trial: Trial, level: messages.TimedLevel, limit_mib: int, name: str) -> Deployment:
    limits = msgspec.structs.replace(setup.config.limits, service_memory_mib=limit_mib)
    return Deployment(
        name, setup.plan.placement, limits, (level,), environment=sized(setup.targets[trial.target], limit_mib)
    )


def sized(target: Target, limit_mib: int) -> dict[str, str]:
    """The environment variables that tell a runtime its memory limit, where it does not see the container's limit."""
    return {sizing.name: sizing.form.format(mib=int(limit_mib * sizing.share)) for sizing in target.memory}


def _probe(
    measure_load: Callable[[Deployment], Measurement], deployment: Deployment, percent: float
) -> tuple[FloorProbe | Missing, Mapping[str, str | int]]:
    """The result of one limit, or what disturbed the probe; and the service's answer on /meta.

    Raises TrialError.
    """
    limit = deployment.limits.service_memory_mib
    try:
        measured = measure_load(deployment)
    except TrialError as error:
        if error.stage not in OWN_STAGES:
            raise
        return FloorProbe(limit, False, f"{error.stage}: {error.reason}", 0.0), {}
    return judged(measured, limit, percent / 100), measured.meta


def judged(measured: Measurement, limit_mib: int, share: float) -> FloorProbe | Missing:
    """Whether a service that ran to the end of its window met the objective, or what disturbed the window.

    A service that was still warming up does not fail for that: a limit must hold from the start.
    """
    (level,) = measured.levels
    in_time = level.in_time or 0.0
    if level.verdict == "failed":
        reason = "; ".join(level.problems)
    elif level.verdict == "generator_limited":
        return Missing("; ".join(level.problems))
    elif problems := disturbances(level):
        return Missing("; ".join(problems))
    else:
        late = f"{in_time:.1%} of the requests were answered in time, {share:.0%} are required" if in_time < share else ""
        reason = overload_problem(level) or late
    used = level.usage["service"].working_set_bytes
    return FloorProbe(
        memory_mib=limit_mib,
        passed=not reason,
        reason=reason,
        in_time=in_time,
        working_set_bytes=None if isinstance(used, Missing) else used,
        cpu_microseconds=_cpu(level),
    )


def _cpu(level: LevelMeasurement) -> float | None:
    requests = sum(route.requests for route in level.routes.values())
    return level.usage["service"].cpu_seconds / requests * 1e6 if requests else None


def judge(measured: FloorMeasurement) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict of a search. A search without a floor is unstable, whatever the reason."""
    floor = measured.floor_mib
    return ("unstable", (floor.reason,)) if isinstance(floor, Missing) else ("valid", ())
