"""The graph of images: only those that are needed, each once, built again when its recipe changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import files
from harness.containers import images
from harness.containers.builder import laid
from harness.containers.images import Tree, graph
from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.bases import base_arguments, read_bases
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
    table = read_bases(ROOT)
    for name in ("Dockerfile", "check.Dockerfile"):
        dockerfile = ROOT / "services" / target / name
        for argument in base_arguments(dockerfile):
            assert f"ARG {argument}={table[argument].official}" in dockerfile.read_text()


def test_a_base_that_the_table_does_not_know_is_refused(tmp_path: Path) -> None:
    shutil.copytree(files.BASES, tmp_path / "harness" / "bases")
    folder = tmp_path / "services" / "odd"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("ARG ODD_IMAGE=odd:1\nFROM ${ODD_IMAGE}\n")
    with pytest.raises(UsageError, match="ODD_IMAGE.*use one of"):
        graph(("odd",), "local", Tree(tmp_path))


VARIANTS = """
[variants.slow]
question = "What does another release bring?"
bases = { JDK_IMAGE = "21", MAVEN_IMAGE = "21" }
arguments = { RELEASE = "21" }
overlay = "variants/slow"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A checkout with the target `example` and its variant `example.slow`."""
    shutil.copytree(files.BASES, tmp_path / "harness" / "bases")
    folder = tmp_path / "services" / "example"
    (folder / "variants" / "slow").mkdir(parents=True)
    (folder / "service.toml").write_text(
        (ROOT / "services" / "java" / "service.toml").read_text().partition("[[")[0] + VARIANTS
    )
    (folder / "Dockerfile").write_text("ARG MAVEN_IMAGE=maven\nFROM ${MAVEN_IMAGE}\nARG RELEASE=25\nCOPY main .\n")
    (folder / "check.Dockerfile").write_text("ARG MAVEN_IMAGE=maven\nFROM ${MAVEN_IMAGE}\n")
    (folder / "main").write_text("base")
    (folder / "variants" / "slow" / "main").write_text("variant")
    return Tree(tmp_path)


@pytest.mark.parametrize("image_set", ["local", "official"])
def test_a_variant_is_built_on_its_own_versions_beside_its_base(tree: Tree, image_set: str) -> None:
    builds = graph(("example", "example.slow"), image_set, tree)
    base, variant = builds["example"], builds["example.slow"]
    assert (base.tag, variant.tag) == ("fitmap/example:latest", "fitmap/example.slow:latest")
    assert base.arguments["MAVEN_IMAGE"] != variant.arguments["MAVEN_IMAGE"]
    assert variant.arguments["RELEASE"] == "21" and "RELEASE" not in base.arguments
    for build in builds.values():
        assert set(build.after) <= set(builds)
    tags = {build.tag: build for build in builds.values()}
    assert tags[variant.arguments["MAVEN_IMAGE"]].name in variant.after
    if image_set == "local":
        maven = tags[variant.arguments["MAVEN_IMAGE"]]
        jdk = tags[maven.arguments["JDK_IMAGE"]]
        assert jdk.arguments["JDK"] == "21" and jdk.name in maven.after
        assert tags[tags[base.arguments["MAVEN_IMAGE"]].arguments["JDK_IMAGE"]].arguments["JDK"] == "25"
    # The check of a variant is built with the arguments that its own Dockerfile has.
    assert "RELEASE" not in graph(("example.slow:check",), image_set, tree)["example.slow:check"].arguments


def test_the_tag_of_a_base_image_tells_its_arguments(tree: Tree) -> None:
    before = graph(("example.slow",), "local", tree)["JDK_IMAGE JDK_IMAGE=21"].tag
    table = tree.bases / "images.toml"
    table.write_text(table.read_text().replace('JDK = "21"', 'JDK = "22"'))
    assert graph(("example.slow",), "local", tree)["JDK_IMAGE JDK_IMAGE=21"].tag != before


def test_an_overlay_is_laid_over_a_copy(tree: Tree) -> None:
    builds = graph(("example", "example.slow"), "local", tree)
    with laid(builds["example.slow"]) as folder:
        assert (folder / "main").read_text() == "variant"
        assert (folder / "Dockerfile").read_bytes() == (tree.root / "services" / "example" / "Dockerfile").read_bytes()
    assert not folder.exists()
    with laid(builds["example"]) as folder:
        assert folder == tree.root / "services" / "example" and (folder / "main").read_text() == "base"


def test_a_version_that_an_image_set_has_not_is_refused(tree: Tree) -> None:
    table = tree.bases / "images.toml"
    table.write_text(
        table.read_text().replace('official = "eclipse-temurin:21"\nlocal = "jdk"', 'official = "eclipse-temurin:21"')
    )
    with pytest.raises(UsageError, match="JDK_IMAGE has no version 21 in the image set local"):
        graph(("example.slow",), "local", tree)


def test_a_variant_that_is_gone_is_named(tree: Tree) -> None:
    with pytest.raises(UsageError) as refused:
        graph(("example.slaw",), "local", tree)
    assert str(refused.value) == 'unknown target "example.slaw": did you mean "example.slow"?'


def test_a_variant_is_built_after_its_base(tree: Tree) -> None:
    assert "example" in graph(("example.slow", "example"), "local", tree)["example.slow"].after
    assert "example" not in graph(("example.slow",), "local", tree)["example.slow"].after
