"""A fresh pair for each target that is tested; images by their tag, missing ones built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from asked import FULL, TARGETS
from docker.errors import ImageNotFound
from stand import Pair, Stand, placed
from story import Told
from xdist.scheduler.loadscope import LoadScopeScheduling

from harness.containers.builder import build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import graph, project_tag


class ByTarget(LoadScopeScheduling):
    """All tests of a target run in one worker process, one after the other: they share a database and a service.

    The marks for that, pytest-xdist's `xdist_group`, do nothing with pytest 9: the id of a test is no longer what it sets.
    """

    def _split_scope(self, nodeid: str) -> str:
        named = [word for word in re.split(r"[\[\]-]", nodeid.rpartition("::")[2]) if word in TARGETS]
        return named[0] if named else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByTarget:
    return ByTarget(config, log)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "containers: starts containers; needs a Docker Engine")
    config.addinivalue_line("markers", "essential: part of the short form, which every target gets (tests/targets/asked.py)")
    config.addinivalue_line("markers", "slow: takes more than five seconds for a target")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test runs on the targets that get all tests, an essential one on every target."""
    if "target" in metafunc.fixturenames:
        essential = metafunc.definition.get_closest_marker("essential")
        metafunc.parametrize("target", sorted(TARGETS if essential else FULL), indirect=True, scope="session")


@pytest.fixture(scope="session")
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
    with Stand(client, placed()) as opened:
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
