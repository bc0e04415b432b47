"""Is a trial valid? Each rule names the false result that it prevents. Pure. The rules are those of docs/method.md."""

from __future__ import annotations

from collections.abc import Iterable

from harness.contract import StatementCount
from harness.record import Measurement, Verdict

GENERATOR_BUSY_LIMIT = 0.80
LITTLE_TOLERANCE = 0.05
#: Statements outside the contract that opening a connection may cost, per pooled connection.
SETUP_STATEMENTS = 4


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


def little_problem(measurement: Measurement) -> str | None:
    """Prevents: lost requests and wrong clocks. In a closed loop, concurrency = throughput x mean response time.

    The product is taken as the time that connections were busy inside the window, so that requests which cross its
    ends count with their part inside. A connection is without a request only while the generator checks one answer and
    sends the next request: the sum falls short by that share, and never exceeds the number of connections.
    """
    if not any(route.requests for route in measurement.routes.values()):
        return "no request was answered"
    concurrency = measurement.busy_seconds / measurement.window_seconds
    if abs(concurrency / measurement.connections - 1) > LITTLE_TOLERANCE:
        return (
            f"throughput x mean response is {concurrency:.1f} where {measurement.connections} connections "
            "were busy (Little's law): requests or time are missing"
        )
    return None


def judge(
    measurement: Measurement, *, pool_size: int, generator_cores: int, oom_kills: int, exit_status: int
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict of a trial that ran to its end, with all that speaks against it."""
    failed: list[str] = []
    failures = sum(route.failures for route in measurement.routes.values())
    if failures:
        samples = "; ".join(measurement.failure_samples[:3])
        failed.append(f"{failures:,} requests failed or were answered wrongly: {samples}")
    failed += statement_problems(measurement.statements, pool_size)
    reopened = measurement.connections_opened - measurement.connections
    if reopened > 0 and not failures:
        # Prevents: a handshake in every request, by a service that closes or a generator that thinks it does.
        failed.append(f"{reopened:,} connections had to be opened again: the service does not keep them alive")
    if oom_kills:
        failed.append("a process of the service was killed for want of memory")
    if exit_status:
        failed.append(f"the service ended with status {exit_status} after SIGTERM, not 0")
    little = little_problem(measurement)
    if little and not failures:
        failed.append(little)
    if failed:
        return "failed", tuple(failed)
    busiest = measurement.usage["generator"].busiest_second_cores / generator_cores
    if busiest > GENERATOR_BUSY_LIMIT:
        return "generator_limited", (
            f"the generator used {busiest:.0%} of its cores in its busiest second (limit {GENERATOR_BUSY_LIMIT:.0%}): "
            "the target could do more",
        )
    if not measurement.steady:
        return "unstable", (f"still warming up when measured: {measurement.steady_reason}",)
    return "valid", ()
