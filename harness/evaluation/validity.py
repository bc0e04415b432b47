"""The rules of validity. Each rule names the false result that it prevents. The page about them: docs/method/validity.md."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from harness.evaluation.inputs import DatabaseReading, Level
from harness.evaluation.sessions import opened_since
from harness.evaluation.statements import Contract, count_statements, lost_calls, name_of, subtract
from harness.record.measurement import Measurement, Missing, StatementCount, Verdict
from harness.record.run import Calibration
from harness.record.trial_result import Outcome, ScaleMeasurement, TrialResult
from loadtests.protocol.capacity_search import CEILING_SHARE
from loadtests.protocol.group_messages import SliceEvent
from loadtests.protocol.rounds import HOST_REASONS

GENERATOR_BUSY_LIMIT = {"closed": 0.80, "open": 0.75}
LITTLE_TOLERANCE = 0.05
#: The share of an open loop's scheduled requests that must have been sent.
SENT_SHARE = 0.995
LAG_P99_MICROSECONDS = 500.0
#: The most lag of a level as a share of the objective. In slices the tail has a stricter rule of its own
#: (harness/record/lag.py). CPU per request and memory count: docs/method/validity.md says what lag goes with.
LAG_SHARE_OF_OBJECTIVE, LAG_SHARE_IN_SLICES = 0.10, 1.0
STEAL_LIMIT = 0.05
OTHER_WORK_LIMIT = 0.05
#: Statements outside the contract, of all kinds together, that are allowed for each session: a driver's set-up.
SETUP_STATEMENTS = 4
#: How often a service may execute the statement of a health check, since its start. The harness asks until the first 200,
#: and HAProxy every 30 s; a pool that checks its connections in the same words executes it with every request.
HEALTH_CHECKS = 200


class LevelContext(Struct, frozen=True):
    """What the rules need to know in addition to the level itself."""

    generator_cores: int
    objective_milliseconds: float
    calibration: Calibration
    #: Faults of the whole trial, as sentences: a process was killed for lack of memory, the exit status was not 0.
    trial_faults: tuple[str, ...] = ()
    #: Problems with statements outside the contract, from the service's start to the end of the level, as sentences.
    outside: tuple[str, ...] = ()
    #: Connections that were opened in the whole trial beyond the greatest number that a level needs.
    reopened: int = 0
    failure_samples: tuple[str, ...] = ()
    #: What the fuse held back, as a sentence; empty: next to nothing.
    held_back: str = ""


def held_back(slices: Iterable[SliceEvent], fuse: int) -> str:
    """Prevents: measuring the fuse in place of the service. `fuse`: the requests a second that pass; 0: there is none."""
    events = tuple(slices)
    held, requests = sum(event.held for event in events), sum(event.requests + event.failures for event in events)
    if not fuse or held <= (1 - SENT_SHARE) * requests:
        return ""
    return (
        f"the fuse of {fuse:,} requests/s held back {held / max(requests, held):.1%} of the requests: this is its rate, and "
        "not what the service can do. Ask for a lower rate, or raise most_requests_per_second"
    )


def statement_problems(statements: Iterable[StatementCount] | Missing) -> list[str]:
    """Prevents: caches and batches. The database must execute exactly what the requests require."""
    if isinstance(statements, Missing):
        return []
    return [
        f"the database executed {count.name} {count.executed:,} times, but the requests require {count.expected:,}"
        for count in statements
        if count.expected and count.executed != count.expected
    ]


def outside_contract(contract: Contract, first: DatabaseReading, now: DatabaseReading, pool_size: int) -> tuple[str, ...]:
    """Prevents: hidden checks by a pool. `first`: the reading before the service started.

    All statements that the requests do not require are counted together, since the service's start. A driver may set up each
    session; sessions beyond the pool's allow no more. So the limit does not grow with requests.
    """
    evicted = now.statistics.evicted - first.statistics.evicted
    if evicted > 0:
        return (f"the database executed too many different statements to count them ({evicted:,} times it forgot some)",)
    if evicted < 0 or lost_calls(now.statistics, first.statistics):
        return ("the database's statement counts were reset while the service ran, so nobody knows what it executed",)
    rows = subtract(now.statistics, first.statistics)
    checks = sum(row["calls"] for row in rows if name_of(contract, row["query"]) == "health")
    if checks > HEALTH_CHECKS:
        return (
            f"the database executed {checks:,} health checks (limit {HEALTH_CHECKS}): does the pool check its connections?",
        )
    counts = count_statements(contract, now.answered, rows)
    outside = [count for count in counts if not count.expected]
    executed = sum(count.executed for count in outside)
    sessions = min(opened_since(first.statistics.sessions, now.statistics.sessions), pool_size)
    if executed <= SETUP_STATEMENTS * sessions:
        return ()
    most = max(outside, key=lambda count: count.executed)
    return (
        f"the database executed {executed:,} statements outside the contract (limit {SETUP_STATEMENTS * sessions}: "
        f"{SETUP_STATEMENTS} for each of {sessions} connections); {most.executed:,} times: {most.name[:80]}",
    )


def little_problem(level: Level) -> str | None:
    """Prevents: lost requests and wrong clocks. In a closed loop, concurrency = throughput x mean response time.

    The product is taken as the time that connections were busy inside the window. A request that crosses an end of the
    window therefore counts with the part inside. A connection has no request only while the generator checks an answer
    and sends the next request. The sum falls short by that share, and never exceeds the number of connections.
    """
    if level.kind == "open":
        return None if level.routes else "no request was scheduled"
    if not any(route.requests for route in level.routes.values()):
        return "no request was answered"
    concurrency = level.busy_seconds / level.window_seconds
    if abs(concurrency / level.connections - 1) > LITTLE_TOLERANCE:
        return (
            f"throughput x mean response time is {concurrency:.1f}, but {level.connections} connections "
            "were busy (Little's law): requests or time are missing"
        )
    return None


def accounting_problems(level: Level) -> list[str]:
    """Prevents: requests that vanish. Each scheduled request was answered, failed, timed out, was dropped or is open."""
    problems = []
    for name, route in level.routes.items():
        known = route.requests + route.failures + route.timed_out + route.dropped + route.open
        if known != route.scheduled:
            problems.append(f"{name}: {route.scheduled:,} requests were scheduled, but {known:,} are accounted for")
    return problems


def generator_problem(level: Level, context: LevelContext) -> str | None:
    """Prevents: measuring the generator in place of the target."""
    limit = GENERATOR_BUSY_LIMIT[level.kind]
    busiest = level.usage["generator"].busiest_second_cores / context.generator_cores
    if busiest > limit:
        return (
            f"the generator used {busiest:.0%} of its cores in its busiest second (limit {limit:.0%}): "
            "the target could do more"
        )
    calibration = context.calibration
    # Being late touches the tail alone, which has a rule of its own in slices.
    open_ceiling = (calibration.open_complete if level.slices else 0.0) or calibration.open_ceiling
    ceiling = open_ceiling if level.kind == "open" else calibration.closed_ceiling
    rate = level.rate or sum(route.requests for route in level.routes.values()) / level.window_seconds
    if ceiling and rate > CEILING_SHARE * ceiling:
        return (
            f"{rate:,.0f} requests/s are over {CEILING_SHARE:.0%} of the {ceiling:,.0f} that the generator is calibrated "
            "for: the target could do more"
        )
    share = LAG_SHARE_IN_SLICES if level.slices else LAG_SHARE_OF_OBJECTIVE
    limit = max(LAG_P99_MICROSECONDS, share * context.objective_milliseconds * 1000)
    if level.lag_p99_microseconds > limit:
        return (
            f"the generator sent requests and read answers late by {level.lag_p99_microseconds / 1000:.1f} ms at p99 "
            f"(limit {limit / 1000:.1f} ms): something else used its cores"
        )
    return None


def overload_problem(level: Level) -> str | None:
    """Prevents: latencies of a target that does not hold the rate, taken from only those requests that were answered."""
    scheduled = sum(route.scheduled for route in level.routes.values())
    dropped = sum(route.dropped for route in level.routes.values())
    still_open = sum(route.open for route in level.routes.values())
    if dropped:
        return f"{dropped:,} of {scheduled:,} arrivals were dropped: the target does not hold {level.rate:,.0f} requests/s"
    if scheduled - still_open < SENT_SHARE * scheduled:
        return (
            f"{still_open:,} of {scheduled:,} arrivals were still in the queue at the end: "
            f"the target does not hold {level.rate:,.0f} requests/s"
        )
    return None


def interference(level: Level) -> list[str]:
    """Prevents: measuring a neighbour. Host interference: steal, and other work on the service's cores."""
    problems = []
    if not isinstance(level.host, Missing):
        if level.host.steal > STEAL_LIMIT:
            problems.append(f"the hypervisor took {level.host.steal:.0%} of the CPUs (steal, limit {STEAL_LIMIT:.0%})")
        if level.host.other_work > OTHER_WORK_LIMIT:
            problems.append(
                f"other work took {level.host.other_work:.0%} of the service's cores (limit {OTHER_WORK_LIMIT:.0%})"
            )
    return problems


def disturbances(level: Level) -> list[str]:
    """Host interference, throttling by a CPU quota that is not part of the plan, and processes that stood still."""
    return [
        *interference(level),
        *(
            f"the {role} was throttled in {used.throttled_periods} periods, by a CPU quota that is not part of the plan"
            for role, used in level.usage.items()
            if used.throttled_periods
        ),
        *(
            f"the {role} was stopped, or not watched, for {used.stopped_seconds:.1f} s: by a signal or a debugger, or with "
            "the harness or the whole machine"
            for role, used in level.usage.items()
            if used.stopped_seconds
        ),
    ]


def disturbed_by_host(result: TrialResult) -> bool:
    """True if a trial is unstable and had host interference. Looks at host counters only, never at results.

    A search for a memory floor repeats its disturbed probes itself. Start-up and build trials have no such counters.
    """
    return result.verdict == "unstable" and _had_interference(result.measurement)


def lost_slices(level: Level) -> bool:
    """Whether a slice does not count because of the host."""
    return any(each.dropped.startswith(HOST_REASONS) for each in level.slices)


def _had_interference(outcome: Outcome) -> bool:
    match outcome:
        case Measurement():
            return any(interference(level) or lost_slices(level) for level in outcome.levels)
        case ScaleMeasurement():
            return any(_had_interference(point.measured) for point in outcome.points)
        case _:
            return False


def judge(level: Level, context: LevelContext) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict of a level that ran to its end, and its problems."""
    failed: list[str] = []
    failures = sum(route.failures + route.timed_out for route in level.routes.values())
    if failures:
        samples = "; ".join(context.failure_samples[:3])
        failed.append(f"{failures:,} requests failed or were answered wrongly: {samples}")
    else:
        # Failed requests make counts and times wrong, so these rules apply only where none failed.
        failed += statement_problems(level.statements)
        failed += context.outside
        if failed and context.failure_samples:
            failed.append(
                f"requests failed or were answered wrongly outside the window: {'; '.join(context.failure_samples[:3])}"
            )
        if context.reopened > 0:
            # Prevents: a TCP handshake in each request, because the service closes connections or the generator thinks so.
            failed.append(f"{context.reopened:,} connections had to be opened again: the service does not keep them alive")
        # What waits for the fuse is not under way.
        if not context.held_back and (little := little_problem(level)):
            failed.append(little)
    failed += accounting_problems(level)
    failed += context.trial_faults
    if failed:
        return "failed", tuple(failed)
    generator = context.held_back or generator_problem(level, context)
    if generator:
        return "generator_limited", (generator,)
    unstable = disturbances(level)
    if overload := overload_problem(level):
        unstable.insert(0, overload)
    if not level.steady:
        unstable.append(f"still warming up when measured: {level.steady_reason}")
    return ("unstable", tuple(unstable)) if unstable else ("valid", ())


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts; `valid` where there are none."""
    given = set(verdicts)
    order: tuple[Verdict, ...] = ("failed", "unstable", "generator_limited")
    return next((verdict for verdict in order if verdict in given), "valid")


def worst(measurement: Measurement) -> tuple[Verdict, tuple[str, ...]]:
    """The worst verdict of a trial's levels, and their problems, each with the level's name before it."""
    verdict = worst_of(level.verdict for level in measurement.levels)
    return verdict, tuple(f"{level.level}: {text}" for level in measurement.levels for text in level.problems)
