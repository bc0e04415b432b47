"""The types of a load measurement: levels, capacity, usage. Names carry units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from loadtests.protocol.messages import Window

Verdict = Literal["valid", "generator_limited", "unstable", "failed"]
#: What limits a level: harness/evaluation/bottleneck.py has the rules.
#: `unknown`: of a service that fitmap did not start nobody sees what it used.
Bottleneck = Literal["service-cpu", "database", "pool", "proxy", "generator", "none", "unknown"]


class Missing(Struct, frozen=True, tag="missing"):
    """A missing value, with the reason. It is never 0 and never left out."""

    reason: str


class Usage(Struct, frozen=True):
    """The CPU and memory use of one container in the measured window.

    Memory: medians over the samples, and the peak since start. Working set: anonymous memory, and the files' pages that its
    processes have mapped; before method 7 the kernel's count without file pages that it can drop at once
    (`usage - inactive_file`). Anonymous memory: heaps and stacks, and shared memory that is mapped.
    """

    cpu_seconds: float
    cpu_seconds_since_start: float
    working_set_bytes: float | Missing
    anonymous_bytes: float
    peak_bytes: int | Missing
    #: The highest CPU use of any sampled second, in cores.
    busiest_second_cores: float
    #: Periods of the window in which a CPU quota stopped it; None if the kernel does not report them.
    throttled_periods: int | None = None
    #: For how much of the window a process of it was stopped, or it was not watched because the harness stood still.
    stopped_seconds: float = 0.0


class HostUse(Struct, frozen=True, tag="host"):
    """Host interference in the measured window, as shares of CPU time (0 to 1)."""

    #: CPU time of other processes on the service's CPUs.
    other_work: float = msgspec.field(name="foreign")
    #: CPU time that the hypervisor took from all CPUs of the trial.
    steal: float


class Speed(Struct, frozen=True):
    """CPU time of a fixed piece of work on a role's CPUs in the window, in microseconds.

    The mean rises with noisy neighbours on the same core. `quick_microseconds` is the 10th percentile: the machine's own
    speed.
    """

    mean_microseconds: float
    quick_microseconds: float
    samples: int


class RouteNumbers(Struct, frozen=True):
    """The counts of one route in the measured window.

    `mean_microseconds` is exact: it comes from a sum, not from the histogram.

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
    """The mean times of a route in microseconds. `database`: PostgreSQL's execution time."""

    response: float
    database: float


class Slice(Struct, frozen=True, array_like=True):
    """One slice of a level: for this time the load was on this trial's service alone, and the others of its group waited.

    `round`: in each round every trial of the group has one slice. Instants: nanoseconds of the clock of the samples.
    """

    round: int
    #: The measured part: from its first request, with nothing under way before it, to its last answer.
    start_ns: int
    end_ns: int
    #: Answered as expected in the measured part.
    requests: int
    #: Closed loop: the requests of whole passes at whose begin and end all connections were busy, and how long they took.
    paced_requests: int
    paced_ns: int
    #: CPU time of the measured part. The counters were read while no request was under way. None: they can't be read.
    service_cpu_ns: int | None
    database_cpu_ns: int | None
    generator_cpu_ns: int
    #: Why the slice does not count; empty: it counts.
    dropped: str = ""


class LevelMeasurement(Struct, frozen=True):
    """The measurement of one level of a trial, or of one probe of a search."""

    level: str
    kind: Literal["closed", "open"]
    verdict: Verdict
    problems: tuple[str, ...]
    bottleneck: Bottleneck
    #: The values from which the bottleneck follows.
    bottleneck_reason: str
    connections: int
    #: Requested arrivals/s; 0 in a closed loop.
    rate: float
    #: 99th percentile of the generator's own delay in sending, in microseconds; 0 in a closed loop.
    lag_p99_microseconds: float
    #: Time that all connections spent with a request under way, in the window.
    busy_seconds: float
    warmup_seconds: float
    steady: bool
    steady_reason: str
    window_seconds: float
    #: Instants of the measured window, nanoseconds of the monotonic clock that the samples carry.
    window_start_ns: int
    window_end_ns: int
    routes: Mapping[str, RouteNumbers]
    #: Mean times of routes that use the database, over the level's warm-up, window and drain.
    times: Mapping[str, RouteTime]
    windows: tuple[Window, ...]
    usage: Mapping[str, Usage]
    host: HostUse | Missing
    #: Over the whole level, warm-up and drain included. Missing where nobody counts them.
    statements: tuple[StatementCount, ...] | Missing
    #: The machine's speed in the window, by role. Empty if it was not probed (containers of another kernel, method 3).
    speed: Mapping[str, Speed] = {}
    #: Share of scheduled requests with the expected answer within the objective's time. None: unknown.
    in_time: float | None = None
    #: The slices of an interleaved level, in their order. All other figures are of those that count. Empty: one long window.
    slices: tuple[Slice, ...] = ()
    #: Why its latency is not ranked, though throughput and CPU are; empty: it is.
    latency_problem: str = ""
    #: Role -> why nothing is known of its container. Unset: each role has its usage, and then the record does not have the
    #: key.
    unseen: Mapping[str, Missing] | UnsetType = UNSET

    def without(self, role: str) -> Missing:
        """Why there is no usage of a role."""
        return (self.unseen or {}).get(role, Missing(f"no samples of the {role}"))


class CapacityProbe(Struct, frozen=True):
    """One window of a capacity search: rate, result and bottleneck."""

    rate: float
    passed: bool
    #: Share of scheduled requests with the expected answer in time.
    in_time: float
    seconds: float
    bottleneck: Bottleneck
    bottleneck_reason: str


class Capacity(Struct, frozen=True, tag="capacity"):
    """The interval [low, high) of the highest rate (arrivals/s) that meets the objective.

    `low` passed, and `high` failed twice. `high` is None if no rate failed: then `limit` is the generator, which is not
    trusted beyond `low`.
    """

    low: float
    high: float | None
    limit: Bottleneck
    reason: str
    probes: tuple[CapacityProbe, ...]


class Measurement(Struct, frozen=True, tag="measured"):
    """The measurement of a trial of kind `load`."""

    meta: Mapping[str, str | int]
    generator_versions: Mapping[str, str]
    workers: int
    golden_cases: int
    #: From the container's start to the first 200 on /health, with the database up. Missing where fitmap did not start it.
    start_seconds: float | Missing
    #: From SIGTERM to the end of the process; and its exit status. Missing of a service that does not keep `drain`.
    stop_seconds: float | Missing
    exit_status: int | Missing
    levels: tuple[LevelMeasurement, ...]
    capacity: Capacity | Missing
    #: Expected answers in the whole trial by route, golden cases included. The SQL statements are compared with these.
    answered: Mapping[str, int]
    failure_samples: tuple[str, ...]
    connections_opened: int
    #: CPU time of the harness itself in all windows, and the length of all windows together.
    harness_cpu_seconds: float
    loaded_seconds: float
    #: Whether the load generator had a higher scheduling priority than the database (harness/host/priority.py).
    generator_raised: bool = False
    #: Anonymous memory of the service after start and golden cases, before the first level. Sampled for held requests.
    idle_anonymous_bytes: float | Missing = Missing("not sampled")

    def at(self, level: str) -> LevelMeasurement | None:
        """The measurement of a level, by its name."""
        return next((measured for measured in self.levels if measured.level == level), None)


class StatementCount(Struct, frozen=True):
    """Expected and executed calls of one SQL statement, and the time of all calls."""

    name: str
    expected: int
    executed: int
    milliseconds: float
