"""The types of run.json: all that is known of a run before its first trial."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from harness.record.config import Config
from harness.record.plan import Plan, Target

#: Is raised when an older version would misread a record.
SCHEMA = 2


class DelayCheck(Struct, frozen=True):
    """A known delay, and what the generator measured in an open loop, in milliseconds.

    `injected_*`: the delay by the server's own clock, because the kernel may delay the server. `p50` and `p99`: the measured
    delay. Each is a percentile of the service time minus the same percentile (`path`, `path_p99`) of requests in between
    that are answered at once. A fixed delay shifts the whole distribution by its length.
    """

    injected: float
    injected_p50: float
    injected_p99: float
    p50: float
    p99: float
    path: float
    #: 0 in records that subtracted the median from both percentiles.
    path_p99: float = 0.0


class Calibration(Struct, frozen=True):
    """The limits of the load generator on a host, with its placement and image."""

    made: str
    load_image: str
    placement: str
    workers: int
    #: Against the null server, in requests/s: closed loop, and the highest open rate that was sent on time.
    closed_ceiling: float
    open_ceiling: float
    #: At the open ceiling.
    open_lag_p99_microseconds: float
    #: Median response time of the null server on one connection: the cost of the path itself.
    path_p50_microseconds: float
    delays: tuple[DelayCheck, ...]
    #: A pause of the server in an open loop, and the measured and theoretical 95th percentile, in milliseconds.
    stall_milliseconds: float
    stall_p95: float
    stall_p95_theory: float
    #: The values out of bounds, in words. Empty: the generator can be trusted.
    problems: tuple[str, ...]
    #: Values out of bounds that touch 99th percentiles alone. A level's own lag says whether its tail is ranked.
    tail_problems: tuple[str, ...] = ()
    #: The highest open rate that was sent completely, on time or not. 0 in older records: not known.
    open_complete: float = 0.0


class Host(Struct, frozen=True):
    """The machine of a run. `governor` and `smt` are None if the kernel does not tell."""

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
    """The engine's id of an image, and its size."""

    id: str
    size_bytes: int


class EngineRecord(Struct, frozen=True):
    """The container engine of a run."""

    name: str
    version: str
    api_version: str
    storage_driver: str


class Run(Struct, frozen=True):
    """The content of run.json.

    `configuration_text`: fitmap.toml as it was (empty: there was none). `configuration`: its values with preset and command
    line applied. A resumed run and the report use these.
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
    #: Lines of code by target. Empty in older records, which have no counts.
    source_lines: Mapping[str, int] = {}

    @property
    def elsewhere(self) -> bool:
        """Whether fitmap did not start what it measured: such a target is measured alone."""
        return any(target.external for target in self.targets.values())
