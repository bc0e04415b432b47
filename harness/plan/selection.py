"""Selects targets, profiles and levels, and makes the plan of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.config_file import PRESET_LEVELS, timing
from harness.plan.decoding import suggest
from harness.plan.levels import parse_levels
from harness.plan.placement import place
from harness.plan.profiles import find_profiles
from harness.plan.schedule import make_pairs, make_plan
from harness.plan.targets import find_all
from harness.plan.variants import ALL
from harness.record.config import Config
from harness.record.cpus import Cpu
from harness.record.plan import SATURATE, Plan, Profile, Target, Timing, Variant, folder_of, is_variant


def choose(wanted: tuple[str, ...], known: dict[str, Any], what: str) -> tuple[str, ...]:
    """The wanted names, or all known ones if none is given. Raises UsageError."""
    for name in wanted:
        if name not in known:
            raise UsageError(f'unknown {what} "{name}"{suggest(name, known)}')
    return tuple(dict.fromkeys(wanted)) or tuple(known)


def relevel(profiles: tuple[Profile, ...], wanted: tuple[str, ...], more: tuple[str, ...]) -> tuple[Profile, ...]:
    """Sets the levels of load profiles to `wanted`, if any are given. Raises UsageError.

    `more`: levels that are added to profiles with a `saturate` level, because they are shares or parts of it. Profiles of
    another kind are unchanged.
    """
    return tuple(
        profile
        if profile.kind != "load"
        else msgspec.structs.replace(
            profile,
            levels=parse_levels(
                (*(wanted or [level.name for level in profile.levels]), *(more if _saturates(profile) else ())),
                profile.connections,
                profile.routes,
                "levels",
            ),
        )
        for profile in profiles
    )


def _saturates(profile: Profile) -> bool:
    return any(level.name == SATURATE for level in profile.levels)


def _only(profile: Profile, route: str) -> Profile:
    levels = tuple(msgspec.structs.replace(level, routes=(route,)) for level in profile.levels if route in level.routes)
    return msgspec.structs.replace(profile, routes=(route,), levels=levels)


def narrow(profiles: tuple[Profile, ...], route: str | None) -> tuple[Profile, ...]:
    """The profiles that send a route, with that route alone. Raises UsageError.

    Without a route all profiles are returned unchanged.
    """
    if route is None:
        return profiles
    narrowed = tuple(_only(profile, route) for profile in profiles if profile.kind == "load" and route in profile.routes)
    if not narrowed:
        known = {known: None for profile in profiles for known in profile.routes}
        raise UsageError(f'no chosen profile sends "{route}"{suggest(route, known)}')
    return narrowed


def chosen_targets(config: Config) -> dict[str, Target]:
    """The targets that a configuration asks for, by name. Variants are chosen by name alone, and follow their base."""
    known = find_all(ROOT / "services")
    names = named_targets(config.run.targets, known)
    wanted = (*names, *named_variants(config.run.variants, names, known))
    families = dict.fromkeys(folder_of(name) for name in wanted)
    # The base stands before its variants, which have the order in which they were asked for.
    ordered = sorted(dict.fromkeys(wanted), key=lambda name: (list(families).index(folder_of(name)), is_variant(name)))
    return {name: known[name] for name in ordered}


def named_targets(wanted: tuple[str, ...], known: dict[str, Target]) -> tuple[str, ...]:
    """The wanted targets; `all`, or none: each folder's own, without variants. Raises UsageError."""
    bases = tuple(name for name in known if not is_variant(name))
    chosen = choose(wanted, {**known, ALL: None}, "target") if wanted else (ALL,)
    return tuple(dict.fromkeys(each for name in chosen for each in (bases if name == ALL else (name,))))


def named_variants(wanted: tuple[str, ...], targets: Collection[str], known: Mapping[str, Target]) -> tuple[str, ...]:
    """The wanted variants of some targets; `all`: each that they have. Raises UsageError."""
    every = {name: target.variant for name, target in known.items() if target.variant}
    names = {variant.name for variant in every.values()}
    found: list[str] = []
    for name in wanted:
        if name != ALL and name not in names:
            raise UsageError(f'unknown variant "{name}"{suggest(name, names) if names else ": no target has one"}')
        mine = [each for each, variant in every.items() if variant.base in targets and name in (ALL, variant.name)]
        if not mine:
            raise UsageError(_without(name, targets, every.values()))
        found += mine
    return tuple(found)


def _without(name: str, targets: Collection[str], every: Collection[Variant]) -> str:
    """The sentence for targets that have no variant of a name."""
    having = ", ".join(dict.fromkeys(variant.base for variant in every if name in (ALL, variant.name)))
    if name == ALL:
        return f"{', '.join(targets)} has no variant: {having or 'no target'} have some"
    return f"none of {', '.join(targets)} has a variant {name}: {having} have it"


def chosen_profiles(config: Config, route: str | None) -> tuple[Profile, ...]:
    """The profiles that a configuration asks for, with their levels."""
    profiles: dict[str, Profile] = find_profiles(ROOT / "loadtests")
    unasked = tuple(n for n, profile in profiles.items() if profile.presets is None or config.run.preset in profile.presets)
    wanted = choose(config.run.profiles or unasked, profiles, "profile")
    # Levels from the user replace all others. A preset adds levels only to the profiles' own.
    more = () if config.run.levels else PRESET_LEVELS[config.run.preset]
    return narrow(relevel(tuple(profiles[name] for name in wanted), config.run.levels, more), route)


def planned(config: Config, route: str | None, targets: Mapping[str, Target], cpus: tuple[Cpu, ...]) -> Plan:
    """The plan of all chosen targets and profiles, on the CPUs of a machine. Raises UsageError."""
    plan = make_plan(
        seed=config.run.seed,
        preset=config.run.preset,
        timing=timing(config),
        targets=tuple(targets),
        profiles=chosen_profiles(config, route),
        placement=place(cpus, config.run.service_cores),
    )
    if not plan.trials:
        raise UsageError("profile build measures no variant: the line that it edits is the base's, so choose the base")
    return plan


def paired_plan(
    config: Config,
    timing: Timing,
    pairs: int,
    cells: Sequence[tuple[str, str]],
    profiles: tuple[Profile, ...],
    cpus: tuple[Cpu, ...],
    *,
    twins: bool,
) -> Plan:
    """The plan of base against head, with the twin of the base if asked. `cells`: pairs of target and profile."""
    return make_pairs(
        seed=config.run.seed,
        preset=config.run.preset,
        timing=msgspec.structs.replace(timing, blocks=pairs),
        cells=cells,
        profiles=profiles,
        placement=place(cpus, config.run.service_cores),
        twins=twins,
    )


def only(profiles: Iterable[Profile], wanted: Collection[tuple[str, str]]) -> tuple[Profile, ...]:
    """The profiles with only the wanted levels. `wanted`: pairs of profile and level."""
    kept = []
    for profile in profiles:
        levels = tuple(level for level in profile.levels if (profile.name, level.name) in wanted)
        # A metric of the whole trial, such as start time, needs some level: the first.
        if levels or (profile.name, "") in wanted:
            kept.append(msgspec.structs.replace(profile, levels=levels or profile.levels[:1]))
    return tuple(kept)
