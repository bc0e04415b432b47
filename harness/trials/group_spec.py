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
from harness.trials.generator import READY_SECONDS
from loadtests.protocol.group_messages import Copy, GroupSpec, Program

ROLES: tuple[Literal["service", "database", "generator"], ...] = ("service", "database", "generator")


def group_spec(setup: Setup, trials: Sequence[Trial], copies: tuple[Copy, ...]) -> GroupSpec:
    """The load of a group: all profiles of its trials, on all its services."""
    config, plan = setup.config, setup.plan
    profiles = {profile.name: profile for profile in plan.profiles}
    return GroupSpec(
        host=LOOPBACK,
        # Each service of a group gets the same requests in the same order. Another group gets other requests.
        seed=plan.seed * 1000 + trials[0].group,
        copies=copies,
        programs=tuple(
            Program(
                name, profiles[name].connections, tuple(in_slices(level, plan.timing) for level in profiles[name].levels)
            )
            for name in dict.fromkeys(trial.profile for trial in trials)
        ),
        cpus=parse_cpu_list(plan.placement.service),
        on_cpus=tuple(role for role in ROLES if role == "service" or shares_service(plan.placement, role)),
        ready_timeout_seconds=READY_SECONDS,
        master_host=config.generator.address,
        master_port=config.generator.port,
        external_workers=config.generator.external_workers,
    )


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


def expected_connections(spec: GroupSpec) -> int:
    """How many connections to a service are opened: the users of a profile that has more than the one before it are new."""
    opened, users = 0, 0
    for program in spec.programs:
        opened += max(0, program.connections - users)
        users = program.connections
    return opened
