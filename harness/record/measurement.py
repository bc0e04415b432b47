"""The types of what is measured: a level, a trial, the calibration, a sample. Frozen, with units in the names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from harness.evaluation.statements import StatementCount
from harness.host.cgroup import Counters
from harness.host.cpu_times import CpuTimes
from harness.record.plan import Placement, Trial
from harness.trials.dependencies import Dependencies
from loadtests.protocol.messages import Window

Verdict = Literal["valid", "generator_limited", "unstable", "failed"]
#: What limits a level: see harness/evaluation/bottleneck.py for the rule.
Bottleneck = Literal["service-cpu", "database", "pool", "proxy", "generator", "none"]


class DelayCheck(Struct, frozen=True):
    """A fixed delay and what the generator made of it in an open loop, milliseconds.

    `injected_*` by the server's own clock: the kernel may have kept it waiting. `p50` and `p99` are what was recovered: the
    service time's percentile less the same percentile of the requests in between that are answered at once (`path`,
    `path_p99`), because a fixed delay moves the whole distribution by itself.
    """

    injected: float
    injected_p50: float
    injected_p99: float
    p50: float
    p99: float
    path: float
    #: 0 in records in which the median was taken off both percentiles.
    path_p99: float = 0.0


class Calibration(Struct, frozen=True):
    """What the load generator can do on this host, in this placement, with this image; rates in requests/s."""

    made: str
    load_image: str
    placement: str
    workers: int
    #: Against the null server, closed loop; and the highest open rate at which it still sent on time.
    closed_ceiling: float
    open_ceiling: float
    #: At the open ceiling.
    open_lag_p99_microseconds: float
    #: Median response of the null server over one connection: what the path itself costs.
    path_p50_microseconds: float
    delays: tuple[DelayCheck, ...]
    #: A pause of the server under an open loop, and the 95th percentile seen and by theory, milliseconds.
    stall_milliseconds: float
    stall_p95: float
    stall_p95_theory: float
    #: What of it is out of bounds, in words. Empty: the generator can be believed.
    problems: tuple[str, ...]


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
    foreign: float
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


class Probe(Struct, frozen=True):
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
    probes: tuple[Probe, ...]


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


class Start(Struct, frozen=True):
    """One start of a service, in seconds since the engine started its container: to the first 200 on /health, and to the
    first product from the database. `cold`: the image's files had been taken out of the page cache before.
    """

    cold: bool
    health_seconds: float
    answer_seconds: float
    #: Of the image's files, what left the page cache before a cold start, and what stayed because processes map it.
    evicted_bytes: int = 0
    left_bytes: int = 0


class Cold(Struct, frozen=True, tag="cold"):
    """How the page cache was made cold, and how large the image's files are together."""

    way: str
    files: int
    total_bytes: int


class StartupMeasurement(Struct, frozen=True, tag="startup"):
    """What a trial of kind `startup` measured: starts in their order, the course of throughput from the first request on.

    `windows`: quarters of a second under the closed loop; those of phase `measure` at the end are the steady speed.
    """

    meta: Mapping[str, str | int]
    starts: tuple[Start, ...]
    cold: Cold | Missing
    connections: int
    windows: tuple[Window, ...]
    failure_samples: tuple[str, ...]


class BuildStep(Struct, frozen=True):
    """One instruction of a Dockerfile: how long it took, and whether the builder had its result already."""

    instruction: str
    seconds: float
    cached: bool


class Built(Struct, frozen=True):
    """One build of an image, from the call to its end."""

    seconds: float
    steps: tuple[BuildStep, ...]


class BuildMeasurement(Struct, frozen=True, tag="build"):
    """What a trial of kind `build` measured."""

    #: Every step anew but the base images; what is downloaded is downloaded again. None after a run's first block: it takes
    #: minutes, and most of it is the network's time.
    clean: Built | None
    #: After the edit, with the layers of the unedited build at hand.
    rebuilt: Built
    file: str
    #: From the edit's end to the first answer that shows it, and the part from the container's start to that.
    edit_to_running_seconds: float
    start_seconds: float
    image_bytes: int
    dependencies: Dependencies | Missing


class FloorProbe(Struct, frozen=True):
    """A fresh service under one memory limit: whether it met the objective at the trial's rate, and if not, why not."""

    memory_mib: int
    passed: bool
    reason: str
    #: The share of what was scheduled that was answered as expected and in time; 0 where it never came to that.
    in_time: float
    #: Of the window; None where there was none.
    working_set_bytes: float | None = None
    cpu_microseconds: float | None = None


class FloorMeasurement(Struct, frozen=True, tag="memory-floor"):
    """What a trial of kind `memory-floor` measured: the smallest limit that passed as often as is asked for, where
    the one `step_mib` below failed (0: an engine gives no container less); or why there is none.
    """

    meta: Mapping[str, str | int]
    rate: float
    step_mib: int
    floor_mib: int | Missing
    probes: tuple[FloorProbe, ...]


class ScalePoint(Struct, frozen=True):
    """One service on so many cores, or so many replicas of it: where they ran, and what was measured.

    `placement.shared` names the roles that share CPUs. The level's usage of `service` is that of all replicas together;
    `proxy` is the load balancer before them.
    """

    count: int
    placement: Placement
    measured: Measurement | Missing


class ScaleMeasurement(Struct, frozen=True, tag="scale"):
    """What a trial of kind `scale-up` (cores) or `scale-out` (replicas) measured, fewest first.

    `db_pool_size`: connections to the database of all replicas together, the same at each point.
    """

    points: tuple[ScalePoint, ...]
    db_pool_size: int


#: What comes of a trial of a kind that is no load.
Beside = StartupMeasurement | BuildMeasurement | FloorMeasurement | ScaleMeasurement
#: What comes of a trial, by the kind of its profile; or why nothing did.
Outcome = Measurement | Beside | Missing


class TrialResult(Struct, frozen=True):
    """One line of trials.jsonl. `verdict` is the worst of its levels'.

    A trial that failed has a stage, a reason and the last log lines, and no measurement.
    """

    trial: Trial
    started: str
    wall_seconds: float
    verdict: Verdict
    problems: tuple[str, ...]
    stage: str | None
    logs: Mapping[str, str]
    measurement: Outcome


class Sample(Struct, frozen=True):
    """One reading of one container."""

    monotonic_ns: int
    role: str
    counters: Counters


class SpeedSample(Struct, frozen=True):
    """One turn of the probe: when it began, on which CPU, and how long its work took of that CPU's time."""

    monotonic_ns: int
    cpu: int
    cpu_ns: int


class HostSample(Struct, frozen=True):
    """One reading of the host's CPUs."""

    monotonic_ns: int
    cpus: Mapping[int, CpuTimes]
