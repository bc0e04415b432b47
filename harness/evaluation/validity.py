"""Is a level valid? Each rule names the false result that it prevents. The rules: docs/method/README.md."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from harness.record.measurement import LevelMeasurement, Measurement, Missing, StatementCount, Verdict
from harness.record.run import Calibration
from harness.record.trial_result import Outcome, ScaleMeasurement, TrialResult
from loadtests.protocol.capacity_search import CEILING_SHARE

GENERATOR_BUSY_LIMIT = {"closed": 0.80, "open": 0.75}
LITTLE_TOLERANCE = 0.05
#: Of what an open loop planned, so much must have been sent.
SENT_SHARE = 0.995
LAG_P99_MICROSECONDS = 500.0
LAG_SHARE_OF_OBJECTIVE = 0.10
STEAL_LIMIT = 0.05
OTHER_WORK_LIMIT = 0.05
#: Statements outside the contract that opening a connection may cost, per pooled connection.
SETUP_STATEMENTS = 4


class Circumstances(Struct, frozen=True):
    """What the rules need to know beside the level itself."""

    pool_size: int
    generator_cores: int
    objective_milliseconds: float
    calibration: Calibration
    #: Faults of the whole trial, in words: killed for want of memory, restarted, a bad exit status.
    trial_faults: tuple[str, ...] = ()
    #: Connections opened beyond the level's own number, in the whole trial.
    reopened: int = 0
    failure_samples: tuple[str, ...] = ()


def statement_problems(statements: Iterable[StatementCount], pool_size: int) -> list[str]:
    """Prevents: caches, batches, silent pool checks. Executed must be what the requests explain, exactly."""
    problems = []
    for count in statements:
        in_contract = count.expected > 0
        if in_contract and count.executed != count.expected:
            problems.append(
                f"the database executed {count.name} {count.executed:,} times, the requests explain {count.expected:,}"
            )
        elif not in_contract and count.executed > SETUP_STATEMENTS * pool_size:
            problems.append(
                f"the database executed a statement outside the contract {count.executed:,} times: {count.name[:80]}"
            )
    return problems


def little_problem(level: LevelMeasurement) -> str | None:
    """Prevents: lost requests and wrong clocks. In a closed loop, concurrency = throughput x mean response time.

    The product is taken as the time that connections were busy inside the window, so that requests which cross its
    ends count with their part inside. A connection is without a request only while the generator checks one answer and
    sends the next request: the sum falls short by that share, and never exceeds the number of connections.
    """
    if level.kind == "open":
        return None if level.routes else "no request was scheduled"
    if not any(route.requests for route in level.routes.values()):
        return "no request was answered"
    concurrency = level.busy_seconds / level.window_seconds
    if abs(concurrency / level.connections - 1) > LITTLE_TOLERANCE:
        return (
            f"throughput x mean response is {concurrency:.1f} where {level.connections} connections "
            "were busy (Little's law): requests or time are missing"
        )
    return None


def book_problems(level: LevelMeasurement) -> list[str]:
    """Prevents: requests that vanish. Everything scheduled is answered, failed, timed out, dropped or still open."""
    found = []
    for name, route in level.routes.items():
        known = route.requests + route.failures + route.timed_out + route.dropped + route.open
        if known != route.scheduled:
            found.append(f"{name}: {route.scheduled:,} requests were scheduled, {known:,} are accounted for")
    return found


def generator_problem(level: LevelMeasurement, around: Circumstances) -> str | None:
    """Prevents: measuring the generator."""
    limit = GENERATOR_BUSY_LIMIT[level.kind]
    busiest = level.usage["generator"].busiest_second_cores / around.generator_cores
    if busiest > limit:
        return (
            f"the generator used {busiest:.0%} of its cores in its busiest second (limit {limit:.0%}): "
            "the target could do more"
        )
    ceiling = around.calibration.open_ceiling if level.kind == "open" else around.calibration.closed_ceiling
    rate = level.rate or sum(route.requests for route in level.routes.values()) / level.window_seconds
    if ceiling and rate > CEILING_SHARE * ceiling:
        return (
            f"{rate:,.0f} requests/s are over {CEILING_SHARE:.0%} of the {ceiling:,.0f} the generator is calibrated for: "
            "the target could do more"
        )
    limit = max(LAG_P99_MICROSECONDS, LAG_SHARE_OF_OBJECTIVE * around.objective_milliseconds * 1000)
    if level.lag_p99_microseconds > limit:
        return (
            f"the generator sent late: {level.lag_p99_microseconds / 1000:.1f} ms at p99 (limit {limit / 1000:.1f} ms): "
            "its cores were taken"
        )
    return None


def overload_problem(level: LevelMeasurement) -> str | None:
    """Prevents: a latency of the requests that came through, from a target that does not hold the rate."""
    scheduled = sum(route.scheduled for route in level.routes.values())
    dropped = sum(route.dropped for route in level.routes.values())
    still_open = sum(route.open for route in level.routes.values())
    if dropped:
        return f"{dropped:,} of {scheduled:,} arrivals were dropped: the target does not hold {level.rate:,.0f} requests/s"
    if scheduled - still_open < SENT_SHARE * scheduled:
        return (
            f"{still_open:,} of {scheduled:,} arrivals were still waiting in line at the end: "
            f"the target does not hold {level.rate:,.0f} requests/s"
        )
    return None


def interference(level: LevelMeasurement) -> list[str]:
    """Prevents: measuring a neighbour. Other work on the service's cores, a hypervisor's steal."""
    found = []
    if not isinstance(level.host, Missing):
        if level.host.steal > STEAL_LIMIT:
            found.append(f"the hypervisor took {level.host.steal:.0%} of the CPUs (steal, limit {STEAL_LIMIT:.0%})")
        if level.host.other_work > OTHER_WORK_LIMIT:
            found.append(
                f"other work took {level.host.other_work:.0%} of the service's cores (limit {OTHER_WORK_LIMIT:.0%})"
            )
    return found


def disturbances(level: LevelMeasurement) -> list[str]:
    """What the machine took, and a quota that nobody planned."""
    return [
        *interference(level),
        *(
            f"the {role} was throttled in {used.throttled_periods} periods: a CPU quota that the plan did not set"
            for role, used in level.usage.items()
            if used.throttled_periods
        ),
    ]


def disturbed_by_host(result: TrialResult) -> bool:
    """Whether a trial is not valid and the machine took time from the service in it, as its counters say: never by what
    came out. A search for a memory floor makes its own spoilt probes again; starts and builds have no such counters.
    """
    return result.verdict == "unstable" and _taken_from(result.measurement)


def _taken_from(outcome: Outcome) -> bool:
    match outcome:
        case Measurement():
            return any(interference(level) for level in outcome.levels)
        case ScaleMeasurement():
            return any(_taken_from(point.measured) for point in outcome.points)
        case _:
            return False


def judge(level: LevelMeasurement, around: Circumstances) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict of a level that ran to its end, with all that speaks against it."""
    failed: list[str] = []
    failures = sum(route.failures + route.timed_out for route in level.routes.values())
    if failures:
        samples = "; ".join(around.failure_samples[:3])
        failed.append(f"{failures:,} requests failed or were answered wrongly: {samples}")
    else:
        # Where requests failed, counts and times are off for that reason.
        failed += statement_problems(level.statements, around.pool_size)
        if failed and around.failure_samples:
            failed.append(
                f"requests failed or were answered wrongly outside the window: {'; '.join(around.failure_samples[:3])}"
            )
        if around.reopened > 0:
            # Prevents: a handshake in every request, by a service that closes or a generator that thinks it does.
            failed.append(f"{around.reopened:,} connections had to be opened again: the service does not keep them alive")
        if little := little_problem(level):
            failed.append(little)
    failed += book_problems(level)
    failed += around.trial_faults
    if failed:
        return "failed", tuple(failed)
    generator = generator_problem(level, around)
    if generator:
        return "generator_limited", (generator,)
    unstable = disturbances(level)
    if overload := overload_problem(level):
        unstable.insert(0, overload)
    if not level.steady:
        unstable.append(f"still warming up when measured: {level.steady_reason}")
    return ("unstable", tuple(unstable)) if unstable else ("valid", ())


def worst(measurement: Measurement) -> tuple[Verdict, tuple[str, ...]]:
    """The worst verdict of a trial's levels, and all their problems with the level's name before them."""
    found = {level.verdict for level in measurement.levels}
    order: tuple[Verdict, ...] = ("failed", "unstable", "generator_limited")
    verdict: Verdict = next((verdict for verdict in order if verdict in found), "valid")
    return verdict, tuple(f"{level.level}: {text}" for level in measurement.levels for text in level.problems)
