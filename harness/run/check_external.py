"""`fitmap check --target`: sends a few requests to a service that fitmap did not start, and says what holds, what fails."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import docker
import msgspec

from harness.containers.builder import Image
from harness.containers.lifecycle import TrialContainers
from harness.containers.own_images import PROFILES
from harness.containers.spec import instrument_spec
from harness.errors import TrialError
from harness.host.machine import topology
from harness.plan.own_profiles import OwnProfile
from harness.plan.placement import place
from harness.record.config import Config
from harness.record.external import NOT_STARTED, External
from harness.record.plan import Target
from harness.run.check import TRY_SECONDS, Finding, about, unchecked
from harness.run.secrets import hidden
from harness.trials.external_service import outside_of
from harness.trials.own_readiness import last_lines
from loadtests.protocol import messages
from loadtests.protocol.outside import Outside

#: How many requests of a route are sent (loadtests/generator/try_profile.py).
TIMES = 3


def check_external(
    client: docker.DockerClient,
    config: Config,
    target: Target,
    images: Mapping[str, Image],
    profiles: Mapping[str, OwnProfile],
    secrets: Mapping[str, str],
) -> Iterator[Finding]:
    """What is found about one service, as it is found. Raises UsageError where its file of certificates can't be used."""
    if not isinstance(target.external, External):
        return
    outside = outside_of(target.external, target.name)
    try:
        for finding in _found(client, config, outside, images, profiles, secrets):
            yield Finding(finding.grade, hidden(finding.text, secrets))
    except TrialError as error:
        yield Finding("fails", hidden(error.reason, secrets))


def _found(
    client: docker.DockerClient,
    config: Config,
    outside: Outside,
    images: Mapping[str, Image],
    profiles: Mapping[str, OwnProfile],
    secrets: Mapping[str, str],
) -> Iterator[Finding]:
    reached, *tried = _sent(client, config, outside, images, profiles, secrets)
    for first in reached:
        if first.problem:
            yield Finding("fails", first.problem)
            return
        proof = ", and its certificate is verified" if outside.secure else ""
        yield Finding("holds", f"{outside.origin} is reached in {first.milliseconds[-1]:.1f} ms{proof}")
    for (name, profile), found in zip(profiles.items(), tried, strict=True):
        for each in found:
            yield about(f"{name}: {each.route}", each)
        yield from unchecked(name, profile.stated)
    yield Finding("note", f"its CPU, memory, database, statements, start and stop are not known: {NOT_STARTED.reason}")


def _sent(
    client: docker.DockerClient,
    config: Config,
    outside: Outside,
    images: Mapping[str, Image],
    profiles: Mapping[str, OwnProfile],
    secrets: Mapping[str, str],
) -> list[list[messages.Tried]]:
    """Whether it was reached, and what came of a few requests of each route, by profile. Raises TrialError."""
    command = ("/opt/venv/bin/python", "-m", "loadtests.generator.try_profile", *profiles)
    spec = instrument_spec(images[PROFILES].id, place(topology(), config.run.service_cores).generator, "try", command)
    variables = {**secrets, "FITMAP_OUTSIDE": msgspec.json.encode(outside).decode()}
    requests = TIMES * sum(len(each.profile.routes) for each in profiles.values())
    with TrialContainers(client, f"check-{time.time_ns():x}", "check") as containers:
        running = containers.add(msgspec.structs.replace(spec, environment=variables))
        running.start()
        # Its fuse may make them slow.
        if running.wait(TRY_SECONDS + requests / outside.most_per_second) != 0:
            raise TrialError("load", f"the requests could not be sent; the last lines: {last_lines(running)}")
        lines = running.container.logs(stdout=True, stderr=False).splitlines()
    # A profile in Python may print something itself.
    found = [line for line in lines if line.startswith(b"[{")]
    return [msgspec.json.decode(line, type=list[messages.Tried]) for line in found]
