"""The types of a plan: target, profile, level, trial. docs/glossary.md has the terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from harness.record.external import External
from harness.record.own import Own
from harness.wording import counted

TWIN = "-twin"
BASE = "-base"
#: Stands between the folder and the name of a variant: `java.jdk21`.
DOT = "."

SATURATE = "saturate"
CAPACITY = "capacity"

#: harness/plan/config_file.py has their timing.
Preset = Literal["smoke", "quick", "gate", "full"]
#: What a target may do to be fast. services/contract/README.md has the rules.
TargetClass = Literal["standard", "tuned"]
#: What a trial does; harness/trials/dispatch.py has the module of each kind.
Kind = Literal["load", "startup", "build", "memory-floor", "scale-up", "scale-out"]


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """One setting of a target's runtime, pool or framework, with its reason."""

    name: str
    value: str
    why: str


class Deviation(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a target departs from the contract, and why."""

    what: str
    why: str


class Edit(Struct, frozen=True, forbid_unknown_fields=True):
    """A one-line change that the running service shows.

    `old` occurs once in `file`. `new` contains {mark}, a word that differs at each build. GET /meta answers it.
    """

    file: str
    old: str
    new: str


class Development(Struct, frozen=True, forbid_unknown_fields=True):
    """The loop in which a target's developers work: a command that compiles what changed and starts the service.

    It runs in a container of a stage of the target's Dockerfile, which has the tools and the dependencies.
    """

    stage: str
    #: The sources' folder in the stage's image.
    folder: str
    #: For a shell, in the folder. The shell's process becomes the service (exec).
    command: str
    #: Variables of the command, beyond the image's and the contract's.
    environment: Mapping[str, str] = {}


class Sizing(Struct, frozen=True, forbid_unknown_fields=True):
    """An environment variable that tells a runtime its memory limit.

    Only for runtimes that do not read it from their container. `form` contains {mib}; `share` of the limit: 0 to 1.
    """

    name: str
    share: float
    form: str
    why: str


class Variant(Struct, frozen=True):
    """What a variant changes of the target in the same folder, its base."""

    name: str
    base: str
    question: str
    #: Argument of a base image -> its version.
    bases: Mapping[str, str] = {}
    #: Build arguments of its Dockerfile.
    arguments: Mapping[str, str] = {}
    #: Of the service's container.
    environment: Mapping[str, str] = {}
    #: The folder, within the base's, whose files are laid over a copy of that.
    overlay: str = ""
    files: tuple[str, ...] = ()
    #: Lines of text that the overlay adds to the folder, and that it removes.
    lines_added: int = 0
    lines_removed: int = 0
    #: Key of GET /meta -> how its value must begin.
    proves: Mapping[str, str] = {}
    #: Where it departs from its base's class.
    deviations: tuple[Setting, ...] = ()

    @property
    def changed_lines(self) -> str:
        """What the overlay changes, in words."""
        return f"+{self.lines_added} -{self.lines_removed} lines in {counted(len(self.files), 'file')}"


class Target(Struct, frozen=True):
    """One service: a folder under services/ with its manifest, a variant of it, or a team's own service.

    A team's own one is started by fitmap (`own`), or runs elsewhere (`external`).
    """

    name: str
    language: str
    #: `own`: a team's own service.
    target_class: TargetClass | Literal["own"]
    framework: str
    driver: str
    sources: tuple[str, ...]
    lock_file: str
    settings: tuple[Setting, ...]
    deviations: tuple[Deviation, ...]
    #: None in older records.
    edit: Edit | None = None
    #: None in older records, and without a loop.
    development: Development | None = None
    #: The image's folder with one jar per dependency, if the build system writes no lock file.
    jars: str = ""
    #: Set in profile memory-floor, which varies the memory limit.
    memory: tuple[Sizing, ...] = ()
    #: Code is compiled while it runs. Warm-up then has stages that look steady (harness/plan/schedule.py).
    jit: bool = False
    #: How its code runs. None in older records.
    kind: Literal["compiled", "managed", "interpreted"] | None = None
    #: None: it is what its folder has.
    variant: Variant | None = None
    #: It stands for its language in its class, where another target has the same language and class.
    represents: bool = False
    #: It is measured where no target is named.
    default: bool = True
    #: A team's own service. Unset: one of fitmap's, and then the record does not have the key.
    own: Own | UnsetType = UNSET
    #: A service that fitmap did not start. Unset as `own`.
    external: External | UnsetType = UNSET

    @property
    def of_team(self) -> bool:
        """Whether it is a team's own service, and none of fitmap's."""
        return bool(self.own or self.external)

    @property
    def team_folder(self) -> str:
        """The folder beside or above which its profiles lie. Empty: it is one of fitmap's."""
        return self.own.folder if self.own else self.external.folder if self.external else ""

    @property
    def team_profiles(self) -> tuple[str, ...]:
        """The profiles that a team's own service lists."""
        return self.own.profiles if self.own else self.external.profiles if self.external else ()

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of its container beyond the contract's."""
        return self.variant.environment if self.variant else {}


class Level(Struct, frozen=True):
    """How hard a profile pushes. harness/plan/levels.py has the notation.

    `closed`: `connections` send as soon as they have their answer. `open`: `rate` arrivals/s, whatever the target does.
    `relative`: open, at `share` of the throughput of the trial's first closed level. `capacity`: the search
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
    """One question, and the load or other work that answers it: a file under loadtests/."""

    name: str
    title: str
    question: str
    routes: tuple[str, ...]
    connections: int
    levels: tuple[Level, ...]
    #: The presets that measure it by default; None: all of them.
    presets: tuple[Preset, ...] | None = None
    #: `load` sends levels of load. `startup` starts the service again and again. `build` builds it. `memory-floor` sends one
    #: level again and again under other memory limits, `scale-up` on more and more cores, `scale-out` to more replicas.
    kind: Kind = "load"
    #: The maximum number of blocks, for values that hardly vary. None: all blocks of the run.
    most_blocks: int | None = None
    #: A hash of the files of a team's own profile. Unset: one of fitmap's, and then the record does not have the key.
    content: str | UnsetType = UNSET


class Timing(Struct, frozen=True, forbid_unknown_fields=True):
    """The durations of a trial, and the number of blocks."""

    blocks: int
    warmup_seconds: float
    warmup_limit_seconds: float
    measure_seconds: float
    #: The ramp before the second and later levels of a trial: the target is warm, but queues must settle.
    settle_seconds: float
    #: Number of warm starts in a trial of kind `startup`; it has as many cold ones.
    starts: int = 2
    #: How many blocks are alive at once: so many services of each target. 0: methods before 7, one trial after the other.
    together: int = 0
    #: How many slices each start has at a saturated level. A level at a rate has a tenth of them, which are longer.
    rounds: int = 0


class Placement(Struct, frozen=True):
    """The CPUs of each role in the kernel's list form ("0-2,5").

    `shared`: the roles that share cores. "replicas" is among them if several replicas share one core.
    """

    service: str
    database: str
    generator: str
    shared: tuple[str, ...]
    reason: str
    #: The CPUs of the load balancer; empty if there is none.
    proxy: str = ""


class Trial(Struct, frozen=True):
    """One target, one profile, one repetition on freshly started containers.

    `group`: trials with the same number are alive at the same time, and the load goes round among them. 0: measured alone.
    """

    id: str
    block: int
    target: str
    profile: str
    group: int = 0


#: The kinds of level that are measured in slices.
SLICED = ("closed", "open", "relative")


def sliced(profile: Profile) -> bool:
    """Whether a profile's levels are measured in slices, with the services of a group alive at once."""
    return profile.kind == "load" and all(level.kind in SLICED for level in profile.levels)


class Plan(Struct, frozen=True):
    """All trials of a run in their order, with what they have in common."""

    seed: int
    preset: str
    timing: Timing
    targets: tuple[str, ...]
    profiles: tuple[Profile, ...]
    placement: Placement
    trials: tuple[Trial, ...]


def groups(trials: Sequence[Trial]) -> tuple[tuple[Trial, ...], ...]:
    """The trials in their order: those of one group together, each other one alone."""
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(f"group {trial.group}" if trial.group else trial.id, []).append(trial)
    return tuple(tuple(each) for each in found.values())


def image_of(target: str) -> str:
    """The name of the image of a target, its base version, or the twin of one of them."""
    return target.removesuffix(TWIN).removesuffix(BASE)


def folder_of(target: str) -> str:
    """The folder under services/ of a target, a variant, or another version of one. GET /meta answers this name."""
    return image_of(target).partition(DOT)[0]


def is_variant(target: str) -> bool:
    """Whether it is a variant of the target that its folder has, or another version of one."""
    return DOT in target


def is_base(target: str) -> bool:
    """Whether it is an older version of a target, or the twin of one."""
    return target.removesuffix(TWIN).endswith(BASE)
