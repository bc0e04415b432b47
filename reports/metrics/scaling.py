"""The metrics of scale-up and scale-out: what more cores and more replicas bring, and what they cost.

Each compares two points of one trial. If the machine is slower for a while, both points are slower.
"""

from __future__ import annotations

from harness.record.measurement import LevelMeasurement, Missing
from harness.record.trial_result import ScaleMeasurement, ScalePoint
from reports.metrics.level_stats import cpu_per_request_microseconds, throughput
from reports.metrics.metric import Metric, MetricValue


def level_of(point: ScalePoint) -> LevelMeasurement | Missing:
    """The point's level if it is valid, otherwise why it does not count."""
    if isinstance(point.measured, Missing):
        return Missing(f"{point.count}: {point.measured.reason}")
    (level,) = point.measured.levels
    return level if level.verdict == "valid" else Missing(f"{point.count}: {'; '.join(level.problems)}")


def ends(trial: ScaleMeasurement) -> tuple[tuple[int, LevelMeasurement], tuple[int, LevelMeasurement]] | Missing:
    """The first point (one core or replica) and the last point, each with its count."""
    one, most = trial.points[0], trial.points[-1]
    first, last = level_of(one), level_of(most)
    if isinstance(first, Missing):
        return first
    return last if isinstance(last, Missing) else ((one.count, first), (most.count, last))


def shares(point: ScalePoint, role: str) -> bool:
    """Whether a role (the service, or its replicas) shares cores with others at a point."""
    return role in point.placement.shared


def _times_throughput(trial: ScaleMeasurement) -> MetricValue:
    found = ends(trial)
    if isinstance(found, Missing):
        return found
    (_, first), (_, last) = found
    before = throughput(first)
    return throughput(last) / before if before > 0 else Missing("no request was answered")


def _speed_up(trial: ScaleMeasurement) -> MetricValue:
    if shares(trial.points[-1], "service"):
        return Missing(
            "no core is left for database and load generator: who answers more leaves itself less, so nobody is ranked by it"
        )
    return _times_throughput(trial)


def _times_cpu(trial: ScaleMeasurement) -> MetricValue:
    found = ends(trial)
    if isinstance(found, Missing):
        return found
    (_, first), (_, last) = found
    before, after = (cpu_per_request_microseconds("service", level) for level in (first, last))
    if isinstance(before, Missing) or isinstance(after, Missing):
        return Missing("no CPU time was counted")
    return after / before


def _replica_memory(trial: ScaleMeasurement) -> MetricValue:
    found = ends(trial)
    if isinstance(found, Missing):
        return found
    (one, first), (most, last) = found
    if "service" not in first.usage or "service" not in last.usage:
        return Missing("no samples of the service")
    before, after = (level.usage["service"].working_set_bytes for level in (first, last))
    if isinstance(before, Missing) or isinstance(after, Missing):
        return before if isinstance(before, Missing) else after
    more = after - before
    return more / (most - one) if more > 0 and most > one else Missing("more replicas took no more memory")


SCALE: tuple[Metric, ...] = (
    Metric(
        "speed-up", "speed-up", "Speed-up", "ratio", "higher",
        "Throughput on the largest number of cores ÷ throughput on one core. If no core is left for database and load "
        "generator, the value is in the table but nobody is ranked: the two take part of the service's cores, and more of "
        "it for a target that answers more requests.",
        _speed_up, scope="profile", kind="scale-up",
    ),
    Metric(
        "parallel-cost", "cost of parallelism", "Cost of parallelism", "ratio", "lower",
        "CPU time per request on the largest number of cores ÷ CPU time per request on one core: locks, shared memory, "
        "threads of the garbage collector. It holds even if cores are shared.",
        _times_cpu, scope="profile", kind="scale-up",
    ),
    Metric(
        "split-throughput", "throughput of replicas", "Throughput of replicas", "ratio", "higher",
        "Throughput with the largest number of replicas ÷ throughput with one, both behind the load balancer and over one "
        "database. If the replicas share a core, nothing can be gained, and the value shows what the split loses.",
        _times_throughput, scope="profile", kind="scale-out",
    ),
    Metric(
        "split-cost", "cost of replicas", "Cost of replicas", "ratio", "lower",
        "CPU time per request of all replicas together, with the largest number of replicas ÷ with one. A just-in-time "
        "compiler works in each replica, and each replica batches less.",
        _times_cpu, scope="profile", kind="scale-out",
    ),
    Metric(
        "replica-memory", "memory of a replica", "Memory of one more replica", "bytes", "lower",
        "Growth of the working set of all replicas together per additional replica.",
        _replica_memory, scope="profile", kind="scale-out",
    ),
)  # fmt: skip
