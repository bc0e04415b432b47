"""The metrics, each declared once: what it is, which way is better, how to get it, and what a missing value counts as."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from msgspec import Struct

from harness.record import Measurement, Missing
from reports.percentiles import Distribution
from reports.standings import Direction
from reports.units import Unit


class Observation(Struct, frozen=True):
    """All that a metric may look at: one trial's measurement and histogram, and its target's image size."""

    measurement: Measurement
    distribution: Distribution | Missing
    image_bytes: int | Missing


class Metric(Struct, frozen=True):
    """One axis. `family` gathers axes that say nearly the same; `name` is the axis within it.

    `per_profile`: judged for each profile; else once for the whole run, over the trials of all profiles.
    `exact`: read, not measured: it has no noise, so it needs no interval.
    `least_relevance_percent`: differences below it don't matter even where the run's own bound is lower.
    """

    id: str
    family: str
    title: str
    unit: Unit
    direction: Direction
    meaning: str
    measure: Callable[[Observation], float | Missing]
    per_profile: bool = True
    exact: bool = False
    least_relevance_percent: float = 0.0

    @property
    def short(self) -> str:
        """The axis within its family: `p99`, `working set`."""
        return self.title.rpartition(": ")[2].removeprefix("Latency ")

    @property
    def worst(self) -> float:
        """What a missing value counts as where a number must be had (a bound in a gate). Never shown, never ranked."""
        return 0.0 if self.direction == "higher" else math.inf

    def relevance_percent(self, run_percent: float) -> float:
        """The bound below which a difference of this metric is a tie."""
        return max(run_percent, self.least_relevance_percent)


def requests(measurement: Measurement) -> int:
    """Requests of the measured window, all routes."""
    return sum(route.requests for route in measurement.routes.values())


def mean_response_microseconds(measurement: Measurement) -> float | Missing:
    """Mean response time over all requests of the window: exact, from sums."""
    count = requests(measurement)
    if not count:
        return Missing("no request was answered")
    return sum(route.requests * route.mean_microseconds for route in measurement.routes.values()) / count


def _throughput(seen: Observation) -> float | Missing:
    count = requests(seen.measurement)
    return count / seen.measurement.window_seconds if count else Missing("no request was answered")


def _percentile(percent: float, seen: Observation) -> float | Missing:
    found = seen.distribution
    return found if isinstance(found, Missing) else found.percentile(percent)


def cpu_per_request_microseconds(role: str, measurement: Measurement) -> float | Missing:
    """CPU time of a role's container in the window / requests of the window, microseconds."""
    count = requests(measurement)
    used = measurement.usage.get(role)
    if not count or used is None:
        return Missing("no request was answered" if not count else f"no samples of the {role}")
    return used.cpu_seconds / count * 1e6 if used.cpu_seconds > 0 else Missing("the counter did not move")


def _cpu(role: str, seen: Observation) -> float | Missing:
    return cpu_per_request_microseconds(role, seen.measurement)


def _database_cpu(seen: Observation) -> float | Missing:
    # Else an idle database's housekeeping, divided by the requests, would rank targets by their throughput once more.
    if sum(statement.executed for statement in seen.measurement.statements) < requests(seen.measurement) / 10:
        return Missing("this profile leaves the database idle")
    return cpu_per_request_microseconds("database", seen.measurement)


def _memory(field: str, seen: Observation) -> float | Missing:
    used = seen.measurement.usage.get("service")
    value: float | Missing = Missing("no samples of the service") if used is None else getattr(used, field)
    if isinstance(value, Missing) or value > 0:
        return value
    return Missing("the kernel counted nothing")


def _image(seen: Observation) -> float | Missing:
    return seen.image_bytes


def _start(seen: Observation) -> float | Missing:
    seconds = seen.measurement.start_seconds
    return seconds if seconds > 0 else Missing("the clocks of engine and generator disagree")


#: Tails repeat less well than medians: a tenth is what a user of the service might notice.
TAIL_RELEVANCE_PERCENT = 10.0
PERCENTILES = (50.0, 90.0, 99.0, 99.9)

METRICS: tuple[Metric, ...] = (
    Metric(
        "throughput", "throughput", "Throughput", "requests/s", "higher",
        "Requests answered in each second of the measured window, at full load on the service's cores.",
        _throughput,
    ),
    *(
        Metric(
            f"p{percent:g}", "latency", f"Latency p{percent:g}", "microseconds", "lower",
            f"{percent:g} % of requests were answered within this time, waiting in line included. In a closed loop it "
            "mostly mirrors throughput: every connection sends its next request as soon as it has its answer.",
            partial(_percentile, percent),
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
        "peak", "memory", "Memory: peak", "bytes", "lower",
        "The most that the service was ever charged, from its start on, file cache included.",
        partial(_memory, "peak_bytes"),
    ),
    Metric(
        "image", "image size", "Image size", "bytes", "lower",
        "All layers of the service's image, unpacked.",
        _image, per_profile=False, exact=True,
    ),
    Metric(
        "start", "start time", "Start time", "seconds", "lower",
        "From the start of the container to the first good answer on /health, with the database already up.",
        _start, per_profile=False,
    ),
)  # fmt: skip

BY_ID = {metric.id: metric for metric in METRICS}
