"""The central types, frozen, with units in the names. The words are those of docs/method/README.md."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

TWIN = "-twin"
BASE = "-base"

SATURATE = "saturate"
CAPACITY = "capacity"

#: harness/plan/config_file.py has their timing.
Preset = Literal["smoke", "quick", "gate", "full"]
#: What a trial of a profile does: see harness/trials/dispatch.py.
Kind = Literal["load", "startup", "build", "memory-floor", "scale-up", "scale-out"]


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """One runtime, pool or framework setting of a target, with the reason for it."""

    name: str
    value: str
    why: str


class Deviation(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a target departs from the contract, and why."""

    what: str
    why: str


class Edit(Struct, frozen=True, forbid_unknown_fields=True):
    """A change of one line that the running service shows: `old` stands once in `file`, and `new` holds {mark}, a word that
    is another one at each build and that GET /meta answers.
    """

    file: str
    old: str
    new: str


class Sizing(Struct, frozen=True, forbid_unknown_fields=True):
    """An environment variable that tells a runtime its memory limit, where it does not see its container's: `form` with
    {mib}, `share` of the limit (0 to 1).
    """

    name: str
    share: float
    form: str
    why: str


class Target(Struct, frozen=True):
    """One service folder: a language, a class, a manifest."""

    name: str
    language: str
    target_class: Literal["standard", "tuned"]
    framework: str
    driver: str
    sources: tuple[str, ...]
    lock_file: str
    settings: tuple[Setting, ...]
    deviations: tuple[Deviation, ...]
    #: None in records of before there was one.
    edit: Edit | None = None
    #: Folder of the image that holds one jar a dependency, where the build system writes no lock file.
    jars: str = ""
    #: Set where a memory limit is the question (profile memory-floor).
    memory: tuple[Sizing, ...] = ()
    #: Its code is compiled while it runs, so it has stages of warm-up that no steady window shows
    #: (harness/plan/schedule.py).
    jit: bool = False


class Level(Struct, frozen=True):
    """How hard a profile pushes; harness/plan/levels.py tells how one is written.

    `closed`: so many connections, each sends as soon as it has its answer. `open`: `rate` arrivals/s, whatever the target
    does. `relative`: open, at `share` of what the trial's first closed level achieves. `capacity`: the search
    for the highest rate that meets the objective. `held`: closed, each request asks to be held for `hold_milliseconds`.
    """

    name: str
    kind: Literal["closed", "open", "relative", "capacity", "held"]
    connections: int
    #: Only these routes of the profile are sent.
    routes: tuple[str, ...]
    rate: float = 0.0
    share: float = 0.0
    hold_milliseconds: int = 0


class Profile(Struct, frozen=True):
    """One kind of load, or of another question: a file under loadtests/ and what its header says."""

    name: str
    title: str
    question: str
    routes: tuple[str, ...]
    connections: int
    levels: tuple[Level, ...]
    #: The presets that measure it unasked; None: all of them.
    presets: tuple[Preset, ...] | None = None
    #: `load` sends levels of load. `startup` starts the service again and again. `build` builds it. `memory-floor` sends one
    #: level again and again under other memory limits, `scale-up` on more and more cores, `scale-out` to more replicas.
    kind: Kind = "load"
    #: Its trials stop after so many blocks: what hardly varies need not be repeated as often. None: as often as the rest.
    most_blocks: int | None = None


class Timing(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a trial loads its target, and how often a target is tried."""

    blocks: int
    warmup_seconds: float
    warmup_limit_seconds: float
    measure_seconds: float
    #: The warm-up of a trial's second and later levels: the target is warm, the queues must settle.
    settle_seconds: float
    #: How often a trial of kind `startup` starts its service with a warm page cache, and as often with a cold one.
    starts: int = 2


class Placement(Struct, frozen=True):
    """CPU sets, in the kernel's list form ("0-2,5"), and which roles share cores; among these "replicas", where several
    replicas have one core.
    """

    service: str
    database: str
    generator: str
    shared: tuple[str, ...]
    reason: str
    #: The load balancer before replicas, where there is one.
    proxy: str = ""


class Trial(Struct, frozen=True):
    """One target, one profile, one repetition on freshly started containers."""

    id: str
    block: int
    target: str
    profile: str


class Plan(Struct, frozen=True):
    """All trials of a run in the order in which they are done."""

    seed: int
    preset: str
    timing: Timing
    targets: tuple[str, ...]
    profiles: tuple[Profile, ...]
    placement: Placement
    trials: tuple[Trial, ...]


def folder_of(target: str) -> str:
    """The folder under services/ that a target, its twin and its base come from, which names the image too."""
    return target.removesuffix(TWIN).removesuffix(BASE)
