"""Each target's own formatter, linter and unit tests find nothing: its check.Dockerfile builds."""

from __future__ import annotations

import docker
import pytest

from harness.containers.builder import build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import graph
from harness.files import ROOT
from harness.plan.targets import find_targets

TARGETS = find_targets(ROOT / "services")


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


@pytest.fixture(scope="session")
def image_set() -> str:
    return choose_set("auto", print)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("target", TARGETS)
def test_format_lint_and_unit_tests_of_the_language_pass(client: docker.DockerClient, image_set: str, target: str) -> None:
    build_all(client, graph((f"{target}:check",), image_set), print)


@pytest.mark.parametrize("name", TARGETS)
def test_the_lock_file_and_the_sources_that_the_manifest_names_exist(name: str) -> None:
    folder, target = ROOT / "services" / name, TARGETS[name]
    assert (folder / target.lock_file).is_file()
    for pattern in target.sources:
        assert list(folder.glob(pattern)), pattern


@pytest.mark.parametrize("name", TARGETS)
def test_every_setting_has_its_reason(name: str) -> None:
    assert TARGETS[name].settings
    for setting in TARGETS[name].settings:
        assert len(setting.why) > 10
