"""Base against head, measured now: the plan of pairs, and the record that comes of it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Collection, Iterable, Mapping, Sequence

import docker
import msgspec

from harness.cli.terminal import Terminal
from harness.containers.builder import Image
from harness.containers.versions import Side
from harness.host import machine
from harness.plan.config_file import Config
from harness.plan.placement import place
from harness.plan.schedule import make_pairs
from harness.plan.targets import BASE
from harness.record.plan import Plan, Profile, Target, Timing
from harness.record.writer import Record
from harness.run.setup import Job, begin, helpers_of, made_images, measure


def paired_plan(
    config: Config, timing: Timing, pairs: int, cells: Sequence[tuple[str, str]], profiles: tuple[Profile, ...]
) -> Plan:
    """`cells`: targets with the profiles under which they are measured."""
    return make_pairs(
        seed=config.run.seed,
        preset=config.run.preset,
        timing=msgspec.structs.replace(timing, blocks=pairs),
        cells=cells,
        profiles=profiles,
        placement=place(machine.topology(), config.run.service_cores),
    )


def only(profiles: Iterable[Profile], wanted: Collection[tuple[str, str]]) -> tuple[Profile, ...]:
    """The profiles with those levels alone that are wanted: pairs of profile and level."""
    kept = []
    for profile in profiles:
        levels = tuple(level for level in profile.levels if (profile.name, level.name) in wanted)
        # What is measured once in a trial needs some level, the shortest that there is.
        if levels or (profile.name, "") in wanted:
            kept.append(msgspec.structs.replace(profile, levels=levels or profile.levels[:1]))
    return tuple(kept)


def measure_pairs(
    client: docker.DockerClient,
    options: argparse.Namespace,
    config: Config,
    plan: Plan,
    sides: tuple[Side, Side],
    image_set: str,
    terminal: Terminal,
) -> Record:
    """The record of a plan of pairs. Raises what measuring raises."""
    begun = time.monotonic()
    base, head = sides
    targets: dict[str, Target] = {}
    images: dict[str, Image] = made_images(client, helpers_of(plan), (), image_set, terminal)
    for name in plan.targets:
        side = base if name.endswith(BASE) else head
        own = name.removesuffix(BASE)
        targets[name] = msgspec.structs.replace(side.targets[own], name=name)
        images[name] = side.images[own]
    record = begin(client, Job(config, options, plan, targets, images, image_set), terminal)
    return measure(client, record, begun, terminal)


def same_images(sides: tuple[Side, Side], names: Iterable[str]) -> Mapping[str, str]:
    """Targets whose two sides are one image: nothing can differ."""
    base, head = sides
    return {name: head.images[name].id for name in names if base.images[name].id == head.images[name].id}
