"""The commands plan, build, clean and list."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from harness.cli.settings import configure
from harness.cli.terminal import Terminal
from harness.containers.builder import choose_set
from harness.containers.engine import Silent, connect, reach
from harness.containers.lifecycle import clean
from harness.errors import EngineError, UsageError
from harness.files import ROOT
from harness.host import machine
from harness.plan.config_file import PRESET_LEVELS, PRESETS
from harness.plan.profiles import find_profiles
from harness.plan.schedule import trials_seconds
from harness.plan.selection import (
    choose,
    chosen_targets,
    known_targets,
    named_targets,
    named_variants,
    own_profiles,
    planned,
    unasked,
)
from harness.plan.sources import count_sources
from harness.plan.targets import with_default_twin
from harness.plan.variants import ALL
from harness.record.measurement import Missing
from harness.record.plan import Profile, Target
from harness.record.reader import find_records, read_record
from harness.run.proof import check_differ
from harness.run.setup import made_images
from harness.wording import counted, minutes


def plan_only(options: argparse.Namespace, _terminal: Terminal) -> int:
    """Prints the trials that bench would run."""
    config = configure(options)
    targets = with_default_twin(chosen_targets(config), config.run.preset, every=options.twins)
    plan = planned(config, options.route, targets, machine.topology())
    count_sources(targets)
    if others := unasked(config):
        print(others_words(others))
    print(
        f"preset {plan.preset}, seed {plan.seed}: {counted(len(plan.trials), 'trial')}, "
        f"{minutes(sum(trials_seconds(plan, targets).values()))} in all, without images and calibration"
    )
    print(
        f"CPUs: service {plan.placement.service}, database {plan.placement.database}, "
        f"generator {plan.placement.generator} ({plan.placement.reason})"
    )
    for profile in plan.profiles:
        levels = ", ".join(level.name for level in profile.levels)
        load = (
            f" {counted(profile.connections, 'connection')}; levels {levels}"
            if profile.kind == "load"
            else f" (kind {profile.kind})"
        )
        print(f"profile {profile.name}: {profile.question}{load}")
    for trial in plan.trials:
        print(f"  block {trial.block}  {trial.id}")
    return 0


def build(options: argparse.Namespace, terminal: Terminal) -> int:
    """Builds images without measuring."""
    config = configure(options)
    extra = ("database", "load", "proxy", "load-comparison")
    known = known_targets(config)
    named = choose(tuple(options.names), {**known, **dict.fromkeys((*extra, ALL))}, "target") if options.names else ()
    others = tuple(name for name in named if name in extra)
    own = tuple(name for name in named if name not in extra)
    targets = named_targets(own, known, config.run.classes) if own or not named else ()
    wanted = (*targets, *named_variants(config.run.variants, targets, known))
    client = connect(config.engine.install, terminal.say)
    # Without names, and for all targets: all images that a full run of them needs.
    helpers = ("database", "load", *(("proxy",) if not named or ALL in named else ()), *others)
    chosen = {name: known[name] for name in wanted if name in known}
    image_set = choose_set(config.engine.image_set, terminal.say)
    images = made_images(client, tuple(dict.fromkeys(helpers)), chosen, image_set, terminal)
    names = tuple(images)
    check_differ(chosen, images)
    for name in names:
        print(f"{name}  {images[name].size_bytes / 1e6:.1f} MB  {images[name].id}")
    return 0


def clean_up(options: argparse.Namespace, terminal: Terminal) -> int:
    """Removes the containers and images of killed runs."""
    found = reach()
    if isinstance(found, Silent):
        if not found.absent:
            raise EngineError(found.words("its containers, if it has any, can't be removed"))
        terminal.say("no Docker Engine answers: no container can be running")
        return 0
    print(f"removed {counted(clean(found, force=options.force), 'container')}")
    return 0


def _when(profile: Profile) -> str:
    """The presets that measure a profile by default; empty for all of them."""
    if profile.presets is None:
        return ""
    return f" (preset {', '.join(profile.presets)}, or by name)" if profile.presets else " (only by name)"


def others_words(names: Sequence[str]) -> str:
    """The sentence on targets that are there but not measured, because none is named."""
    return f"not measured unless asked for: {', '.join(names)} (--target {ALL}, --class, or by name)"


def _about(target: Target) -> str:
    variant = target.variant
    if variant is None:
        what = ", ".join(word for word in (target.language, target.framework, target.driver) if word)
        asked = "" if target.default else "; only when asked for"
        where = f", {target.external.url}" if target.external else ""
        return f"{target.name}: {what}{where} ({target.target_class}{asked})"
    lines = f"; {variant.changed_lines}" if variant.files else ""
    return f"  {target.name}: {variant.question} (variant of class {target.target_class}{lines})"


def list_all(options: argparse.Namespace, _terminal: Terminal) -> int:
    """Prints targets, profiles, presets and records."""
    targets = known_targets(configure(options))
    print("targets")
    for target in targets.values():
        print(f"  {_about(target)}")
    print("profiles")
    own = (found.profile for found in own_profiles(targets).values())
    for profile in (*find_profiles(ROOT / "loadtests").values(), *own):
        print(f"  {profile.name}: {profile.question}{_when(profile)}")
    print("presets")
    for name, preset in PRESETS.items():
        print(
            f"  {name}: {counted(preset.blocks, 'block')}, {preset.warmup_seconds:g} s warm-up, "
            f"{preset.measure_seconds:g} s measured"
            f"{' and ' + ', '.join(PRESET_LEVELS[name]) if PRESET_LEVELS[name] else ''}"
        )
    print("records")
    for folder in find_records(options.runs):
        try:
            record = read_record(folder)
        except UsageError as error:
            print(f"  {folder.name}: {error}")
            continue
        valid = sum(result.verdict == "valid" for result in record.results)
        missing = sum(isinstance(result.measurement, Missing) for result in record.results)
        print(
            f"  {record.run.id}: preset {record.run.plan.preset}, {len(record.results)} of "
            f"{counted(len(record.run.plan.trials), 'trial')}, {valid} valid, {missing} without a measurement"
        )
    return 0
