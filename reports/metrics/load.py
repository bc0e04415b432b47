"""The metrics of load trials, each declared once: unit, direction, explanation, and how it is computed."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from harness.record.lag import latency_problem
from harness.record.measurement import LevelMeasurement, Measurement, Missing
from loadtests.protocol.capacity_search import TOLERANCE
from reports.metrics.level_stats import (
    SAMPLES_BEYOND,
    SAMPLES_BEYOND_IN_A_START,
    Distribution,
    cpu_by_round,
    cpu_per_request_microseconds,
    quiet_cpu_microseconds,
    quiet_throughput,
    runs_statements,
    throughput,
    throughput_by_round,
)
from reports.metrics.metric import NOT_APPLICABLE, Metric, MetricValue, comparable


class LevelData(Struct, frozen=True):
    """The data of a metric: one trial, one of its levels with its histogram, its target's image and sources.

    `hold_milliseconds`: how long the level's requests ask to be held. `searched`: the plan of the trial's profile has a
    search for capacity. `service_bound`: the service's CPU limits every target at this load. `loud`: slices scatter much at
    this load. `tails_by_route`: its tail is ranked by route.
    """

    trial: Measurement
    level: LevelMeasurement
    distribution: Distribution | Missing
    hold_milliseconds: int
    image_bytes: float | Missing
    source_lines: int | None
    searched: bool
    service_bound: bool = False
    loud: bool = False
    tails_by_route: bool = False


def _throughput(seen: LevelData) -> MetricValue:
    if seen.level.window_seconds <= 0:
        return Missing("its window has no length")
    measured = quiet_throughput(seen.level) if seen.loud else throughput(seen.level)
    return measured or Missing("no request was answered")


def _percentile(percent: float, seen: LevelData) -> MetricValue:
    # The tail of a mix is that of its dearest statement, whatever the others do.
    if percent in TAILS and seen.tails_by_route:
        return NOT_APPLICABLE
    return _ranked_percentile(percent, seen.level, seen.distribution)


def route_tails(level: LevelMeasurement, distribution: Distribution | Missing) -> dict[str, float | Missing]:
    """Metric -> value of the tail of one route of a level. The generator's delay is compared with the route's own tail."""
    values = {percentile_id(percent): _ranked_percentile(percent, level, distribution) for percent in TAILS}
    p99 = values[percentile_id(TAILS[0])]
    problem = "" if isinstance(p99, Missing) else latency_problem(level.lag_p99_microseconds, p99)
    return dict.fromkeys(values, Missing(problem)) if problem else values


def _ranked_percentile(percent: float, level: LevelMeasurement, found: Distribution | Missing) -> float | Missing:
    if percent in TAILS and level.latency_problem:
        return Missing(level.latency_problem)
    least = SAMPLES_BEYOND_IN_A_START if level.slices else SAMPLES_BEYOND
    return found if isinstance(found, Missing) else comparable(found.percentile(percent, least))


def _cpu(seen: LevelData) -> MetricValue:
    if seen.service_bound and seen.loud:
        return quiet_cpu_microseconds("service", seen.level)
    return cpu_per_request_microseconds("service", seen.level)


def _database_cpu(seen: LevelData) -> MetricValue:
    # Without statements this would be an idle database's own work per request, which is only throughput once more.
    if isinstance(unseen := (seen.level.unseen or {}).get("database"), Missing):
        return unseen
    if not runs_statements(seen.level):
        return NOT_APPLICABLE
    used = quiet_cpu_microseconds if seen.loud else cpu_per_request_microseconds
    return used("database", seen.level)


def _memory(field: str, seen: LevelData) -> MetricValue:
    used = seen.level.usage.get("service")
    value: float | Missing = seen.level.without("service") if used is None else getattr(used, field)
    if isinstance(value, Missing) or value > 0:
        return value
    return Missing("the kernel counted nothing")


def _waiter_memory(seen: LevelData) -> MetricValue:
    idle, used = seen.trial.idle_anonymous_bytes, seen.level.usage.get("service")
    if isinstance(idle, Missing) or used is None:
        return idle if isinstance(idle, Missing) else seen.level.without("service")
    if seen.level.connections <= 0:
        return Missing("no request was held")
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
    return image_size(seen.image_bytes)


def image_size(count: float | Missing) -> float | Missing:
    """The image's bytes, or why they are not known."""
    return Missing("the engine reported an image of 0 bytes") if count == 0 else count


def _source_lines(seen: LevelData) -> MetricValue:
    return NOT_APPLICABLE if seen.source_lines is None else code_lines(seen.source_lines)


def code_lines(count: int) -> float | Missing:
    """The lines of code of a target, or why they are not known."""
    return count or Missing("no line of code was counted in its sources")


def _start(seen: LevelData) -> MetricValue:
    seconds = seen.trial.start_seconds
    if isinstance(seconds, Missing):
        return seconds
    return seconds if seconds > 0 else Missing("the clocks of engine and generator disagree")


#: Tails repeat less well than medians, and a user of the service may notice a difference of a tenth.
TAIL_RELEVANCE_PERCENT = 10.0
PERCENTILES = (50.0, 90.0, 99.0, 99.9)
#: What the slowest hundredth of the requests decides. The load generator's own delay may be in it.
TAILS = (99.0, 99.9)


def percentile_id(percent: float) -> str:
    """The metric of a percentile."""
    return f"p{percent:g}"


LOAD: tuple[Metric, ...] = (
    Metric(
        "throughput", "throughput", "Throughput", "requests/s", "higher",
        "Requests answered per second of the measured window, at full load on the service's cores.",
        _throughput, loops=("closed",), by_round=throughput_by_round,
    ),
    *(
        Metric(
            percentile_id(percent), "latency", f"Latency p{percent:g}", "microseconds", "lower",
            f"{percent:g} % of requests were answered within this time, counted from the instant at which each request was "
            "due. Waiting behind slow answers is included. All targets get the same rate.",
            partial(_percentile, percent),
            # In a closed loop latency is throughput once more: each connection sends as soon as it has its answer.
            loops=("open",),
            least_relevance_percent=TAIL_RELEVANCE_PERCENT if percent > 90 else 0.0,
        )
        for percent in PERCENTILES
    ),
    Metric(
        "cpu", "CPU per request", "CPU per request", "microseconds", "lower",
        "CPU time of the service's container per request, from the kernel's counter.",
        _cpu, by_round=partial(cpu_by_round, "service"),
    ),
    Metric(
        "database-cpu", "database CPU", "Database CPU per request", "microseconds", "lower",
        "CPU time of PostgreSQL per request. All targets use the same SQL, so differences come from the driver.",
        _database_cpu, by_round=partial(cpu_by_round, "database"),
    ),
    Metric(
        "working-set", "memory", "Memory: working set", "bytes", "lower",
        "Memory that the service uses: anonymous memory, and the pages of files that its processes have mapped. Before "
        "method 7: what the kernel charged to its container, without file cache that can be dropped at once. "
        "Median over the window.",
        partial(_memory, "working_set_bytes"),
    ),
    Metric(
        "anonymous", "memory", "Memory: anonymous RSS", "bytes", "lower",
        "Heap, stacks and runtime data: memory that is not backed by files. Median over the window.",
        partial(_memory, "anonymous_bytes"),
    ),
    Metric(
        "waiter-memory", "memory per waiter", "Memory per waiter", "bytes", "lower",
        "Anonymous RSS while the requests are held, minus that of the same service before its first request, divided by the "
        "number of held requests. Growth at the first load is included (heap that a JVM touches, code that it compiles); "
        "the more requests are held, the less it matters.",
        _waiter_memory, loops=("held",),
    ),
    Metric(
        "wait", "wait", "Wait: p99 ÷ asked for", "ratio", "lower",
        "The 99th percentile of the time to the answer, divided by the wait that was asked for: at 1.05 a wait of 100 ms "
        "takes 105 ms.",
        _wait, loops=("held",),
    ),
    Metric(
        "capacity", "capacity", "Capacity under the objective", "requests/s", "higher",
        "The highest rate at which the objective was met: the lower end of the interval with which the search ended. "
        f"Its ends are up to {TOLERANCE:.0%} apart, so a smaller difference is a tie.",
        _capacity, scope="profile", least_relevance_percent=TOLERANCE * 100,
    ),
    Metric(
        "peak", "peak memory", "Memory: peak", "bytes", "lower",
        "The most memory that the service used from its start to the end of its last level, including file cache.",
        partial(_memory, "peak_bytes"), scope="profile",
    ),
    Metric(
        "image", "image size", "Image size", "bytes", "lower",
        "All layers of the service's image, unpacked.",
        _image, scope="run", exact=True,
    ),
    Metric(
        "source-lines", "source lines", "Source lines", "lines", "lower",
        "Lines of code in the files that the target's manifest lists as sources, without comments and blank lines. pygount "
        "counts them.",
        _source_lines, scope="run", exact=True,
    ),
    Metric(
        "start", "start time", "Start time", "seconds", "lower",
        "From the start of the container to the first 200 on /health, with the database already up.",
        _start, scope="run",
    ),
)  # fmt: skip
