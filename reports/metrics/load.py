"""The metrics, each declared once: what it is, which way is better, how to get it, and what a missing value counts as."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from harness.record.measurement import LevelMeasurement, Measurement, Missing
from loadtests.protocol.capacity_search import TOLERANCE
from reports.metrics.level_stats import Distribution, cpu_per_request_microseconds, requests, throughput
from reports.metrics.metric import NOT_APPLICABLE, Metric, MetricValue


class LevelData(Struct, frozen=True):
    """All that a metric may look at: one trial, one of its levels with its histogram, its target's image and sources.

    `hold_milliseconds`: how long the level's requests ask to be held. `searched`: the trial's plan has a search for
    capacity.
    """

    trial: Measurement
    level: LevelMeasurement
    distribution: Distribution | Missing
    hold_milliseconds: int
    image_bytes: float | Missing
    source_lines: int | None
    searched: bool


def _throughput(seen: LevelData) -> MetricValue:
    return throughput(seen.level) or Missing("no request was answered")


def _percentile(percent: float, seen: LevelData) -> MetricValue:
    found = seen.distribution
    return found if isinstance(found, Missing) else found.percentile(percent)


def _cpu(role: str, seen: LevelData) -> MetricValue:
    return cpu_per_request_microseconds(role, seen.level)


def _database_cpu(seen: LevelData) -> MetricValue:
    # Else an idle database's housekeeping, divided by the requests, would rank targets by their throughput once more.
    if sum(statement.executed for statement in seen.level.statements) < requests(seen.level) / 10:
        return NOT_APPLICABLE
    return cpu_per_request_microseconds("database", seen.level)


def _memory(field: str, seen: LevelData) -> MetricValue:
    used = seen.level.usage.get("service")
    value: float | Missing = Missing("no samples of the service") if used is None else getattr(used, field)
    if isinstance(value, Missing) or value > 0:
        return value
    return Missing("the kernel counted nothing")


def _waiter_memory(seen: LevelData) -> MetricValue:
    idle, used = seen.trial.idle_anonymous_bytes, seen.level.usage.get("service")
    if isinstance(idle, Missing) or used is None:
        return idle if isinstance(idle, Missing) else Missing("no samples of the service")
    each = (used.anonymous_bytes - idle) / seen.level.connections
    return each if each > 0 else Missing("the service held them in no more memory than it had when idle")


def _wait(seen: LevelData) -> MetricValue:
    found = seen.distribution
    p99 = found if isinstance(found, Missing) else found.percentile(99)
    if isinstance(p99, Missing):
        return p99
    if not seen.hold_milliseconds:
        return NOT_APPLICABLE
    return p99 / (seen.hold_milliseconds * 1000)


def _capacity(seen: LevelData) -> MetricValue:
    if not seen.searched:
        return NOT_APPLICABLE
    found = seen.trial.capacity
    return found if isinstance(found, Missing) else found.low


def _image(seen: LevelData) -> MetricValue:
    return seen.image_bytes


def _source_lines(seen: LevelData) -> MetricValue:
    return NOT_APPLICABLE if seen.source_lines is None else seen.source_lines


def _start(seen: LevelData) -> MetricValue:
    seconds = seen.trial.start_seconds
    return seconds if seconds > 0 else Missing("the clocks of engine and generator disagree")


#: Tails repeat less well than medians: a tenth is what a user of the service might notice.
TAIL_RELEVANCE_PERCENT = 10.0
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


LOAD: tuple[Metric, ...] = (
    Metric(
        "throughput", "throughput", "Throughput", "requests/s", "higher",
        "Requests answered in each second of the measured window, at full load on the service's cores.",
        _throughput, loops=("closed",),
    ),
    *(
        Metric(
            f"p{percent:g}", "latency", f"Latency p{percent:g}", "microseconds", "lower",
            f"{percent:g} % of requests were answered within this time, waiting in line included. In a closed loop it "
            "mostly mirrors throughput: every connection sends its next request as soon as it has its answer.",
            partial(_percentile, percent), loops=("closed", "open"),
            open_meaning=f"{percent:g} % of requests were answered within this time, counted from the instant at which each "
            "was intended to be sent: a wait that slow answers before it caused is in it. All targets get the same rate.",
            least_relevance_percent=TAIL_RELEVANCE_PERCENT if percent > 90 else 0.0,
        )
        for percent in PERCENTILES
    ),
    Metric(
        "cpu", "CPU per request", "CPU per request", "microseconds", "lower",
        "Processor time of the service's container for each request, from the kernel's own counter.",
        partial(_cpu, "service"),
    ),
    Metric(
        "database-cpu", "database CPU", "Database CPU per request", "microseconds", "lower",
        "Processor time of PostgreSQL for each request: the SQL is the same everywhere, so differences are the driver's.",
        _database_cpu,
    ),
    Metric(
        "working-set", "memory", "Memory: working set", "bytes", "lower",
        "What the kernel charges the service, less file cache it could drop at once. Median over the window.",
        partial(_memory, "working_set_bytes"),
    ),
    Metric(
        "anonymous", "memory", "Memory: anonymous RSS", "bytes", "lower",
        "Heap, stacks and runtime data alone: memory that no file stands behind. Median over the window.",
        partial(_memory, "anonymous_bytes"),
    ),
    Metric(
        "waiter-memory", "memory per waiter", "Memory per waiter", "bytes", "lower",
        "Anonymous RSS while so many requests are held, less that of the same service before its first one, by their "
        "number. What a service grows by at its first load is in it (heap that a JVM touches, code that it "
        "compiles), and weighs the less the more wait.",
        _waiter_memory, loops=("held",),
    ),
    Metric(
        "wait", "wait", "Wait: p99 ÷ asked for", "ratio", "lower",
        "The 99th percentile of the time to the answer, by the wait that was asked for: at 1.05 one of 100 ms takes 105.",
        _wait, loops=("held",),
    ),
    Metric(
        "capacity", "capacity", "Capacity under the objective", "requests/s", "higher",
        "The highest rate of arrivals at which the objective was met: the lower end of the interval that the search ended "
        f"with. Its ends are up to {TOLERANCE:.0%} apart, so a smaller difference is a tie.",
        _capacity, scope="profile", least_relevance_percent=TOLERANCE * 100,
    ),
    Metric(
        "peak", "peak memory", "Memory: peak", "bytes", "lower",
        "The most that the service was ever charged, from its start to the end of its last level, file cache included.",
        partial(_memory, "peak_bytes"), scope="profile",
    ),
    Metric(
        "image", "image size", "Image size", "bytes", "lower",
        "All layers of the service's image, unpacked.",
        _image, scope="run", exact=True,
    ),
    Metric(
        "source-lines", "source lines", "Source lines", "lines", "lower",
        "Lines of code that the team writes and reads: the files that the target's manifest calls sources, without comments "
        "and blank lines, as pygount counts them.",
        _source_lines, scope="run", exact=True,
    ),
    Metric(
        "start", "start time", "Start time", "seconds", "lower",
        "From the start of the container to the first good answer on /health, with the database already up.",
        _start, scope="run",
    ),
)  # fmt: skip
