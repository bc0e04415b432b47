"""Faults: with FITMAP_FAULTS=all, as in `make faults`, all of them are injected; else those that are marked `quick`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from own_engine import OwnEngine
from timed import DONE

from harness.containers.builder import build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import graph, project_tag

FOLDER = Path(__file__).parent
IMAGES = ("database", "load", "go")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "quick: one of the faults that `make test` injects")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = []
    for item in items:
        if FOLDER not in item.path.parents:
            continue
        # A neighbour may disturb a run for its whole time. A fault of the code makes a test fail twice.
        item.add_marker(pytest.mark.flaky(reruns=1))
        item.add_marker(pytest.mark.skipif(os.geteuid() != 0, reason="injecting faults takes root"))
        if os.environ.get("FITMAP_FAULTS") != "all" and not item.get_closest_marker("quick"):
            left_out.append(item)
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for fault, moments, seconds in DONE:
        terminalreporter.write_line(f"fault: {fault} | {moments} | {seconds:.0f} s")


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    """The machine's engine, with the images of this checkout."""
    found = connect(install=True, say=print)
    build_all(found, graph(IMAGES, choose_set("auto", print)), print)
    return found


@pytest.fixture(scope="session")
def engine(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    """An engine of the tests' own, with the images of one target."""
    images = [project_tag(name) for name in IMAGES]
    # Short: the path of a socket has at most 107 letters.
    with OwnEngine(Path(tempfile.mkdtemp(prefix="fault-"))) as own:
        own.load(images, tmp_path_factory.mktemp("images") / "images.tar")
        yield own
