"""From what is wanted to the list of trials. Pure and seeded: the same configuration gives the same plan."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import msgspec

from harness.plan.levels import seconds, timed
from harness.record.plan import BASE, Placement, Plan, Profile, Target, Timing, Trial
from loadtests.protocol import messages

# Around the windows of a trial: two containers start, golden cases are asked, two containers stop (measured: 4-6 s).
OVERHEAD_SECONDS = 6.0
# Of the other kinds (measured: 0.7 to 2.5 s a start, 20 s to two minutes a clean build, 3 to 30 s a rebuild).
START_SECONDS = 1.5
BUILD_SECONDS, REBUILD_SECONDS = 60.0, 15.0
#: The course of a startup, before its last seconds: the slowest of these compilers is done in about fifteen.
COURSE_SECONDS = 24.0
#: A probe of memory-floor: a hundred requests a second are judged by their 99th percentile.
FLOOR_WARMUP_SECONDS, FLOOR_SECONDS = 3.0, 6.0
# Measured: seven to twelve probes, of which those that fail at start take a second or two.
FLOOR_PROBES = 9
#: What compiles while it runs warms up so long at least. On one core, at the limit of database or pool, requests of Java and
#: of Kotlin came to their least CPU time after 13 to 22 s, with plateaus on the way that are longer than any window looks.
JIT_SECONDS = 20.0
# So often a trial of these kinds measures its level: of scale-up on two cores, where more cores have a few more points.
POINTS = {"scale-up": 2, "scale-out": 3}


def make_plan(
    *,
    seed: int,
    preset: str,
    timing: Timing,
    targets: tuple[str, ...],
    profiles: tuple[Profile, ...],
    placement: Placement,
) -> Plan:
    """All targets x profiles once per block, in random order within each block.

    A machine that grows warm or noisy in the course of a run then does so for all targets alike, and not for the last
    ones in the alphabet.
    """
    rng = random.Random(seed)
    trials: list[Trial] = []
    for block in range(1, timing.blocks + 1):
        cells = [
            (target, profile.name)
            for target in targets
            for profile in profiles
            if profile.most_blocks is None or block <= profile.most_blocks
        ]
        rng.shuffle(cells)
        for target, profile in cells:
            trials.append(Trial(f"{len(trials) + 1:03}-{target}-{profile}", block, target, profile))
    return Plan(seed, preset, timing, targets, profiles, placement, tuple(trials))


def make_pairs(
    *,
    seed: int,
    preset: str,
    timing: Timing,
    cells: Sequence[tuple[str, str]],
    profiles: tuple[Profile, ...],
    placement: Placement,
) -> Plan:
    """`cells` (target, profile) against their bases, in `timing.blocks` pairs each: base, head, head, base, and so on.

    A block is a pair: what drifts evenly over two pairs cancels in their mean. The order of cells is random in each block.
    """
    rng = random.Random(seed)
    trials: list[Trial] = []
    for block in range(1, timing.blocks + 1):
        shuffled = list(cells)
        rng.shuffle(shuffled)
        for target, profile in shuffled:
            for version in (target + BASE, target) if block % 2 else (target, target + BASE):
                trials.append(Trial(f"{len(trials) + 1:03}-{version}-{profile}", block, version, profile))
    targets = tuple(dict.fromkeys(version for target, _ in cells for version in (target, target + BASE)))
    return Plan(seed, preset, timing, targets, profiles, placement, tuple(trials))


def timing_of(target: Target | None, timing: Timing) -> Timing:
    """A run's timing as it is for a target: a JIT has a least warm-up, where warm-up is judged at all."""
    least, limit = timing.warmup_seconds, timing.warmup_limit_seconds
    if target is None or not target.jit or limit <= least:
        return timing
    return msgspec.structs.replace(timing, warmup_seconds=min(max(least, JIT_SECONDS), limit))


def timed_levels(profile: Profile, timing: Timing) -> tuple[messages.TimedLevel, ...]:
    """A profile's levels with their times, in the order in which a trial runs them."""
    return tuple(timed(level, timing, first=not number) for number, level in enumerate(profile.levels))


def trial_seconds(profile: Profile, timing: Timing) -> float:
    """What one trial of a profile is expected to take, when its warm-up is not prolonged."""
    if profile.kind == "build":
        # Clean in the first block alone.
        return BUILD_SECONDS / timing.blocks + REBUILD_SECONDS + OVERHEAD_SECONDS
    if profile.kind == "startup":
        course = min(timing.warmup_limit_seconds, COURSE_SECONDS) + timing.measure_seconds
        return (2 * timing.starts + 2) * START_SECONDS + course + OVERHEAD_SECONDS
    if profile.kind == "memory-floor":
        return FLOOR_PROBES * (FLOOR_WARMUP_SECONDS + FLOOR_SECONDS + OVERHEAD_SECONDS)
    return POINTS.get(profile.kind, 1) * (sum(map(seconds, timed_levels(profile, timing))) + OVERHEAD_SECONDS)


def trials_seconds(plan: Plan, targets: Mapping[str, Target]) -> dict[str, float]:
    """What each trial of a plan is expected to take, by its id."""
    profiles = {profile.name: profile for profile in plan.profiles}
    return {
        trial.id: trial_seconds(profiles[trial.profile], timing_of(targets.get(trial.target), plan.timing))
        for trial in plan.trials
    }
