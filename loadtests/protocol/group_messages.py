"""The messages of a group: several services alive at once, and the load goes round among them in slices.

The harness passes a `GroupSpec` in the environment variable FITMAP_LOAD. The generator prints events on standard output, one
per line, as JSON. It pauses after each `WarmUp` and `GroupLevelEnd` until it gets SIGUSR1. Instants are nanoseconds of
CLOCK_MONOTONIC in the generator's kernel. A *copy* is one of the services, by its index in the specification.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from loadtests.protocol.messages import Fatal, Hello, Measured, RouteResult, Window
from loadtests.protocol.outside import Outside


class Copy(Struct, frozen=True, forbid_unknown_fields=True):
    """One service of a group. `service`, `database`: the engine's ids of their containers; it may have no database.

    A service that the harness did not start has `outside` in place of `port`, and no container that is known.
    """

    port: int
    service: str | None
    database: str | None
    #: What GET /meta must answer, by key (loadtests/protocol/meta.py). None: it keeps no contract, so that neither this nor
    #: the golden cases are asked.
    meta: dict[str, str] | None
    #: How many turns its warm-up has, before each profile.
    warmup_turns: int
    #: Copies of one family have their slices next to each other in each round.
    family: int
    #: Its first 200 on this path is "ready", within so many seconds.
    health: str = "/health"
    ready_timeout_seconds: float = 30.0
    #: Name of each further container beside it -> the engine's id.
    beside: dict[str, str] = {}
    outside: Outside | None = None


class SlicedLevel(Struct, frozen=True, forbid_unknown_fields=True):
    """A level that is measured in slices.

    `closed`: each connection sends as soon as it has its answer. `open`: `rate` arrivals/s. `relative`: open, at `share` of
    the copy's throughput in the program's first closed level.
    """

    name: str
    kind: Literal["closed", "open", "relative"]
    routes: tuple[str, ...]
    #: Of each slice: the load before the measured part, and the measured part.
    lead_seconds: float
    slice_seconds: float
    #: How many rounds there are. Four fifths of each copy's slices must count.
    rounds: int
    rate: float = 0.0
    share: float = 0.0


class Program(Struct, frozen=True, forbid_unknown_fields=True):
    """One profile's levels, in their order, on so many connections to each of some copies."""

    profile: str
    connections: int
    levels: tuple[SlicedLevel, ...]
    copies: tuple[int, ...]


class GroupSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The load of a group. `cpus`: those of the services; `on_cpus`: the roles whose containers run there."""

    host: str
    seed: int
    copies: tuple[Copy, ...]
    programs: tuple[Program, ...]
    cpus: tuple[int, ...]
    on_cpus: tuple[Literal["service", "database", "generator"], ...]
    master_host: str = "127.0.0.1"
    master_port: int = 15557
    external_workers: int = 0
    #: The number of the worker that reads it. The master sets it.
    worker: int = 0


class CopyReady(Struct, frozen=True, tag="copy_ready"):
    """The instant of a copy's first 200 on its health path, its answer of /meta, and the number of its golden cases."""

    copy: int
    monotonic_ns: int
    meta: dict[str, str | int]
    golden_cases: int


class CopyLost(Struct, frozen=True, tag="copy_lost"):
    """A copy can't be measured any more. The others go on without it."""

    copy: int
    stage: str
    reason: str


class WarmUp(Struct, frozen=True, tag="warm_up"):
    """The warm-up of a profile is about to begin, or over."""

    profile: str
    over: bool


class Turn(Struct, frozen=True, tag="turn"):
    """One turn of a copy's warm-up."""

    copy: int
    profile: str
    window: Window


class SliceEvent(Struct, frozen=True, tag="slice"):
    """One slice of a copy. The fields are those of `harness.record.measurement.Slice`, and the failed requests.

    `database_cpu_ns`: 0 where there is no database. `beside_cpu_ns`: name of each further container -> its CPU time.
    `others_ns`: CPU time of all other copies' containers meanwhile. `other_work`, `steal`: shares of the services' CPUs
    that processes outside the group, and the hypervisor, took. None: of a service that the harness did not start.
    `held`: how many requests the fuse held back.
    """

    copy: int
    profile: str
    level: str
    round: int
    start_ns: int
    end_ns: int
    requests: int
    failures: int
    sum_microseconds: int
    paced_requests: int
    paced_ns: int
    busy_seconds: float
    service_cpu_ns: int | None
    database_cpu_ns: int | None
    generator_cpu_ns: int
    others_ns: int
    other_work: float | None
    steal: float | None
    beside_cpu_ns: dict[str, int] = {}
    held: int = 0


class GroupLevelEnd(Struct, frozen=True, tag="group_level_end"):
    """The end of a level.

    `measured`: copy -> its slices that count, merged. `dropped`: copy -> round -> why its slice does not count. `answered`:
    copy -> requests answered as expected since the start, by route. The databases' statement counts must agree with it.
    `idle_cores`: copy -> cores that its service used while others had the load, the median over their slices. A group of one
    has none.
    """

    profile: str
    level: str
    measured: dict[int, Measured]
    dropped: dict[int, dict[int, str]]
    answered: dict[int, dict[str, int]]
    idle_cores: dict[int, float] = {}


class GroupDone(Struct, frozen=True, tag="group_done"):
    """The end of the last level. By copy: the first failures as sentences, and the number of connections opened."""

    failure_samples: dict[int, tuple[str, ...]]
    connections_opened: dict[int, int]


GroupEvent = Hello | CopyReady | CopyLost | WarmUp | Turn | SliceEvent | GroupLevelEnd | GroupDone | Fatal

decode_group_event = msgspec.json.Decoder(GroupEvent).decode


# Between master and workers: the names of Locust's custom messages.
PART, PARTED, COLLECT, COLLECTED = "fitmap_part", "fitmap_parted", "fitmap_collect", "fitmap_collected"
REMARKS, REMARKED = "fitmap_remarks", "fitmap_remarked"


class Part(Struct, frozen=True):
    """Load on one copy that begins and ends with nothing under way: a turn, a lead-in, or the measured part of a slice.

    `rate`: of this worker; 0: closed loop of whole passes, from pass `first_pass` of the stream on. `kept`: the histograms
    are kept for `Collect`. `most_per_second`: the fuse of this worker; 0: there is none.
    """

    number: int
    copy: int
    profile: str
    routes: tuple[str, ...]
    seconds: float
    rate: float
    seed: int
    first_pass: int
    kept: bool
    most_per_second: int = 0


class PartResult(Struct, frozen=True):
    """What one worker measured in a part. `paced_*`: see `harness.record.measurement.Slice`; `held`: see `SliceEvent`."""

    number: int
    start_ns: int
    end_ns: int
    requests: int
    failures: int
    sum_microseconds: int
    paced_requests: int
    paced_ns: int
    busy_seconds: float
    held: int = 0


class Collect(Struct, frozen=True):
    """Asks for the sum of kept parts of a copy in a profile. The worker forgets them."""

    copy: int
    profile: str
    parts: tuple[int, ...]


class Collected(Struct, frozen=True):
    """The sum of the parts, and the copy's totals since the start."""

    routes: tuple[RouteResult, ...]
    answered: dict[str, int]


class Remarks(Struct, frozen=True):
    """By copy: the first failures as sentences, and the number of connections opened."""

    failure_samples: dict[int, tuple[str, ...]]
    connections_opened: dict[int, int]
