"""What one trial found, whatever its kind: a line of trials.jsonl."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from harness.record.measurement import Measurement, Missing, Verdict
from harness.record.plan import Placement, Trial
from loadtests.protocol.messages import Window


class Dependencies(Struct, frozen=True, tag="dependencies"):
    """Counts. `source`: what they were counted in."""

    direct: int
    transitive: int
    source: str

    @property
    def total(self) -> int:
        return self.direct + self.transitive


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
NonLoadMeasurement = StartupMeasurement | BuildMeasurement | FloorMeasurement | ScaleMeasurement


#: What comes of a trial, by the kind of its profile; or why nothing did.
Outcome = Measurement | NonLoadMeasurement | Missing


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
