"""From what is wanted to the list of trials. Pure and seeded: the same configuration gives the same plan."""

from __future__ import annotations

import random

from harness.model import Placement, Plan, Profile, Timing, Trial

# Around the windows of a trial: two containers start, golden cases are asked, two containers stop (measured: 3-5 s).
OVERHEAD_SECONDS = 4.5


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
        cells = [(target, profile.name) for target in targets for profile in profiles]
        rng.shuffle(cells)
        for target, profile in cells:
            trials.append(Trial(f"{len(trials) + 1:03}-{target}-{profile}", block, target, profile))
    return Plan(seed, preset, timing, targets, profiles, placement, tuple(trials))


def trial_seconds(timing: Timing) -> float:
    """What one trial is expected to take, when its warm-up is not prolonged."""
    return timing.warmup_seconds + timing.measure_seconds + OVERHEAD_SECONDS
