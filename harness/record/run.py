"""run.json: everything about a run that is known before its first trial."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from harness.record.config import Config
from harness.record.plan import Plan, Target

#: Changes when a reader of an older version would misread a record.
SCHEMA = 2


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


class Host(Struct, frozen=True):
    """The machine of a run. `governor` and `smt` are None where the kernel does not say."""

    name: str
    system: str
    kernel: str
    cpu_model: str
    logical_cpus: int
    physical_cores: int
    memory_bytes: int
    governor: str | None
    smt: str | None
    cgroup_version: int | None
    boot_id: str | None


class ImageRecord(Struct, frozen=True):
    """An image that took part: the engine's id of it and its size."""

    id: str
    size_bytes: int


class EngineRecord(Struct, frozen=True):
    """The container engine."""

    name: str
    version: str
    api_version: str
    storage_driver: str


class Run(Struct, frozen=True):
    """run.json. `configuration_text` is fitmap.toml as it was (empty: there was none); `configuration` what came of it
    with preset and command line: what a resumed run goes on with, and what the report judges by.
    """

    schema: int
    method: int
    id: str
    started: str
    fitmap_version: str
    revision: str | None
    command: tuple[str, ...]
    configuration_text: str
    configuration: Config
    plan: Plan
    targets: Mapping[str, Target]
    host: Host
    engine: EngineRecord
    image_set: str
    images: Mapping[str, ImageRecord]
    database_version: str
    database_settings: Mapping[str, str]
    seed_checksum: str
    calibration: Calibration
    #: Target -> lines of code. Empty in records of before they were counted.
    source_lines: Mapping[str, int] = {}
