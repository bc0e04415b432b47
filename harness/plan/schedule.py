"""The order and duration of trials. The same configuration gives the same plan."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product

import msgspec

from harness.plan.levels import in_slices, seconds, sliced_seconds, timed
from harness.record.plan import (
    BASE,
    TWIN,
    Placement,
    Plan,
    Profile,
    Target,
    Timing,
    Trial,
    folder_of,
    groups,
    is_variant,
    sliced,
)
from loadtests.protocol import messages

# Time outside the windows of a trial: two containers start, golden cases run, two containers stop (measured: 4-6 s).
OVERHEAD_SECONDS = 6.0
# Times of the other kinds (measured: 0.7-2.5 s per start, 20 s to 2 min per clean build, 3-30 s per rebuild).
START_SECONDS = 1.5
BUILD_SECONDS, REBUILD_SECONDS = 60.0, 15.0
#: Load after a start, before the last seconds: the slowest of these JIT compilers finishes in about 15 s.
COURSE_SECONDS = 24.0
#: A probe of memory-floor: 100 requests/s are evaluated by their 99th percentile.
FLOOR_WARMUP_SECONDS, FLOOR_SECONDS = 3.0, 6.0
# Measured: 7-12 probes. Those that fail at start take one or two seconds.
FLOOR_PROBES = 9
#: Minimum warm-up of JIT targets. On one core, limited by database or pool, requests of Java and Kotlin reached their lowest
#: CPU time after 13-22 s. On the way there are plateaus that are longer than the windows in which a trend is looked for.
JIT_SECONDS = 20.0
#: Turns of one second in a group's warm-up, before each profile. JIT targets have all CPUs of the trial then, and reach
#: their highest throughput after seven to ten turns. Rounds in which one still gets faster are warm-up too.
TURNS, JIT_TURNS = 2, 10
TURN_SECONDS = 1.06
#: To start and stop a service with its database.
SERVICE_SECONDS = 2.5
# How often a trial of these kinds measures its level. scale-up: on two cores; with more cores there are a few more points.
POINTS = {"scale-up": 2, "scale-out": 3}


def make_plan(
    *,
    seed: int,
    preset: str,
    timing: Timing,
    targets: tuple[str, ...],
    profiles: tuple[Profile, ...],
    placement: Placement,
    cells: Collection[tuple[str, str]] | None = None,
) -> Plan:
    """All targets with all profiles once per block; or only these pairs of target and profile (`cells`).

    Profiles that are measured in slices come first in each block, with the services of `timing.together` blocks alive at
    once. The other trials follow in random order: a machine that gets warm or noisy affects all targets alike. A variant's
    trial stands next to its base's.
    """
    rng = random.Random(seed)
    together = max(timing.together, 1)
    trials: list[Trial] = []

    def wanted(target: str, profile: Profile) -> bool:
        return takes_part(target, profile) if cells is None else (target, profile.name) in cells

    def add(block: int, target: str, profile: str, group: int) -> None:
        trials.append(Trial(f"{len(trials) + 1:03}-{target}-{profile}", block, target, profile, group))

    grouped = tuple(profile for profile in profiles if sliced(profile))
    families = _families(target for target in targets if not target.endswith(TWIN))
    for group, first in enumerate(range(1, timing.blocks + 1, together), 1):
        blocks = range(first, min(first + together, timing.blocks + 1))
        for profile, block, target in product(grouped, blocks, targets):
            # One twin in a group is enough for the A/A test.
            if not wanted(target, profile) or (target.endswith(TWIN) and block != first):
                continue
            if profile.most_blocks is None or block <= profile.most_blocks:
                add(block, target, profile.name, group)
        # What is not measured in slices alternates target by target, once for each group.
        alone = [
            ([target for target in family if wanted(target, profile)], profile.name)
            for profile in profiles
            if profile not in grouped and (profile.most_blocks is None or group <= profile.most_blocks)
            for family in families
        ]
        rng.shuffle(alone)
        for family, profile_name in alone:
            # A family of one draws nothing: without variants a seed gives the plan that it always gave.
            for target in rng.sample(family, len(family)) if len(family) > 1 else family:
                add(group, target, profile_name, 0)
    return Plan(seed, preset, timing, targets, profiles, placement, tuple(trials))


def _families(targets: Iterable[str]) -> tuple[list[str], ...]:
    """Each target with its variants."""
    found: dict[str, list[str]] = {}
    for target in targets:
        found.setdefault(folder_of(target), []).append(target)
    return tuple(found.values())


def takes_part(target: str, profile: Profile) -> bool:
    """Whether a target is measured with a profile. Variants are not in `build`: the line that it edits is their base's."""
    return profile.kind != "build" or not is_variant(target)


def cells_of(targets: Mapping[str, Target], profiles: Iterable[Profile]) -> tuple[tuple[str, str], ...]:
    """The pairs of target and profile that are measured. A team's own service has the profiles that its manifest lists."""
    return tuple(
        (name, profile.name)
        for name, target in targets.items()
        for profile in profiles
        if (profile.name in target.team_profiles if target.of_team else not profile.content) and takes_part(name, profile)
    )


def further_group(plan: Plan) -> Plan:
    """The plan with another group after its last: so many blocks as are alive at once, of what is measured in slices."""
    blocks, together = plan.timing.blocks, max(plan.timing.together, 1)
    more = make_plan(
        seed=plan.seed,
        preset=plan.preset,
        timing=msgspec.structs.replace(plan.timing, blocks=together),
        targets=plan.targets,
        profiles=tuple(profile for profile in plan.profiles if sliced(profile)),
        placement=plan.placement,
        cells={(trial.target, trial.profile) for trial in plan.trials},
    )
    group = max((trial.group for trial in plan.trials), default=0) + 1
    trials = tuple(
        Trial(f"{len(plan.trials) + at:03}-{t.target}-{t.profile}", blocks + t.block, t.target, t.profile, group)
        for at, t in enumerate(more.trials, 1)
    )
    timing = msgspec.structs.replace(plan.timing, blocks=blocks + together)
    return msgspec.structs.replace(plan, timing=timing, trials=(*plan.trials, *trials))


def make_pairs(
    *,
    seed: int,
    preset: str,
    timing: Timing,
    cells: Sequence[tuple[str, str]],
    profiles: tuple[Profile, ...],
    placement: Placement,
    twins: bool,
) -> Plan:
    """Base and head of each cell (target, profile) in each block; with `twins` also the twin of the base, an A/A test."""
    versions = (BASE, "", BASE + TWIN) if twins else (BASE, "")
    targets = tuple(target + version for target in dict.fromkeys(target for target, _ in cells) for version in versions)
    empty = Plan(seed, preset, msgspec.structs.replace(timing, blocks=0), targets, profiles, placement, ())
    return further_pairs(empty, cells, timing.blocks)


def further_pairs(plan: Plan, cells: Sequence[tuple[str, str]], blocks: int) -> Plan:
    """The plan with so many blocks more of some cells. The order of the cells is random in each block.

    The versions of a cell form a group, where they are measured in slices, and start in random order. Otherwise one follows
    the other, and their order alternates: base, head, twin, twin, head, base, and so on. Even drift over two blocks cancels
    in their mean.
    """
    kinds = {profile.name: sliced(profile) for profile in plan.profiles}
    trials = list(plan.trials)
    group = max((trial.group for trial in trials), default=0)
    for block in range(plan.timing.blocks + 1, plan.timing.blocks + blocks + 1):
        # Each block has an order of its own, whether it is planned at once or later.
        rng = random.Random(f"{plan.seed} {block}")
        for target, profile in rng.sample(cells, len(cells)):
            versions = [each for each in (target + BASE, target, target + BASE + TWIN) if each in plan.targets]
            group += kinds[profile]
            ordered = rng.sample(versions, len(versions)) if kinds[profile] else versions[:: 1 if block % 2 else -1]
            for version in ordered:
                number = f"{len(trials) + 1:03}-{version}-{profile}"
                trials.append(Trial(number, block, version, profile, group if kinds[profile] else 0))
    timing = msgspec.structs.replace(plan.timing, blocks=plan.timing.blocks + blocks)
    return msgspec.structs.replace(plan, timing=timing, trials=tuple(trials))


def timing_of(target: Target | None, timing: Timing) -> Timing:
    """The timing for a target: JIT has a minimum warm-up, if warm-up can be prolonged."""
    least, limit = timing.warmup_seconds, timing.warmup_limit_seconds
    if target is None or not target.jit or limit <= least:
        return timing
    return msgspec.structs.replace(timing, warmup_seconds=min(max(least, JIT_SECONDS), limit))


def timed_levels(profile: Profile, timing: Timing) -> tuple[messages.TimedLevel, ...]:
    """The levels of a profile with their times, in the order of a trial."""
    return tuple(timed(level, timing, first=not number) for number, level in enumerate(profile.levels))


def trial_seconds(profile: Profile, timing: Timing) -> float:
    """The expected duration of a trial, if its warm-up is not prolonged."""
    if profile.kind == "build":
        # A clean build is made in the first block only.
        return BUILD_SECONDS / timing.blocks + REBUILD_SECONDS + OVERHEAD_SECONDS
    if profile.kind == "startup":
        course = min(timing.warmup_limit_seconds, COURSE_SECONDS) + timing.measure_seconds
        return (2 * timing.starts + 2) * START_SECONDS + course + OVERHEAD_SECONDS
    if profile.kind == "memory-floor":
        return FLOOR_PROBES * (FLOOR_WARMUP_SECONDS + FLOOR_SECONDS + OVERHEAD_SECONDS)
    return POINTS.get(profile.kind, 1) * (sum(map(seconds, timed_levels(profile, timing))) + OVERHEAD_SECONDS)


def warmup_turns(target: Target | None, timing: Timing) -> int:
    """The least number of warm-up turns, of one second each, that a service gets in a group."""
    least = JIT_TURNS if target is not None and target.jit else TURNS
    return max(1, min(least, round(timing.warmup_limit_seconds)))


def group_seconds(trials: Sequence[Trial], plan: Plan, targets: Mapping[str, Target]) -> float:
    """The expected duration of a group, if no round is dropped and no warm-up prolonged."""
    services = {(trial.target, trial.block) for trial in trials}
    each = [warmup_turns(targets.get(target), plan.timing) for target, _ in services]
    seconds = len(services) * SERVICE_SECONDS
    programs = [profile for profile in plan.profiles if any(trial.profile == profile.name for trial in trials)]
    for profile in programs:
        levels = [in_slices(level, plan.timing) for level in profile.levels]
        seconds += sum(each) * TURN_SECONDS + sum(sliced_seconds(level, len(services)) for level in levels)
    return seconds


def trials_seconds(plan: Plan, targets: Mapping[str, Target]) -> dict[str, float]:
    """The expected duration of each trial of a plan, by its id. The trials of a group share the group's."""
    profiles = {profile.name: profile for profile in plan.profiles}
    found: dict[str, float] = {}
    for trials in groups(plan.trials):
        if trials[0].group:
            found |= dict.fromkeys((trial.id for trial in trials), group_seconds(trials, plan, targets) / len(trials))
        else:
            (trial,) = trials
            found[trial.id] = trial_seconds(profiles[trial.profile], timing_of(targets.get(trial.target), plan.timing))
    return found
