"""From a configuration to a measured record: plan, engine, images, calibration, trials. Says what it does."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import docker
from msgspec import Struct

from harness.calibration.calibrate import calibrate
from harness.calibration.reference_servers import Bench
from harness.cli.terminal import Terminal
from harness.containers.builder import Image, build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import ROOT, graph
from harness.containers.lifecycle import clean
from harness.host import machine
from harness.plan.config_file import PRESET_LEVELS, Config, choose, timing
from harness.plan.placement import place
from harness.plan.profiles import find_profiles, narrow, relevel
from harness.plan.schedule import make_plan, trials_seconds
from harness.plan.targets import find_targets, folder_of
from harness.record.plan import Plan, Profile, Target
from harness.record.writer import Record
from harness.run.runner import begin_record, check_space, describe_run, loaded_share, new_id, run_trials


def chosen_targets(config: Config) -> dict[str, Target]:
    """The targets that a configuration asks for, by name."""
    known = find_targets(ROOT / "services")
    return {name: known[name] for name in choose(config.run.targets, known, "target")}


def chosen_profiles(config: Config, route: str | None) -> tuple[Profile, ...]:
    """The profiles that a configuration asks for, with their levels."""
    profiles: dict[str, Profile] = find_profiles(ROOT / "loadtests")
    unasked = tuple(n for n, profile in profiles.items() if profile.presets is None or config.run.preset in profile.presets)
    wanted = choose(config.run.profiles or unasked, profiles, "profile")
    # Levels that were asked for are all that is wanted; a preset adds to a profile's own.
    more = () if config.run.levels else PRESET_LEVELS[config.run.preset]
    return narrow(relevel(tuple(profiles[name] for name in wanted), config.run.levels, more), route)


def planned(config: Config, route: str | None, targets: Mapping[str, Target]) -> Plan:
    """All targets under all profiles that a configuration asks for."""
    return make_plan(
        seed=config.run.seed,
        preset=config.run.preset,
        timing=timing(config),
        targets=tuple(targets),
        profiles=chosen_profiles(config, route),
        placement=place(machine.topology(), config.run.service_cores),
    )


def ready_engine(config: Config, terminal: Terminal) -> docker.DockerClient:
    """An engine that answers, with nothing of an earlier run left on it."""
    client = connect(config.engine.install, terminal.say)
    removed = clean(client)
    if removed:
        terminal.say(f"removed {removed} containers that a killed run had left")
    return client


def helpers_of(plan: Plan) -> tuple[str, ...]:
    """The images that a plan needs beside those of its targets."""
    return ("database", "load", *(("proxy",) if any(profile.kind == "scale-out" for profile in plan.profiles) else ()))


def made_images(
    client: docker.DockerClient, helpers: Collection[str], targets: Collection[str], image_set: str, terminal: Terminal
) -> dict[str, Image]:
    """The images of targets and of what stands beside them, by their names; built where they are not."""
    folders = tuple(dict.fromkeys(folder_of(target) for target in targets))
    builds = graph((*helpers, *folders), image_set)
    terminal.say(f"images: {len(builds)} needed for {', '.join(targets) or 'the load'}")
    made = build_all(client, builds, terminal.say)
    return {name: made[folder_of(name)] for name in (*helpers, *targets)}


class Job(Struct, frozen=True):
    """All that is needed to begin a record."""

    config: Config
    options: argparse.Namespace
    plan: Plan
    targets: Mapping[str, Target]
    images: Mapping[str, Image]
    image_set: str


def begin(client: docker.DockerClient, job: Job, terminal: Terminal) -> Record:
    """Calibrate the generator and write the record's header."""
    check_space(job.options.runs)
    bench = Bench(job.images["load"].id, job.plan.placement, job.config)
    calibration = calibrate(client, bench, terminal.say)
    return begin_record(
        job.options.runs,
        describe_run(
            client,
            run_id=new_id(datetime.now(UTC), job.options.runs),
            config=job.config,
            configuration_text=job.options.config.read_text() if job.options.config.exists() else "",
            command=("fitmap", *sys.argv[1:]),
            plan=job.plan,
            targets=job.targets,
            images=job.images,
            image_set=job.image_set,
            calibration=calibration,
        ),
    )


def measure(client: docker.DockerClient, record: Record, begun: float, terminal: Terminal) -> Record:
    """Run what is pending of a record. `begun`: when its set-up began, on the monotonic clock."""
    pending, expected = record.pending(), trials_seconds(record.run.plan, record.run.targets)
    terminal.say(
        f"set up in {time.monotonic() - begun:.0f} s; {len(pending)} trials, "
        f"{sum(expected[trial.id] for trial in pending) / 60:.0f} min, record in {record.folder}"
    )
    record = run_trials(client, record, terminal.say, terminal.progress)
    if share := loaded_share(record):
        terminal.say(f"{share:.0%} of the wall time of trials under load was warm-up or measured window")
    return record


def measure_new(config: Config, options: argparse.Namespace, targets: Mapping[str, Target], terminal: Terminal) -> Record:
    """A new record of targets, from set-up to its last trial."""
    begun = time.monotonic()
    plan = planned(config, options.route, targets)
    client = ready_engine(config, terminal)
    image_set = choose_set(config.engine.image_set, terminal.say)
    images = made_images(client, helpers_of(plan), plan.targets, image_set, terminal)
    return measure(client, begin(client, Job(config, options, plan, targets, images, image_set), terminal), begun, terminal)
