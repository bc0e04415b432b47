"""`fitmap check`: starts a team's own service once, and says what holds, what fails, and what to write. Measures nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Literal

import docker
import msgspec
from msgspec import Struct

from harness.containers.builder import Image
from harness.containers.lifecycle import RunningContainer, TrialContainers
from harness.containers.own_images import PROFILES
from harness.containers.spec import DRAIN_SECONDS, LOOPBACK, instrument_spec
from harness.errors import TrialError
from harness.evaluation.statements import Contract
from harness.host.machine import topology
from harness.plan.own_profiles import OwnProfile
from harness.plan.placement import place
from harness.record.config import Config
from harness.record.own import Own
from harness.record.plan import Plan, Target, Timing, Trial
from harness.record.run import Calibration
from harness.run.secrets import hidden
from harness.trials.context import Setup
from harness.trials.group_service import GroupService
from harness.trials.own_readiness import last_lines, listening
from harness.trials.readiness_probe import Watcher
from loadtests.protocol import messages
from loadtests.protocol.stated import StatedProfile

#: A check starts a service and calibrates nothing.
NO_TIMING = Timing(1, 1, 1, 1, 1)
NO_CALIBRATION = Calibration("", "", "", 0, 0.0, 0.0, 0.0, 0.0, (), 0.0, 0.0, 0.0, ())
TRY_SECONDS = 60.0


class Finding(Struct, frozen=True):
    """One thing that was looked at. `holds`; `fails`: no trial would be valid; `note`: worth knowing."""

    grade: Literal["holds", "fails", "note"]
    text: str


def check(
    client: docker.DockerClient,
    config: Config,
    target: Target,
    images: Mapping[str, Image],
    profiles: Mapping[str, OwnProfile],
    secrets: Mapping[str, str],
) -> Iterator[Finding]:
    """What is found about one service, as it is found."""
    try:
        for finding in _found(client, config, target, images, profiles, secrets):
            yield Finding(finding.grade, hidden(finding.text, secrets))
    except TrialError as error:
        yield Finding("fails", hidden(error.reason, secrets))


def _found(
    client: docker.DockerClient,
    config: Config,
    target: Target,
    images: Mapping[str, Image],
    profiles: Mapping[str, OwnProfile],
    secrets: Mapping[str, str],
) -> Iterator[Finding]:
    own = target.own
    if not isinstance(own, Own):
        return
    placement = place(topology(), config.run.service_cores)
    trial = Trial("check", 1, target.name, next(iter(profiles)))
    setup = Setup(
        run_id=f"check-{time.time_ns():x}",
        plan=Plan(1, "smoke", NO_TIMING, (target.name,), tuple(each.profile for each in profiles.values()), placement, ()),
        config=config,
        images={name: image.id for name, image in images.items()},
        contract=Contract({}, {}),
        calibration=NO_CALIBRATION,
        targets={target.name: target},
        secrets=secrets,
    )
    with TrialContainers(client, setup.run_id, trial.id) as containers:
        service = GroupService(0, trial, containers, setup, 0)
        service.wait_beside()
        if service.lost:
            raise service.lost
        # The statements of a service that keeps them can be read.
        service.read({})
        if service.lost:
            raise service.lost
        for name, running in service.containers_by_role().items():
            if name != "service":
                yield Finding("holds", f"{name} listens on {LOOPBACK}:{service.ports[name]}")
                yield from _exposed(name, running, service.ports[name])
        yield from _started(setup, containers, service, own)
        yield from _tried(setup, containers, service, profiles)
        yield from _stopped(service, own)


def _started(setup: Setup, containers: TrialContainers, service: GroupService, own: Own) -> Iterator[Finding]:
    """Starts the service and waits until it is ready. Raises TrialError."""
    port = service.ports["service"]
    watcher = Watcher(
        containers,
        setup.images["load"],
        setup.plan.placement.generator,
        port,
        (messages.Ask(own.health),),
        own.ready_seconds,
    )
    with watcher:
        watcher.begin()
        begun = time.monotonic()
        service.start()
        if service.lost:
            raise service.lost
        try:
            watcher.seen(service.container)
        except TrialError as error:
            service.lose(error)
            raise service.lost or error from None
    yield Finding("holds", f"it answers 200 on {own.health} after {time.monotonic() - begun:.1f} s")
    yield from _exposed("it", service.container, port)


def _exposed(what: str, running: RunningContainer, port: int) -> Iterator[Finding]:
    """Where a container listens for others than this machine."""
    for host in dict.fromkeys(host for host, at in listening(running) if at == port):
        if host not in (LOOPBACK, f"::ffff:{LOOPBACK}"):
            yield Finding(
                "note",
                f"{what} listens on {host}:{port}: whoever reaches this machine reaches it. Let it listen on {LOOPBACK}",
            )


def _tried(
    setup: Setup, containers: TrialContainers, service: GroupService, profiles: Mapping[str, OwnProfile]
) -> Iterator[Finding]:
    """Sends a few requests of each route. Raises TrialError."""
    address = f"{LOOPBACK}:{service.ports['service']}"
    command = ("/opt/venv/bin/python", "-m", "loadtests.generator.try_profile", address, *profiles)
    spec = instrument_spec(setup.images[PROFILES], setup.plan.placement.generator, "try", command)
    running = containers.add(msgspec.structs.replace(spec, environment=dict(setup.secrets)))
    running.start()
    if running.wait(TRY_SECONDS) != 0:
        raise TrialError("load", f"the requests could not be sent; the last lines: {last_lines(running)}")
    # A profile in Python may print something itself.
    lines = running.container.logs(stdout=True, stderr=False).splitlines()[-len(profiles) :]
    for (name, profile), line in zip(profiles.items(), lines, strict=True):
        for tried in msgspec.json.decode(line, type=list[messages.Tried]):
            yield about(f"{name}: {tried.route}", tried)
        yield from unchecked(name, profile.stated)


def about(what: str, tried: messages.Tried) -> Finding:
    """What came of the requests of a route."""
    if tried.problem:
        return Finding("fails", f"{what}: {tried.problem}")
    if not tried.kept:
        return Finding("fails", f"{what}: the service closes the connection after an answer: it must keep it open")
    return Finding("holds", f"{what} is answered as expected, the last time in {tried.milliseconds[-1]:.1f} ms")


def unchecked(name: str, stated: StatedProfile | None) -> Iterator[Finding]:
    """The requests of a profile whose answers are checked by their status alone."""
    for request in stated.request if stated else ():
        if not request.answer.checks_content:
            yield Finding(
                "note",
                f"{name}: {request.name} is checked by its status alone: an error page with that status would be measured "
                "too. Give its answer json, contains or header",
            )


def _stopped(service: GroupService, own: Own) -> Iterator[Finding]:
    """Ends the service as a trial does."""
    begun = time.monotonic()
    status, _ = service.container.stop(DRAIN_SECONDS)
    seconds = time.monotonic() - begun
    if not status and "drain" in own.keeps:
        yield Finding("holds", f"it ends with status 0, {seconds:.1f} s after SIGTERM")
    elif not status:
        yield Finding("note", f'it ends with status 0, {seconds:.1f} s after SIGTERM: write keeps = ["drain"]')
    elif "drain" in own.keeps:
        yield Finding("fails", f'it keeps "drain" but ended with status {status}: mend it or take it out of keeps')
    else:
        yield Finding("note", f"it ends with status {status} after SIGTERM, so its clean stop is not known")
