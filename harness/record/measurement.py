"""The types of what is measured: a level, a trial, the calibration, a sample. Frozen, with units in the names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from loadtests.protocol.messages import Window

Verdict = Literal["valid", "generator_limited", "unstable", "failed"]
#: What limits a level: see harness/evaluation/bottleneck.py for the rule.
Bottleneck = Literal["service-cpu", "database", "pool", "proxy", "generator", "none"]


class Missing(Struct, frozen=True, tag="missing"):
    """A value that is not there, and why. Never 0, never left out."""

    reason: str


class Usage(Struct, frozen=True):
    """One container during the measured window. Memory in bytes: medians over the samples, and the peak since start.

    Working set: what the kernel charges, less file cache it could drop at once (`usage - inactive_file`).
    """

    cpu_seconds: float
    cpu_seconds_since_start: float
    working_set_bytes: float
    anonymous_bytes: float
    peak_bytes: int | Missing
    #: The highest CPU use of any sampled second, in cores.
    busiest_second_cores: float
    #: Periods inside the window in which a CPU quota stopped it, where the kernel says.
    throttled_periods: int | None = None


class HostUse(Struct, frozen=True, tag="host"):
    """The host during the measured window, as shares of the time of CPUs (0 to 1)."""

    #: What processes other than the service used of the service's CPUs.
    other_work: float = msgspec.field(name="foreign")
    #: What the hypervisor took of all CPUs of the trial.
    steal: float


class Speed(Struct, frozen=True):
    """What a fixed piece of work took on a role's CPUs in the window, microseconds of CPU time: its mean, which neighbours
    on the same core raise, and its 10th percentile, which is the machine's own speed.
    """

    mean_microseconds: float
    quick_microseconds: float
    samples: int


class RouteNumbers(Struct, frozen=True):
    """One route in the measured window. `mean_microseconds` is exact (a sum), not read off the histogram.

    scheduled = requests + failures + timed_out + dropped + open.
    """

    requests: int
    failures: int
    mean_microseconds: float
    scheduled: int = 0
    timed_out: int = 0
    dropped: int = 0
    open: int = 0


class RouteTime(Struct, frozen=True):
    """Where a mean request of a route spends its time, microseconds: `database` is PostgreSQL's own execution time."""

    response: float
    database: float


class LevelMeasurement(Struct, frozen=True):
    """One level of a trial, or one probe of a search."""

    level: str
    kind: Literal["closed", "open"]
    verdict: Verdict
    problems: tuple[str, ...]
    bottleneck: Bottleneck
    #: The figures that the bottleneck follows from.
    bottleneck_reason: str
    connections: int
    #: Arrivals/s that were asked for; 0 in a closed loop.
    rate: float
    #: How late the generator itself sent, 99th percentile in microseconds; 0 in a closed loop.
    lag_p99_microseconds: float
    #: Time that connections spent with a request under way, inside the window.
    busy_seconds: float
    warmup_seconds: float
    steady: bool
    steady_reason: str
    window_seconds: float
    #: Instants of the measured window, nanoseconds of the monotonic clock that the samples carry.
    window_start_ns: int
    window_end_ns: int
    routes: Mapping[str, RouteNumbers]
    #: Routes that the database knows: where their time went, over the level's warm-up, window and drain.
    times: Mapping[str, RouteTime]
    windows: tuple[Window, ...]
    usage: Mapping[str, Usage]
    host: HostUse | Missing
    #: Over the whole level, warm-up and drain included.
    statements: tuple[StatementCount, ...]
    #: By role: how fast the machine was meanwhile. Empty where it was not probed (another kernel's containers, method 3).
    speed: Mapping[str, Speed] = {}
    #: The share of what was scheduled that was answered as expected and within the objective's time. None: not told.
    in_time: float | None = None


class CapacityProbe(Struct, frozen=True):
    """One window of a search: its rate, whether it met the objective, and what limited it."""

    rate: float
    passed: bool
    #: The share of what was scheduled that was answered as expected and in time.
    in_time: float
    seconds: float
    bottleneck: Bottleneck
    bottleneck_reason: str


class Capacity(Struct, frozen=True, tag="capacity"):
    """The highest rate (arrivals/s) that meets the objective lies within [low, high); low passed and high failed twice.

    `high` is None where no rate failed: then `limit` is the generator, which was not believed beyond `low`.
    """

    low: float
    high: float | None
    limit: Bottleneck
    reason: str
    probes: tuple[CapacityProbe, ...]


class Measurement(Struct, frozen=True, tag="measured"):
    """What a trial measured."""

    meta: Mapping[str, str | int]
    generator_versions: Mapping[str, str]
    workers: int
    golden_cases: int
    #: Container start to the first 200 on /health, database already up.
    start_seconds: float
    #: SIGTERM to exit, and the exit status.
    stop_seconds: float
    exit_status: int
    levels: tuple[LevelMeasurement, ...]
    capacity: Capacity | Missing
    #: Requests answered as expected over the whole trial, by route, golden cases included: what the statements explain.
    answered: Mapping[str, int]
    failure_samples: tuple[str, ...]
    connections_opened: int
    #: What the harness itself burnt in all windows, and how long they were together.
    harness_cpu_seconds: float
    loaded_seconds: float
    #: The service's anonymous memory after its start and the golden cases, before the first level: where requests are held.
    idle_anonymous_bytes: float | Missing = Missing("not sampled")

    def at(self, level: str) -> LevelMeasurement | None:
        """The measurement of a level, by its name."""
        return next((measured for measured in self.levels if measured.level == level), None)


class StatementCount(Struct, frozen=True):
    """One statement of a trial: how often it should have run, how often it did, and how long (milliseconds, all calls)."""

    name: str
    expected: int
    executed: int
    milliseconds: float
