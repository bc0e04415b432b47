"""fitmap as the program under test: it tells each moment of its run, and waits there until the test lets it go on.

    FAULTS_TELLS and FAULTS_HEARS are the numbers of two pipes.

Images are used as they are, because what builds them has tests of its own. FAULTS_CALIBRATION is a folder of calibrations
in place of the kept ones: an empty one makes the run calibrate. FAULTS_GENERATOR_CLOCK is a folder with the clock of the
load generator's containers (clock.py).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import docker
from clock import clock_environment
from msgspec import structs

from harness.calibration import calibrate as calibration
from harness.calibration import reference_servers
from harness.cli import bench
from harness.cli.main import main
from harness.cli.terminal import Terminal
from harness.containers.builder import Image
from harness.containers.images import project_tag
from harness.containers.spec import ContainerSpec
from harness.record.plan import Trial, image_of
from harness.record.reader import Record
from harness.run import setup
from harness.run.progress import Listener, Position
from harness.trials import group
from loadtests.protocol.group_messages import SliceEvent
from loadtests.protocol.messages import Window

#: The answer that makes the program take memory.
EAT = "eat"
EATEN_BYTES = 1 << 20
GENERATOR_CLOCK = "/fitmap/clock"


class Moments:
    """Tells the test which moment of which trial begins, once each."""

    def __init__(self) -> None:
        self._tells = os.fdopen(int(os.environ["FAULTS_TELLS"]), "w")
        self._hears = os.fdopen(int(os.environ["FAULTS_HEARS"]))
        self._told: set[str] = set()
        self.trial = 0

    def begin(self, moment: str) -> None:
        mark = f"{self.trial} {moment}"
        if mark not in self._told:
            self._told.add(mark)
            print(mark, file=self._tells, flush=True)
            if self._hears.readline().strip() == EAT:
                threading.Thread(target=eat, daemon=True).start()


def eat() -> None:
    """Takes memory, until there is none left."""
    taken = []
    while True:
        taken.append(b"x" * EATEN_BYTES)
        time.sleep(0.001)


def tell_moments(moments: Moments) -> None:
    """Puts a moment before set-up, trials and report, and at the first event of warm-up and window."""
    calibrate, write_report = calibration.calibrate, bench.write_report
    window, one_slice, trial_started = Terminal.window, Terminal.slice, Terminal.trial_started

    def calibrated(*arguments: Any) -> Any:
        moments.begin("set-up")
        folder = os.environ.get("FAULTS_CALIBRATION")
        return calibrate(*arguments, *([Path(folder)] if folder else []))

    def written(record: Record, terminal: Terminal) -> Path:
        moments.begin("report")
        return write_report(record, terminal)

    def started(self: Terminal, position: Position, trials: Sequence[Trial]) -> None:
        moments.trial = position.number
        moments.begin("between")
        trial_started(self, position, trials)

    def warmed(self: Terminal, event: Window) -> None:
        moments.begin("warm-up")
        window(self, event)

    def sliced(self: Terminal, target: str, event: SliceEvent) -> None:
        moments.begin("window")
        one_slice(self, target, event)

    replace(setup, "calibrate", calibrated)
    replace(bench, "write_report", written)
    replace(Terminal, "trial_started", started)
    replace(Terminal, "window", warmed)
    replace(Terminal, "slice", sliced)


def with_clock(specification: Callable[..., ContainerSpec], folder: str) -> Callable[..., ContainerSpec]:
    """Containers in which libfaketime tells the time."""

    def made(*arguments: Any, **options: Any) -> ContainerSpec:
        spec = specification(*arguments, **options)
        return structs.replace(
            spec,
            environment={**spec.environment, **clock_environment(GENERATOR_CLOCK)},
            mounts={**spec.mounts, folder: GENERATOR_CLOCK},
        )

    return made


def replace(where: object, name: str, by: Callable[..., Any]) -> None:
    setattr(where, name, by)


def made(
    client: docker.DockerClient,
    helpers: Collection[str],
    targets: Collection[str],
    _set: str,
    _listener: Listener,
    _profiles: object = None,
) -> dict[str, Image]:
    """The images as the engine has them, in place of `made_images`."""
    found = {name: client.images.get(project_tag(image_of(name))) for name in (*helpers, *targets)}
    return {name: Image(name, str(image.id), int(image.attrs["Size"])) for name, image in found.items()}


if __name__ == "__main__":
    tell_moments(Moments())
    replace(setup, "made_images", made)
    replace(bench, "made_images", made)
    if clock := os.environ.get("FAULTS_GENERATOR_CLOCK"):
        replace(group, "group_generator_spec", with_clock(group.group_generator_spec, clock))
        replace(reference_servers, "generator_spec", with_clock(reference_servers.generator_spec, clock))
    main(sys.argv[1:])
