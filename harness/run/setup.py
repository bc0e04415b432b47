"""Sets up and measures a run: plan, engine, images, calibration, trials."""

from __future__ import annotations

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
from harness.containers.images import graph
from harness.containers.lifecycle import announced, clean
from harness.containers.versions import Version
from harness.host import machine
from harness.plan.selection import planned
from harness.plan.sources import count_sources
from harness.record.config import Config, GeneratorSection
from harness.record.plan import Plan, Target, image_of, is_base
from harness.record.reader import Record, begin_record, check_space, new_id
from harness.run.description import describe_run
from harness.run.progress import Listener
from harness.run.proof import check_differ, prove
from harness.run.runner import measure
from harness.wording import counted


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


def helpers_of(plan: Plan) -> tuple[str, ...]:
    """The images that a plan needs besides those of its targets."""
    return ("database", "load", *(("proxy",) if any(profile.kind == "scale-out" for profile in plan.profiles) else ()))


def made_images(
    client: docker.DockerClient, helpers: Collection[str], targets: Collection[str], image_set: str, listener: Listener
) -> dict[str, Image]:
    """Builds what is missing of the images of targets and helpers. Images by name."""
    own = tuple(dict.fromkeys(image_of(target) for target in targets))
    builds = graph((*helpers, *own), image_set)
    listener.say(
        f"images: {len(builds)} needed for {', '.join(targets) or 'the load'}; making them for the first time takes minutes"
    )
    made = build_all(client, builds, listener.say)
    return {name: made[image_of(name)] for name in (*helpers, *targets)}


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
    bench = Bench(prepared.images["load"].id, prepared.plan.placement, request.config)
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
    client = ready_engine(request.config, listener)
    image_set = choose_set(request.config.engine.image_set, listener.say)
    images = made_images(client, helpers_of(plan), plan.targets, image_set, listener)
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
    images: dict[str, Image] = made_images(client, helpers_of(plan), (), image_set, listener)
    for name in plan.targets:
        version = base if is_base(name) else head
        own = image_of(name)
        targets[name] = msgspec.structs.replace(version.targets[own], name=name)
        images[name] = version.images[own]
    prepared = Prepared(plan, targets, images, image_set, count_sources(targets))
    record = begin(client, request, prepared, listener)
    return measure(client, record, begun, listener)


def same_images(versions: tuple[Version, Version], names: Iterable[str]) -> Mapping[str, str]:
    """The targets whose base and head are the same image, with its id."""
    base, head = versions
    return {name: head.images[name].id for name in names if base.images[name].id == head.images[name].id}
