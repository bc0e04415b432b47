"""Selects targets, profiles and levels, and makes the plan of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

import msgspec

from harness.errors import UsageError
from harness.files import CHECKOUT, ROOT
from harness.plan.config_file import PRESET_LEVELS, timing
from harness.plan.decoding import suggest
from harness.plan.external import check_allowed, check_consent, check_fuse, find_external
from harness.plan.levels import parse_levels
from harness.plan.own import find_own
from harness.plan.own_profiles import OwnProfile, check_sliced, find_own_profiles
from harness.plan.placement import place
from harness.plan.profiles import find_profiles
from harness.plan.schedule import cells_of, make_pairs, make_plan
from harness.plan.targets import find_all
from harness.plan.variants import ALL
from harness.record.config import Config
from harness.record.cpus import Cpu
from harness.record.plan import SATURATE, Plan, Profile, Target, TargetClass, Timing, Variant, folder_of, is_variant

#: What no own service can be called: these are other images, or mean every target.
RESERVED = (ALL, "load", "load-comparison", "load-own", "database", "proxy")


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
        profile if profile.kind != "load" else _releveled(profile, wanted, more if _saturates(profile) else ())
        for profile in profiles
    )


def _releveled(profile: Profile, wanted: tuple[str, ...], more: tuple[str, ...]) -> Profile:
    if not wanted and not more:
        return profile
    # Its own levels are not parsed again: those of single routes have the routes' names.
    own = () if wanted else profile.levels
    added = parse_levels((*wanted, *more), profile.connections, profile.routes, "levels")
    levels = {level.name: level for level in (*own, *added)}.values()
    return msgspec.structs.replace(profile, levels=tuple(sorted(levels, key=lambda level: level.name != SATURATE)))


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


def known_targets(config: Config) -> dict[str, Target]:
    """All targets by name, each followed by its variants: fitmap's, and a team's own services."""
    known = find_all(ROOT / "services") if CHECKOUT else {}
    known |= find_own(config.run.services or (), (*known, *RESERVED))
    return known | find_external(config, (*known, *RESERVED))


def chosen_targets(config: Config) -> dict[str, Target]:
    """The targets that a configuration asks for, by name. Variants are chosen by name alone, and follow their base."""
    known = known_targets(config)
    # Whoever brings services of their own means these, unless others are named.
    own = tuple(name for name, target in known.items() if target.own and not target.variant)
    names = named_targets(config.run.targets or own, known, config.run.classes)
    wanted = (*names, *named_variants(config.run.variants, names, known))
    families = dict.fromkeys(folder_of(name) for name in wanted)
    # The base stands before its variants, which have the order in which they were asked for.
    ordered = sorted(dict.fromkeys(wanted), key=lambda name: (list(families).index(folder_of(name)), is_variant(name)))
    chosen = {name: known[name] for name in ordered}
    check_allowed(chosen)
    check_consent(chosen, config)
    return chosen


def named_targets(wanted: tuple[str, ...], known: Mapping[str, Target], classes: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The wanted targets, only those of `classes` if there are any. Raises UsageError.

    `all`: each folder's own, without variants. None wanted: the default targets, or all of the classes.
    """
    # A service that fitmap did not start gets no load unless it is named.
    bases = tuple(name for name, target in known.items() if not is_variant(name) and not target.external)
    if wanted:
        chosen = choose(wanted, {**known, ALL: None}, "target")
        named = tuple(dict.fromkeys(each for name in chosen for each in (bases if name == ALL else (name,))))
    else:
        named = bases if classes else tuple(name for name in bases if known[name].default)
    if not named:
        raise UsageError(f"no target is a default: name some of {', '.join(bases)}, or {ALL}")
    return _of_classes(named, known, classes) if classes else named


def _of_classes(named: tuple[str, ...], known: Mapping[str, Target], classes: tuple[str, ...]) -> tuple[str, ...]:
    """The named targets that are of some classes. Raises UsageError."""
    wanted = choose(classes, dict.fromkeys(get_args(TargetClass)), "class")
    found = tuple(name for name in named if known[name].target_class in wanted)
    if not found:
        variants = [name for name, target in known.items() if target.variant and target.target_class in wanted]
        there = f"; variants are ({', '.join(variants)}): --variants NAME takes them" if variants else ""
        raise UsageError(f"none of {', '.join(named)} is of class {' or '.join(wanted)}{there}")
    return found


def unasked(config: Config) -> tuple[str, ...]:
    """The targets that a configuration leaves out because it names none: those that are no default."""
    if config.run.targets or config.run.classes or config.run.services or not CHECKOUT:
        return ()
    known = find_all(ROOT / "services")
    return tuple(name for name, target in known.items() if not target.default and not is_variant(name))


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


def own_profiles(targets: Mapping[str, Target]) -> dict[str, OwnProfile]:
    """The profiles that a team's own services list, by name. Raises UsageError."""
    return find_own_profiles(targets, find_profiles(ROOT / "loadtests"))


def planned_profiles(plan: Plan, targets: Mapping[str, Target]) -> dict[str, OwnProfile]:
    """The own profiles of a plan, by name. Raises UsageError."""
    names = {profile.name for profile in plan.profiles if profile.content}
    return {name: found for name, found in own_profiles(targets).items() if name in names} if names else {}


def chosen_profiles(config: Config, route: str | None, targets: Mapping[str, Target] = {}) -> tuple[Profile, ...]:
    """The profiles that a configuration asks for, with their levels: of fitmap's and of its own services' those that have a
    target.
    """
    profiles: dict[str, Profile] = {
        **(find_profiles(ROOT / "loadtests") if not targets or any(not t.of_team for t in targets.values()) else {}),
        **{name: found.profile for name, found in own_profiles(targets).items()},
    }
    unasked = tuple(n for n, profile in profiles.items() if profile.presets is None or config.run.preset in profile.presets)
    wanted = choose(config.run.profiles or unasked, profiles, "profile")
    # Levels from the user replace all others. A preset adds levels only to the profiles' own.
    more = () if config.run.levels else PRESET_LEVELS[config.run.preset]
    chosen = narrow(relevel(tuple(profiles[name] for name in wanted), config.run.levels, more), route)
    for profile in chosen:
        if profile.content:
            check_sliced(profile, f"levels of {profile.name}")
    check_fuse(targets, chosen)
    return chosen


def planned(config: Config, route: str | None, targets: Mapping[str, Target], cpus: tuple[Cpu, ...]) -> Plan:
    """The plan of all chosen targets and profiles, on the CPUs of a machine. Raises UsageError."""
    profiles = chosen_profiles(config, route, targets)
    plan = make_plan(
        seed=config.run.seed,
        preset=config.run.preset,
        timing=_timing(config, targets),
        targets=tuple(targets),
        profiles=profiles,
        placement=place(cpus, config.run.service_cores),
        cells=cells_of(targets, profiles),
    )
    if not plan.trials:
        raise UsageError("profile build measures no variant: the line that it edits is the base's, so choose the base")
    return plan


def _timing(config: Config, targets: Mapping[str, Target]) -> Timing:
    """The times of a run. One process can't be alive several times."""
    found = timing(config)
    return msgspec.structs.replace(found, together=1) if any(target.external for target in targets.values()) else found


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
