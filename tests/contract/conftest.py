"""A fresh pair for each target that the harness finds; images by their tag, missing ones built."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException

import checks
import docker
import pytest
import talking
from docker.errors import ImageNotFound
from stand import Pair, Stand

from harness.build import build_all, choose_set
from harness.engine import connect
from harness.host import topology
from harness.images import ROOT, graph, project_tag
from harness.placement import place
from harness.targets import find_targets
from loadtests.lean.golden import Answer

LONGEST_WAIT_MS = 10_000


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "containers: starts containers; needs a Docker Engine")
    config.addinivalue_line("markers", "slow: takes more than five seconds for a target")


@pytest.fixture(scope="session", params=sorted(find_targets(ROOT / "services")))
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
    for name in ("database", *find_targets(ROOT / "services")):
        try:
            client.images.get(project_tag(name))
        except ImageNotFound:
            missing.append(name)
    if missing:
        build_all(client, graph(tuple(missing), choose_set("auto", print)), print)
    with Stand(client, place(topology())) as opened:
        yield opened


class Told:
    """What a target answered on a fresh pair, before anything else touched it.

    The longest /wait there is starts then and runs beside the other tests.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.answers = checks.tell_story(pair.port)
        self._waited: tuple[Answer, float] | None = None
        self._waiting = threading.Thread(target=self._wait)
        self._waiting.start()

    def _wait(self) -> None:
        start = time.monotonic()
        # Broken off when the pair ends before: then nobody asks for the answer.
        with contextlib.suppress(OSError, HTTPException):
            answer = talking.get(self.pair.port, f"/wait?ms={LONGEST_WAIT_MS}")
            self._waited = answer, time.monotonic() - start

    def longest_wait(self) -> tuple[Answer, float]:
        """The answer to the longest wait and how many seconds it took."""
        self._waiting.join()
        assert self._waited, f"{self.pair.target}: no answer to the longest wait"
        return self._waited


@pytest.fixture(scope="session")
def told(stand: Stand, target: str) -> Iterator[Told]:
    with stand.scope() as scope:
        yield Told(scope.pair(target))


@pytest.fixture
def pair(told: Told) -> Pair:
    """The target's pair, whose database is not fresh any more: the story was told to it."""
    return told.pair


@pytest.fixture(scope="session")
def tales() -> dict[str, list[str]]:
    """What the targets so far answered to the story, by target."""
    return {}
