"""The result of a trial of any kind: one line of trials.jsonl."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from harness.record.measurement import Measurement, Missing, Verdict
from harness.record.plan import Placement, Trial
from loadtests.protocol.messages import Window


class Dependencies(Struct, frozen=True, tag="dependencies"):
    """The number of dependencies. `source`: the file or folder that was counted."""

    direct: int
    transitive: int
    source: str

    @property
    def total(self) -> int:
        return self.direct + self.transitive


class Start(Struct, frozen=True):
    """One start of a service, in seconds from the engine's start of its container.

    `health_seconds`: to the first 200 on /health. `answer_seconds`: to the first product from the database. `cold`: the
    image's files were removed from the page cache before.
    """

    cold: bool
    health_seconds: float
    answer_seconds: float
    #: Bytes of the image's files that left the page cache before a cold start, and that stayed because processes map them.
    evicted_bytes: int = 0
    left_bytes: int = 0


class Cold(Struct, frozen=True, tag="cold"):
    """How files were removed from the page cache, and the size of the image's files."""

    way: str
    files: int
    total_bytes: int


class StartupMeasurement(Struct, frozen=True, tag="startup"):
    """The measurement of a trial of kind `startup`: starts in their order, and ramp-up.

    `windows`: quarters of a second in a closed loop, from the first request on. Those of phase `measure` at the end are the
    steady speed.
    """

    meta: Mapping[str, str | int]
    starts: tuple[Start, ...]
    cold: Cold | Missing
    connections: int
    windows: tuple[Window, ...]
    failure_samples: tuple[str, ...]


class BuildStep(Struct, frozen=True):
    """One instruction of a Dockerfile: its time, and whether its result was cached."""

    instruction: str
    seconds: float
    cached: bool


class Built(Struct, frozen=True):
    """One build of an image."""

    seconds: float
    steps: tuple[BuildStep, ...]


class BuildMeasurement(Struct, frozen=True, tag="build"):
    """The measurement of a trial of kind `build`."""

    #: All steps without a cache, downloads included; base images are kept. None after the first block: it takes minutes,
    #: and most of that is network time.
    clean: Built | None
    #: After the edit, with the layers of the unedited build in the cache.
    rebuilt: Built
    file: str
    #: From the end of the edit, through the rebuilt image, to the first answer that shows it; and the part of it from the
    #: container's start on.
    edit_to_running_seconds: float
    start_seconds: float
    image_bytes: int
    dependencies: Dependencies | Missing
    #: From the end of the edit, through the developers' own loop, to the first answer that shows it. None in older records.
    development_seconds: float | Missing | None = None


class FloorProbe(Struct, frozen=True):
    """A fresh service under one memory limit: whether it met the objective, or why not."""

    memory_mib: int
    passed: bool
    reason: str
    #: Share of scheduled requests with the expected answer in time; 0 if no load was sent.
    in_time: float
    #: Of the measured window; None if there was none.
    working_set_bytes: float | None = None
    cpu_microseconds: float | None = None


class FloorMeasurement(Struct, frozen=True, tag="memory-floor"):
    """The measurement of a trial of kind `memory-floor`.

    `floor_mib`: the smallest limit that passed as often as required, or why there is none. The limit `step_mib` below it
    failed (0: the engine allows no smaller limit).
    """

    meta: Mapping[str, str | int]
    rate: float
    step_mib: int
    floor_mib: int | Missing
    probes: tuple[FloorProbe, ...]


class ScalePoint(Struct, frozen=True):
    """The measurement with `count` cores or replicas.

    `placement.shared` names the roles that share CPUs. The level's usage of `service` is that of all replicas together;
    `proxy` is the load balancer before them.
    """

    count: int
    placement: Placement
    measured: Measurement | Missing


class ScaleMeasurement(Struct, frozen=True, tag="scale"):
    """The measurement of a trial of kind `scale-up` (cores) or `scale-out` (replicas).

    Points are in rising order.
    `db_pool_size`: connections to the database of all replicas together, the same at each point.
    """

    points: tuple[ScalePoint, ...]
    db_pool_size: int


#: The measurement of a non-load trial.
NonLoadMeasurement = StartupMeasurement | BuildMeasurement | FloorMeasurement | ScaleMeasurement


#: The measurement of a trial by the kind of its profile, or why there is none.
Outcome = Measurement | NonLoadMeasurement | Missing


class TrialResult(Struct, frozen=True):
    """One line of trials.jsonl. `verdict`: the worst of its levels.

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
