"""A fresh pair for each target that the harness finds; images by their tag, missing ones built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from asked import TARGETS
from docker.errors import ImageNotFound
from stand import Pair, Stand
from story import Told

from harness.containers.builder import build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import graph, project_tag
from harness.host.machine import topology
from harness.plan.placement import place


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of a target run one after the other: with several worker processes (`-n`), in the same one."""
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            item.add_marker(pytest.mark.xdist_group(str(item.callspec.params.get("target", ""))))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "containers: starts containers; needs a Docker Engine")
    config.addinivalue_line("markers", "slow: takes more than five seconds for a target")


@pytest.fixture(scope="session", params=sorted(TARGETS))
def target(request: pytest.FixtureRequest) -> str:
    """Each target in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    return connect(install=False, say=print)


@pytest.fixture(scope="session")
def stand(client: docker.DockerClient) -> Iterator[Stand]:
    """Starts containers from the images' tags; what is missing is built first."""
    missing = []
    for name in ("database", *TARGETS):
        try:
            client.images.get(project_tag(name))
        except ImageNotFound:
            missing.append(name)
    if missing:
        build_all(client, graph(tuple(missing), choose_set("auto", print)), print)
    with Stand(client, place(topology())) as opened:
        yield opened


@pytest.fixture(scope="session")
def told(stand: Stand, target: str) -> Iterator[Told]:
    with stand.scope() as scope:
        yield Told(scope.pair(target))


@pytest.fixture
def pair(told: Told) -> Pair:
    """The target's pair, whose database is not fresh any more: the story was told to it."""
    return told.pair


@pytest.fixture(scope="session")
def tales(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder for what the targets answered to the story. All worker processes of a run have the same one."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "tales"
    folder.mkdir(exist_ok=True)
    return folder
