"""The trial of kind `build`: a build of the target's image, and two ways from a change of one line to its answer.

The first block builds without the builder's cache. After the change the image is rebuilt, and the trial waits until its
service answers with the changed line. Then the same in the loop of the target's developers (harness/trials/development.py).
The trial works on a copy of the service's folder and under a tag of its own. The target's image and all layers that were
there before stay as they are.
"""

from __future__ import annotations

import contextlib
import io
import re
import secrets
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import docker
import msgspec
from docker.errors import DockerException

from harness.containers.builder import build_lines
from harness.containers.images import TRIAL, Build, graph, tag_of
from harness.containers.lifecycle import RunningContainer, TrialContainers, new_password
from harness.containers.owners import owner
from harness.containers.spec import service_spec
from harness.errors import TrialError
from harness.files import ROOT
from harness.record.measurement import Missing
from harness.record.plan import Edit, Target, Trial, folder_of, is_base
from harness.record.trial_result import BuildMeasurement, BuildStep, Built, Dependencies
from harness.trials.context import Setup, check_ports, seconds_to, start_database, started_unix_ns, wait_for_database
from harness.trials.dependencies import dependencies
from harness.trials.development import edit_to_answer
from harness.trials.readiness_probe import Watcher
from loadtests.protocol import messages

#: A build that takes longer is aborted.
BUILD_SECONDS = 900
_STEP = re.compile(r"Step \d+/\d+ : (?P<instruction>.*)")
_LAYER = re.compile(r" ---> (?P<id>[0-9a-f]{12,64})\s*$")
_CACHED = " ---> Using cache"


def read_steps(lines: Iterable[dict[str, Any]], clock: Iterator[float]) -> tuple[BuildStep, ...]:
    """The steps of a build, from the output of the engine's own builder.

    `clock`: the time at each line, in seconds, and once more at the end. Raises TrialError.
    """
    begun: list[tuple[str, float]] = []
    cached: set[int] = set()
    output = ""
    for line in lines:
        now = next(clock)
        text = str(line.get("stream", "")).rstrip()
        if "error" in line:
            error = str(line["error"]).strip()
            raise TrialError("build", f"the build of the image failed: {error}; last output: {output[-300:]}")
        if match := _STEP.match(text):
            begun.append((match["instruction"], now))
        elif text == _CACHED:
            cached.add(len(begun) - 1)
        output = f"{output} {text}"[-1000:]
    ends = [at for _, at in begun[1:]] + [next(clock)]
    return tuple(
        BuildStep(instruction, round(end - at, 3), index in cached)
        for index, ((instruction, at), end) in enumerate(zip(begun, ends, strict=True))
    )


class Workshop:
    """Builds images under a tag of its own, and removes what it built."""

    def __init__(self, client: docker.DockerClient, tag: str) -> None:
        self._client = client
        self.tag = tag
        self._before = set(client.api.images(all=True, quiet=True))
        self._made: list[str] = []

    def clear(self) -> None:
        """Removes the image and its layers, but none that was there before."""
        with contextlib.suppress(DockerException):
            self._client.api.remove_image(self.tag, noprune=True)
        # Children first; with noprune the engine removes no parent that is not named.
        for layer in reversed(self._made):
            with contextlib.suppress(DockerException):
                image = str(self._client.images.get(layer).id)
                if image not in self._before:
                    self._client.api.remove_image(image, noprune=True)

    def build(self, build: Build, *, clean: bool, stage: str | None = None) -> Built:
        """Builds the image, up to a stage. `clean`: without the builder's cache. Raises TrialError."""
        begun = time.monotonic()

        def clock() -> Iterator[float]:
            while True:
                now = time.monotonic()
                if now > begun + BUILD_SECONDS:
                    raise TrialError("build", f"the image was not built within {BUILD_SECONDS} s")
                yield now

        try:
            lines = build_lines(self._client, build, tag=self.tag, stage=stage, nocache=clean, timeout_seconds=BUILD_SECONDS)
            steps = read_steps(self._record_layers(lines), clock())
        except (DockerException, OSError) as error:
            raise TrialError("build", f"the build of the image failed: {error}") from None
        return Built(round(time.monotonic() - begun, 3), steps)

    def _record_layers(self, lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Passes the lines on and records each new layer at once: a build that fails leaves layers too."""
        before = ""
        for line in lines:
            text = str(line.get("stream", "")).rstrip()
            if before != _CACHED and (match := _LAYER.match(text)):
                self._made.append(match["id"])
            before = text or before
            yield line

    def image(self) -> tuple[str, int]:
        """The built image's id and size."""
        image = self._client.images.get(self.tag)
        return str(image.id), int(image.attrs["Size"])


def edited(edit: Edit, folder: Path, mark: str) -> str:
    """The text of the file with the line changed. Raises TrialError where the manifest does not fit the source."""
    path = folder / edit.file
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TrialError("edit", f"{edit.file} can't be read: {error}") from None
    if text.count(edit.old) != 1:
        raise TrialError("edit", f"{edit.file} contains {edit.old} {text.count(edit.old)} times, not once")
    return text.replace(edit.old, edit.new.replace("{mark}", mark))


def measure(setup: Setup, trial: Trial, containers: TrialContainers) -> BuildMeasurement:
    """Builds, edits, rebuilds, and waits for the answer of the edited service. Raises TrialError, PortTaken."""
    config, placement = setup.config, setup.plan.placement
    target = setup.targets[trial.target]
    if target.edit is None or is_base(trial.target):
        raise TrialError("edit", "the target's manifest has no [edit]: there is no line to change")
    check_ports(config)
    name = folder_of(target.name)
    # A word that no earlier build used. Otherwise the builder might take a layer from its cache that a killed run left.
    password, mark = new_password(), f"edited-{secrets.token_hex(4)}"
    database = start_database(setup, containers, password)
    asks = (messages.Ask("/health"), messages.Ask("/meta", mark))
    tag = tag_of(f"{TRIAL}{setup.run_id.lower()}-{trial.id}", owner())
    workshop = Workshop(containers.client, f"fitmap/{name}:{tag}")
    containers.afterwards(workshop.clear)
    with (
        Watcher(containers, setup.images["load"], placement.generator, config.ports.service, asks) as watcher,
        tempfile.TemporaryDirectory(prefix="fitmap-build-") as temporary,
    ):
        wait_for_database(database)
        folder = Path(temporary) / name
        shutil.copytree(ROOT / "services" / name, folder, symlinks=True)
        # Before the builds, which take minutes: an edit that does not fit the source ends the trial.
        changed = edited(target.edit, folder, mark)
        build = msgspec.structs.replace(graph((name,), setup.image_set)[name], context=folder)
        clean = trial.block == 1
        # Later blocks use the layers of the target's own image, as the rebuild of a developer would.
        built = workshop.build(build, clean=clean)
        _, size = workshop.image()
        bench = _stage(containers, workshop, build, target)
        (folder / target.edit.file).write_text(changed, encoding="utf-8")
        saved = time.monotonic()
        rebuilt = workshop.build(build, clean=False)
        image, _ = workshop.image()
        service = containers.add(service_spec(image, placement.service, config.ports, config.limits, password))
        watcher.begin()
        service.start()
        seen = watcher.seen(service)
        running = time.monotonic()
        (start_seconds,) = seconds_to(seen.unix_ns[-1:], started_unix_ns(service), service)
        counted = _dependencies(target, folder, service)
        # The same port is needed.
        containers.remove(service)
        return BuildMeasurement(
            clean=built if clean else None,
            rebuilt=rebuilt,
            file=target.edit.file,
            edit_to_running_seconds=round(running - saved, 3),
            start_seconds=start_seconds,
            image_bytes=size,
            dependencies=counted,
            development_seconds=(
                bench
                if isinstance(bench, Missing)
                else edit_to_answer(bench, service.spec, target, changed, containers, watcher)
            ),
        )


def _stage(containers: TrialContainers, workshop: Workshop, build: Build, target: Target) -> str | Missing:
    """The image of the stage in which the target's developers work. Raises TrialError."""
    if target.development is None:
        return Missing("the target's manifest has no [development]")
    stage = Workshop(containers.client, workshop.tag.replace(":", "-workbench:", 1))
    containers.afterwards(stage.clear)
    stage.build(build, clean=False, stage=target.development.stage)
    return stage.image()[0]


def _dependencies(target: Target, folder: Path, service: RunningContainer) -> Dependencies | Missing:
    try:
        counts = dependencies(folder, target.lock_file, _jars(service, target.jars) if target.jars else ())
    except (OSError, ValueError, KeyError, DockerException) as error:
        return Missing(f"the dependencies can't be counted: {error}")
    return counts or Missing(f"fitmap can't count dependencies in {target.lock_file}")


def _jars(service: RunningContainer, folder: str) -> tuple[str, ...]:
    """Names of the jars in a folder of the service's image."""
    chunks, _ = service.container.get_archive(folder)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        return tuple(name for name in archive.getnames() if PurePosixPath(name).suffix == ".jar")
