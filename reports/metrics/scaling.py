"""The metrics of scale-up and scale-out: what more cores and more replicas bring, and what they cost. Pure.

All of them compare points of one trial, so a machine that is slower this minute is slower on both sides.
"""

from __future__ import annotations

from harness.record.measurement import LevelMeasurement, Missing
from harness.record.trial_result import ScaleMeasurement, ScalePoint
from reports.metrics.level_stats import cpu_per_request_microseconds, throughput
from reports.metrics.metric import Metric, MetricValue


def level_of(point: ScalePoint) -> LevelMeasurement | Missing:
    """The point's level where it is valid, or why it does not count."""
    if isinstance(point.measured, Missing):
        return Missing(f"{point.count}: {point.measured.reason}")
    (level,) = point.measured.levels
    return level if level.verdict == "valid" else Missing(f"{point.count}: {'; '.join(level.problems)}")


def ends(trial: ScaleMeasurement) -> tuple[tuple[int, LevelMeasurement], tuple[int, LevelMeasurement]] | Missing:
    """The first point, which is of one, and the last, with their counts."""
    one, most = trial.points[0], trial.points[-1]
    first, last = level_of(one), level_of(most)
    if isinstance(first, Missing):
        return first
    return last if isinstance(last, Missing) else ((one.count, first), (most.count, last))


def shares(point: ScalePoint, role: str) -> bool:
    """Whether a point's service, or its replicas, share cores."""
    return role in point.placement.shared


def _times_throughput(trial: ScaleMeasurement) -> MetricValue:
    found = ends(trial)
    if isinstance(found, Missing):
        return found
    (_, first), (_, last) = found
    return throughput(last) / throughput(first)


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
    more = last.usage["service"].working_set_bytes - first.usage["service"].working_set_bytes
    return more / (most - one) if more > 0 else Missing("more replicas took no more memory")


SCALE: tuple[Metric, ...] = (
    Metric(
        "speed-up", "speed-up", "Speed-up", "ratio", "higher",
        "Throughput on the most cores that were measured ÷ throughput on one. Where the machine has no core left for "
        "database and load generator it is in the table, and ranks nobody: these take their part of the last core, and a "
        "target that answers more requests leaves itself less of it.",
        _speed_up, scope="profile", kind="scale-up",
    ),
    Metric(
        "parallel-cost", "cost of parallelism", "Cost of parallelism", "ratio", "lower",
        "CPU time for each request on the most cores ÷ that on one: locks, shared memory, a collector's threads. It needs "
        "no free core, so it is true where cores are shared as well.",
        _times_cpu, scope="profile", kind="scale-up",
    ),
    Metric(
        "split-throughput", "throughput of replicas", "Throughput of replicas", "ratio", "higher",
        "Throughput with the most replicas ÷ with one, both behind the load balancer and over one database. Where the "
        "replicas share a core there is nothing to gain: then it is what the split loses.",
        _times_throughput, scope="profile", kind="scale-out",
    ),
    Metric(
        "split-cost", "cost of replicas", "Cost of replicas", "ratio", "lower",
        "CPU time for each request of all replicas together, with the most of them ÷ with one: a just-in-time compiler "
        "compiles in each of them, and each batches less.",
        _times_cpu, scope="profile", kind="scale-out",
    ),
    Metric(
        "replica-memory", "memory of a replica", "Memory of one more replica", "bytes", "lower",
        "What the working set of all replicas together grows by with each of them.",
        _replica_memory, scope="profile", kind="scale-out",
    ),
)  # fmt: skip
