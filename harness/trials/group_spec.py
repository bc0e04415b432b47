"""The load generator's instructions for a group, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from harness.containers.spec import LOOPBACK
from harness.evaluation.load import shares_service
from harness.plan.levels import in_slices
from harness.record.cpus import parse_cpu_list
from harness.record.plan import TWIN, Trial, folder_of, is_base
from harness.trials.context import Setup
from loadtests.protocol.group_messages import Copy, GroupSpec, Program
from loadtests.protocol.rounds import MOST_TIMES
from loadtests.protocol.stated import MOST_IN_PASS

#: The passes of a slice, and the one that is under way when its time is over.
PASSES = 4
#: A part ends then, wherever it is in a pass.
MOST_PART_SECONDS = 25.0
ROLES: tuple[Literal["service", "database", "generator"], ...] = ("service", "database", "generator")


def group_spec(setup: Setup, trials: Sequence[Trial], copies: tuple[Copy, ...]) -> GroupSpec:
    """The load of a group: each profile of its trials, on the services that have it."""
    config, plan = setup.config, setup.plan
    profiles = {profile.name: profile for profile in plan.profiles}
    services = list(dict.fromkeys((trial.target, trial.block) for trial in trials))
    return GroupSpec(
        host=LOOPBACK,
        # Each service of a group gets the same requests in the same order. Another group gets other requests.
        seed=plan.seed * 1000 + trials[0].group,
        copies=copies,
        programs=tuple(
            Program(
                name,
                profiles[name].connections,
                tuple(in_slices(level, plan.timing) for level in profiles[name].levels),
                tuple(
                    dict.fromkeys(services.index((trial.target, trial.block)) for trial in trials if trial.profile == name)
                ),
            )
            for name in dict.fromkeys(trial.profile for trial in trials)
        ),
        cpus=parse_cpu_list(plan.placement.service),
        on_cpus=tuple(role for role in ROLES if role == "service" or shares_service(plan.placement, role)),
        master_host=config.generator.address,
        master_port=config.generator.port,
        external_workers=config.generator.external_workers,
    )


def fused_seconds(spec: GroupSpec) -> float:
    """How much longer a group may take because of fuses: a closed loop sends whole passes, however slow it may send them."""
    found = 0.0
    for program in spec.programs:
        for copy in (spec.copies[number] for number in program.copies):
            if copy.outside and copy.outside.most_per_second:
                longest = PASSES * MOST_IN_PASS / copy.outside.most_per_second
                parts = sum(2 * level.rounds * MOST_TIMES for level in program.levels if level.kind == "closed")
                # The warm-up is at the first level.
                parts += copy.warmup_turns if program.levels[0].kind == "closed" else 0
                found += parts * min(longest, MOST_PART_SECONDS)
    return found


def families(services: Sequence[tuple[str, int]]) -> tuple[int, ...]:
    """The family of each service of a group (target and block): a target and its variants of the same block have one."""
    firsts: dict[tuple[str, int], int] = {}
    # Twins and base versions stand for themselves: a twin shows how far equal targets differ that are no neighbours.
    keys = ((t if t.endswith(TWIN) or is_base(t) else folder_of(t), block) for t, block in services)
    return tuple(firsts.setdefault(key, index) for index, key in enumerate(keys))


def wanted_rounds(spec: GroupSpec, profile: str, level: str) -> int:
    """How many rounds a level of a profile should have."""
    return next(
        each.rounds
        for program in spec.programs
        if program.profile == profile
        for each in program.levels
        if each.name == level
    )


def expected_connections(spec: GroupSpec, copy: int) -> int:
    """How many connections to a service are opened: the users of a profile that has more than the one before it are new."""
    opened, connected = 0, 0
    for program in spec.programs:
        # Users beyond those of a profile end, and their connections with them.
        connected = min(connected, program.connections)
        if copy in program.copies:
            opened += max(0, program.connections - connected)
            connected = program.connections
    return opened
