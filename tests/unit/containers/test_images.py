"""The graph of images: only those that are needed, each once, built again when its recipe changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import files
from harness.containers import images
from harness.containers.images import Tree, base_arguments, base_table, graph
from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.targets import find_targets

TARGETS = tuple(find_targets(ROOT / "services"))


def test_only_what_a_plan_needs_is_built() -> None:
    needed = graph(("database", "load", "go"), "local")
    assert {"DEBIAN_IMAGE", "GO_IMAGE", "POSTGRES_IMAGE", "PYTHON_IMAGE", "database", "load", "go"} == set(needed)


@pytest.mark.parametrize("image_set", ["local", "official"])
def test_every_build_comes_after_what_it_starts_from(image_set: str) -> None:
    builds = graph(("database", "load", *TARGETS), image_set)
    for build in builds.values():
        assert set(build.after) <= set(builds)
        for argument, tag in build.arguments.items():
            if argument in builds:
                assert builds[argument].tag == tag


def test_local_images_never_bear_official_names() -> None:
    for build in graph(("database", "load", *TARGETS), "local").values():
        assert build.tag.startswith(("fitmap/", "fitmap-base/"))


def test_a_changed_recipe_rebuilds_a_base_image_and_all_that_use_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = graph(("load", "go"), "local")
    (tmp_path / "company.crt").write_text("certificate")
    monkeypatch.setattr(images, "HOST_CERTIFICATES", tmp_path)
    after = graph(("load", "go"), "local")
    for name in ("DEBIAN_IMAGE", "PYTHON_IMAGE", "GO_IMAGE"):
        assert before[name].tag != after[name].tag


def test_certificates_of_the_host_reach_official_images_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(images, "HOST_CERTIFICATES", tmp_path)
    plain = graph(("go",), "official")
    assert plain["GO_IMAGE"].how == "pull"
    (tmp_path / "company.crt").write_text("certificate")
    certified = graph(("go",), "official")
    assert certified["GO_IMAGE"].how == "certify"
    assert certified["go"].arguments["GO_IMAGE"] == certified["GO_IMAGE"].tag


@pytest.mark.parametrize("target", TARGETS)
def test_a_stranger_can_build_each_service_with_docker_alone(target: str) -> None:
    """Each argument for a base image has the official image as its default."""
    table = base_table()
    for name in ("Dockerfile", "check.Dockerfile"):
        dockerfile = ROOT / "services" / target / name
        for argument in base_arguments(dockerfile):
            assert f"ARG {argument}={table[argument]['official']}" in dockerfile.read_text()


def test_a_base_that_the_table_does_not_know_is_refused(tmp_path: Path) -> None:
    shutil.copytree(files.BASES, tmp_path / "harness" / "bases")
    folder = tmp_path / "services" / "odd"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("ARG ODD_IMAGE=odd:1\nFROM ${ODD_IMAGE}\n")
    with pytest.raises(UsageError, match="ODD_IMAGE.*use one of"):
        graph(("odd",), "local", Tree(tmp_path))
