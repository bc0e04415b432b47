"""Figures of one level: requests, throughput, mean response time, CPU time, and the distribution of response times."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Literal

import numpy as np
from hdrh.codec import decode, payload_header_size
from numpy.typing import NDArray

from harness.record.histograms import tag
from harness.record.measurement import LevelMeasurement, Missing, Slice
from loadtests.protocol.histogram import COUNTS, HALF_COUNT_BITS
from reports.metrics.metric import Direction

#: A percentile is given only if at least so many samples lie beyond it.
SAMPLES_BEYOND = 100
#: The same for one start of a level that is measured in slices. Six starts are the rule, and they count together.
SAMPLES_BEYOND_IN_A_START = 17
#: Where slices are loud, one of so many is taken for undisturbed.
QUIET_SHARE = 3
#: With fewer slices their scatter is unknown.
MIN_SLICES = 3
#: The standard deviation of a start's slices (0.035 is 3.5 %) from which they are loud.
LOUD_SCATTER = 0.035
#: Of HdrHistogram's V2 encoding: bytes of a count in memory, and of the header before the compressed payload.
WORD_BYTES, EXTERNAL_HEADER_BYTES = 8, 8
NO_HISTOGRAM = Missing("the trial left no histogram of it")
DAMAGED_HISTOGRAM = Missing("its histograms are damaged or cut short")
_INDEX = np.arange(COUNTS, dtype=np.int64)
_BUCKET = np.maximum((_INDEX >> HALF_COUNT_BITS) - 1, 0)
#: The highest value (microseconds) that falls into each counts index: HdrHistogram's own answer for a percentile.
HIGHEST_VALUE = ((_INDEX - (_BUCKET << HALF_COUNT_BITS)) << _BUCKET) + (1 << _BUCKET) - 1


def requests(level: LevelMeasurement) -> int:
    """Requests of the measured window over all routes."""
    return sum([route.requests for route in level.routes.values()])  # noqa: C419 - quicker, and called often


def throughput(level: LevelMeasurement) -> float:
    """Requests answered per second of the window; 0 if that has no length. In slices of a closed loop: of the time in which
    all connections were busy, because a slice also fills up at its begin and drains at its end.
    """
    if level.kind != "closed" or not level.slices:
        return requests(level) / level.window_seconds if level.window_seconds > 0 else 0.0
    paced = [each for each in counting_slices(level) if each.paced_ns]
    return sum(each.paced_requests for each in paced) / (sum(each.paced_ns for each in paced) or 1) * 1e9


def counting_slices(level: LevelMeasurement) -> Iterator[Slice]:
    """The slices whose round counts."""
    return (each for each in level.slices if not each.dropped)


def throughput_by_round(level: LevelMeasurement) -> Mapping[int, float]:
    """Round -> requests answered per second in it."""
    if level.kind != "closed":
        return {}
    return {
        each.round: each.paced_requests / each.paced_ns * 1e9
        for each in counting_slices(level)
        if each.paced_requests > 0 and each.paced_ns > 0
    }


def cpu_by_round(role: Literal["service", "database"], level: LevelMeasurement) -> Mapping[int, float]:
    """Round -> CPU time of a role's container per request in it, microseconds."""
    used = ((each, _cpu_ns(role, each)) for each in counting_slices(level))
    return {each.round: spent / each.requests / 1e3 for each, spent in used if spent and spent > 0 and each.requests > 0}


def _cpu_ns(role: Literal["service", "database"], each: Slice) -> int | None:
    """None: nobody can read the counter."""
    return each.service_cpu_ns if role == "service" else each.database_cpu_ns


def slice_scatter(level: LevelMeasurement) -> float | None:
    """The standard deviation of the throughput of a level's slices, in logarithms; None with fewer than three slices."""
    logs = [math.log(value) for value in throughput_by_round(level).values()]
    return stdev(logs) if len(logs) >= MIN_SLICES else None


def quiet(values: Sequence[float], direction: Direction) -> float:
    """The geometric mean of the best third of a level's slices.

    Other virtual machines on the same hardware make a slice dearer, never cheaper, and for a part of a second at a time. The
    best third is the service on a machine that was left alone. What a service does to itself, such as to collect garbage,
    happens many times in each slice.
    """
    best = sorted(values, reverse=direction == "higher")[: -(-len(values) // QUIET_SHARE)]
    return math.exp(fmean(math.log(value) for value in best))


def quiet_throughput(level: LevelMeasurement) -> float:
    """Requests answered per second in the best third of the slices; of the whole window where there are none."""
    paced = list(throughput_by_round(level).values())
    return quiet(paced, "higher") if paced else throughput(level)


def quiet_cpu_microseconds(role: Literal["service", "database"], level: LevelMeasurement) -> float | Missing:
    """CPU time of a role's container per request, as `quiet_throughput`."""
    spent = ((each, _cpu_ns(role, each)) for each in counting_slices(level) if each.requests)
    used = [nanoseconds / each.requests / 1e3 for each, nanoseconds in spent if nanoseconds is not None]
    if not used:
        return cpu_per_request_microseconds(role, level)
    return quiet(used, "lower") if min(used) > 0 else Missing("the counter did not move")


def mean_response_microseconds(level: LevelMeasurement) -> float | Missing:
    """Mean response time over all requests of the window, exact because it is computed from sums."""
    count = requests(level)
    if not count:
        return Missing("no request was answered")
    return sum(route.requests * route.mean_microseconds for route in level.routes.values()) / count


def cpu_per_request_microseconds(role: str, level: LevelMeasurement) -> float | Missing:
    """CPU time of a role's container in the window, divided by the requests of the window; microseconds."""
    count = requests(level)
    used = level.usage.get(role)
    if not count or used is None:
        return Missing("no request was answered") if not count else level.without(role)
    return used.cpu_seconds / count * 1e6 if used.cpu_seconds > 0 else Missing("the counter did not move")


def executor_microseconds(level: LevelMeasurement) -> float | Missing:
    """Time in PostgreSQL's executor per mean request of the window, by its own count; microseconds. Routes are weighted.

    It is elapsed time: a statement that sleeps counts. Parsing, planning, binding and the commit are not in it.
    """
    if isinstance(level.statements, Missing):
        return level.statements
    spent = sum(level.routes[name].requests * time.database for name, time in level.times.items())
    return spent / max(requests(level), 1)


def runs_statements(level: LevelMeasurement) -> bool:
    """Whether the level's requests use the database. The golden cases execute a few statements at any level.

    Where nobody counts statements, they do if there is a database.
    """
    if isinstance(level.statements, Missing):
        return "database" in level.usage
    return sum(statement.executed for statement in level.statements) >= max(requests(level), 1) / 10


def other_database_microseconds(level: LevelMeasurement) -> float | Missing:
    """CPU time of the database per request beyond the executor's time: parsing, planning, binding, the commit, the protocol,
    background processes; microseconds. 0 where the executor's time is the longer one, because statements wait.
    """
    executor = executor_microseconds(level)
    if isinstance(executor, Missing):
        return executor
    if not runs_statements(level):
        # An idle database's own work per request would only be throughput once more.
        return 0.0
    used = cpu_per_request_microseconds("database", level)
    return used if isinstance(used, Missing) else max(used - executor, 0.0)


def database_share(level: LevelMeasurement) -> float | Missing:
    """The share of the mean response that the database takes: executor time, and the rest of its CPU time."""
    whole, other = mean_response_microseconds(level), other_database_microseconds(level)
    executor = executor_microseconds(level)
    if isinstance(whole, Missing) or isinstance(other, Missing) or isinstance(executor, Missing):
        return next(part for part in (whole, other, executor) if isinstance(part, Missing))
    return (executor + other) / whole


class Distribution:
    """Response times of one trial at one level, of one route or of all merged. `counts`: by HdrHistogram index.

    Only the indices that occur are kept: they are few, and a record may have ten thousand distributions.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self._indices = (counts != 0).nonzero()[0]
        self._cumulative = counts[self._indices].cumsum()
        self.total = int(self._cumulative[-1]) if len(self._indices) else 0

    def percentile(self, percent: float, least: int = SAMPLES_BEYOND) -> float | Missing:
        """Microseconds that `percent` of the requests did not exceed, or why that is not known.

        `least`: so many requests must lie beyond it.
        """
        beyond = self.total * (100 - percent) / 100
        if beyond + 1e-6 < least:
            return Missing(f"only {beyond:.0f} of {self.total:,} requests lie beyond it; {least} are the least")
        rank = max(1, math.ceil(self.total * percent / 100 - 1e-9))
        return float(HIGHEST_VALUE[self._indices[self._cumulative.searchsorted(rank)]])

    def curve(self, percents: NDArray[np.float64], least: int = SAMPLES_BEYOND) -> list[float]:
        """The percentiles at rising `percents`, up to the last one that is known."""
        known = percents[self.total * (100 - percents) / 100 + 1e-6 >= least]
        ranks = np.maximum(1, np.ceil(self.total * known / 100 - 1e-9)).astype(np.int64)
        return [float(value) for value in HIGHEST_VALUE[self._indices[self._cumulative.searchsorted(ranks)]]]

    def share_within(self, microseconds: float) -> float:
        """The share (0 to 1) of the requests that took at most so long. It is a count, so few requests are enough."""
        below = int(self._indices.searchsorted(HIGHEST_VALUE.searchsorted(microseconds, side="right")))
        return float(self._cumulative[below - 1] / self.total) if below and self.total else 0.0


def distributions(
    encoded: Mapping[str, str], level: str, apart: Sequence[str] = (), answered: Sequence[str] = ()
) -> tuple[Distribution | Missing, dict[str, Distribution | Missing]]:
    """The response times of a level over all its routes, and those of each of some routes. Each histogram is decoded once.

    `encoded`: the trial's histograms by tag, of the generator's range and precision. Response times count from the instant
    at which a request was due. Service times and the generator's lag are in the file too, but not in the report.
    `answered`: the routes that must have a histogram. If one of them has none, or it is damaged, a mix of the others would
    be another mix.
    """
    prefix = tag(level, "response", "")
    chosen = {name: text for name, text in encoded.items() if name.startswith(prefix)}
    routes = {tag(level, "response", route): route for route in apart}
    by_route: dict[str, Distribution | Missing] = dict.fromkeys(apart, NO_HISTOGRAM)
    total, end = np.zeros(COUNTS, dtype=np.int64), 0
    damaged = any(tag(level, "response", route) not in chosen for route in answered)
    for name, counts in zip(chosen, _decoded(chosen.values()), strict=True):
        if counts is None:
            damaged = True
        else:
            total[: len(counts)] += counts
            end = max(end, len(counts))
        if name in routes:
            by_route[routes[name]] = DAMAGED_HISTOGRAM if counts is None else Distribution(counts)
    if not chosen:
        return NO_HISTOGRAM, by_route
    return DAMAGED_HISTOGRAM if damaged else Distribution(total[:end]), by_route


def _decoded(encoded: Iterable[str]) -> Iterator[NDArray[np.int64] | None]:
    """The counts of each histogram up to the last that occurs, in the same memory: the next overwrites them. None: damaged.

    A whole HdrHistogram takes ten times as long, and a record has thousands of them.
    """
    counts = np.zeros(COUNTS, dtype=np.int64)
    address = counts.ctypes.data
    for text in encoded:
        try:
            payload = zlib.decompress(base64.b64decode(text)[EXTERNAL_HEADER_BYTES:])
            found = decode(payload, payload_header_size, address, COUNTS, WORD_BYTES)
            here = counts[: found["max_nonzero_index"] + 1]
        except (ValueError, IndexError, OverflowError, zlib.error):
            counts[:] = 0
            yield None
            continue
        yield here
        here[:] = 0
