"""Each target's own formatter, linter and unit tests find nothing: its check.Dockerfile builds."""

from __future__ import annotations

import docker
import manifest
import pytest
from asked import FULL, TARGETS

from harness.containers.builder import build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import graph
from harness.files import ROOT
from harness.record.plan import folder_of


def refuse(problems: list[str]) -> None:
    """Fails with the sentences alone, if there are any."""
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


@pytest.fixture(scope="session")
def image_set() -> str:
    return choose_set("auto", print)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("target", FULL)
def test_format_lint_and_unit_tests_of_the_language_pass(client: docker.DockerClient, image_set: str, target: str) -> None:
    build_all(client, graph((f"{target}:check",), image_set), print)


@pytest.mark.parametrize("name", TARGETS)
def test_the_lock_file_that_the_manifest_names_exists(name: str) -> None:
    refuse(manifest.lock_file_problems(ROOT / "services" / folder_of(name), TARGETS[name]))


@pytest.mark.parametrize("name", TARGETS)
def test_each_pattern_of_sources_matches_a_file(name: str) -> None:
    refuse(manifest.source_problems(ROOT / "services" / folder_of(name), TARGETS[name]))


@pytest.mark.parametrize("name", TARGETS)
def test_every_setting_has_its_reason(name: str) -> None:
    refuse(manifest.setting_problems(TARGETS[name]))
