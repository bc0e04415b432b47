"""Sets up and measures a run: plan, engine, images, calibration, trials."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import docker
import msgspec
from msgspec import Struct

from harness.calibration.calibrate import calibrate
from harness.calibration.reference_servers import Bench
from harness.containers.builder import Image, build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import HERE, graph, project_tag
from harness.containers.lifecycle import announced, clean, output_of
from harness.containers.own_images import PROFILES, own_graph, part_names, profiles_build
from harness.containers.versions import Version
from harness.errors import EngineError
from harness.host import machine
from harness.plan.own_profiles import OwnProfile
from harness.plan.schedule import trials_seconds
from harness.plan.selection import planned, planned_profiles
from harness.plan.sources import count_sources
from harness.record.config import Config, GeneratorSection
from harness.record.own import Own, image_name
from harness.record.plan import Plan, Target, image_of, is_base
from harness.record.reader import Record, begin_record, check_space, new_id
from harness.run.description import describe_run
from harness.run.progress import Listener
from harness.run.proof import check_differ, prove
from harness.run.runner import measure
from harness.run.secrets import secrets_of
from harness.wording import counted, minutes


class Request(Struct, frozen=True):
    """A request to measure: settings, folder for records, and the call for the header."""

    config: Config
    runs: Path
    configuration_text: str
    command: tuple[str, ...]
    #: Only this route of the profiles.
    route: str | None = None


class Prepared(Struct, frozen=True):
    """A plan with the targets and images that its trials need."""

    plan: Plan
    targets: Mapping[str, Target]
    images: Mapping[str, Image]
    image_set: str
    #: Of the targets in this checkout.
    source_lines: Mapping[str, int]


def ready_engine(config: Config, listener: Listener) -> docker.DockerClient:
    """Connects to the engine, and removes containers of earlier runs."""
    client = connect(config.engine.install, listener.say)
    removed = clean(client)
    if removed:
        listener.say(f"removed {counted(removed, 'container')} of a killed run")
    return client


def helpers_of(plan: Plan, targets: Mapping[str, Target]) -> tuple[str, ...]:
    """The images that a plan needs besides those of its targets. A team's own services need no database of fitmap's."""
    return (
        *(("database",) if any(not target.of_team for target in targets.values()) else ()),
        "load",
        *(("proxy",) if any(profile.kind == "scale-out" for profile in plan.profiles) else ()),
    )


def made_images(
    client: docker.DockerClient,
    helpers: Collection[str],
    targets: Mapping[str, Target],
    image_set: str,
    listener: Listener,
    profiles: Mapping[str, OwnProfile] = {},
) -> dict[str, Image]:
    """Builds what is missing of the images of targets and helpers. Images by name. `profiles`: own ones, over `load`."""
    ours = (image_of(name) for name, target in targets.items() if not target.of_team)
    builds = graph((*helpers, *dict.fromkeys(ours)), image_set)
    builds |= own_graph(targets, HERE.tag)
    if profiles:
        builds[PROFILES] = profiles_build(profiles, project_tag("load"))
    listener.say(
        f"images: {len(builds)} needed for {', '.join(targets) or 'the load'}; making them for the first time takes minutes"
    )
    made = build_all(client, builds, listener.say)
    check_engine_is_here(client, made["load"].id)
    return {
        **{name: made[image_of(name)] for name in (*helpers, *targets) if name not in targets or not targets[name].external},
        **part_images(targets, made),
        **({PROFILES: made[PROFILES]} if profiles else {}),
    }


def part_images(targets: Mapping[str, Target], made: Mapping[str, Image]) -> dict[str, Image]:
    """The images of what stands beside own services: a twin and another version have those of their image."""
    return {
        image_name(name, part): made[image_name(image_of(name), part)]
        for name, target in targets.items()
        for part in (target.own.parts if isinstance(target.own, Own) else ())
    }


def check_engine_is_here(client: docker.DockerClient, image_id: str) -> None:
    """Raises EngineError where the engine runs on another machine: its CPUs, ports and clock are not those of this one.

    Docker Desktop's engine runs in a virtual machine of this one, whose clock the load generator tells.
    """
    here = machine.describe().boot_id
    if here is None or client.info().get("OperatingSystem") == "Docker Desktop":
        return
    if output_of(client, image_id, ["cat", str(machine.BOOT_ID)]).strip() != here:
        raise EngineError(
            f"the engine at {os.environ.get('DOCKER_HOST') or 'the current docker context'} is on another machine: run "
            "fitmap on that machine, or unset DOCKER_HOST and use the docker context `default`"
        )


def open_port_warning(generator: GeneratorSection) -> str:
    """What to know of a master that more than this machine reaches. Empty where nobody else does."""
    if _is_loopback(generator.address):
        return ""
    return (
        f"WARNING: [generator] address is {generator.address}. Whoever reaches port {generator.port} there can join the "
        "load as a worker and falsify its numbers: Locust's protocol has no password. Use an address in a network that "
        "only your own machines share"
    )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:  # a name
        return address == "localhost"


def begin(client: docker.DockerClient, request: Request, prepared: Prepared, listener: Listener) -> Record:
    """Proves the variants, calibrates the load generator and writes the record's header. Raises UsageError, RunError."""
    check_space(request.runs)
    if warning := open_port_warning(request.config.generator):
        listener.say(warning)
    check_differ(prepared.targets, prepared.images)
    with announced(client, prepared.images["load"].id):
        return _begun(client, request, prepared, listener)


def _begun(client: docker.DockerClient, request: Request, prepared: Prepared, listener: Listener) -> Record:
    prove(client, request.config, prepared.plan.placement, prepared.targets, prepared.images, listener.say)
    secure = any(target.external.secure for target in prepared.targets.values() if target.external)
    bench = Bench(prepared.images["load"].id, prepared.plan.placement, request.config, secure)
    calibration = calibrate(client, bench, listener.say)
    return begin_record(
        request.runs,
        describe_run(
            client,
            run_id=new_id(datetime.now(UTC), request.runs),
            config=request.config,
            configuration_text=request.configuration_text,
            command=request.command,
            plan=prepared.plan,
            targets=prepared.targets,
            images=prepared.images,
            image_set=prepared.image_set,
            calibration=calibration,
            say=listener.say,
            source_lines=prepared.source_lines,
        ),
    )


def measure_new(request: Request, targets: Mapping[str, Target], listener: Listener) -> Record:
    """Measures targets from set-up to the last trial, in a new record."""
    begun = time.monotonic()
    plan = planned(request.config, request.route, targets, machine.topology())
    lines = count_sources(targets)
    profiles = planned_profiles(plan, targets)
    secrets_of(targets, profiles)
    listener.say(
        f"plan: {counted(len(plan.trials), 'trial')} of {', '.join(targets)} on "
        f"{', '.join(profile.name for profile in plan.profiles)}: "
        f"{minutes(sum(trials_seconds(plan, targets).values()))}, without images and calibration"
    )
    client = ready_engine(request.config, listener)
    image_set = choose_set(request.config.engine.image_set, listener.say)
    images = made_images(client, helpers_of(plan, targets), targets, image_set, listener, profiles)
    record = begin(client, request, Prepared(plan, targets, images, image_set, lines), listener)
    return measure(client, record, begun, listener)


def measure_pairs(
    client: docker.DockerClient,
    request: Request,
    plan: Plan,
    versions: tuple[Version, Version],
    image_set: str,
    listener: Listener,
) -> Record:
    """Measures base against head in pairs, in a new record."""
    begun = time.monotonic()
    base, head = versions
    targets: dict[str, Target] = {}
    images: dict[str, Image] = {}
    for name in plan.targets:
        version = base if is_base(name) else head
        own = image_of(name)
        targets[name] = msgspec.structs.replace(version.targets[own], name=name)
        images[name] = version.images[own]
        images |= part_images({name: targets[name]}, version.images)
    profiles = planned_profiles(plan, {name: target for name, target in targets.items() if not is_base(name)})
    secrets_of(targets, profiles)
    images |= made_images(client, helpers_of(plan, targets), {}, image_set, listener, profiles)
    prepared = Prepared(plan, targets, images, image_set, count_sources(targets))
    record = begin(client, request, prepared, listener)
    return measure(client, record, begun, listener)


def same_images(versions: tuple[Version, Version], names: Iterable[str]) -> Mapping[str, str]:
    """The targets whose base and head are the same image, with its id. Of an own service all else must be the same too."""
    base, head = versions

    def same(name: str) -> bool:
        parts = (name, *part_names({name: head.targets[name]}))
        return base.targets[name].own == head.targets[name].own and all(
            base.images[part].id == head.images[part].id for part in parts
        )

    return {name: head.images[name].id for name in names if same(name)}
