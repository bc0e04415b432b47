"""Variants on the engine: an overlay and build arguments reach the image, and an image that lies is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import msgspec
import pytest

from harness import files
from harness.containers.builder import Image, build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import Tree, graph, project_tag
from harness.containers.lifecycle import clean, leftovers, output_of
from harness.errors import UsageError
from harness.files import ROOT
from harness.host import machine
from harness.plan.placement import place
from harness.plan.targets import find_all, find_targets
from harness.record.config import Config, Ports
from harness.record.plan import Target, Variant
from harness.run.proof import check_differ, prove

pytestmark = pytest.mark.beside

CONFIG = Config(ports=Ports(service=24080, database=24432))

MANIFEST = """\
language = "Example"
class = "standard"
kind = "compiled"
framework = "none"
driver = "none"
sources = ["main.txt"]
lock_file = "main.txt"

[variants.label]
question = "Does a label matter?"
arguments = { LABEL = "other" }

[variants.nothing]
question = "Does an argument that nothing reads matter?"
arguments = { UNUSED = "other" }

[variants.overlay]
question = "Does another file matter?"
overlay = "variants/overlay"
"""

DOCKERFILE = """\
ARG DEBIAN_IMAGE=debian:trixie-slim
FROM ${DEBIAN_IMAGE}
ARG LABEL=base
ARG UNUSED=base
COPY main.txt /main.txt
LABEL of="${LABEL}"
"""


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    found = connect(install=True, say=print)
    clean(found)
    return found


@pytest.fixture
def images(client: docker.DockerClient, tmp_path: Path) -> Iterator[Mapping[str, Image]]:
    """The images of a target and its variants, in a checkout of their own."""
    shutil.copytree(files.BASES, tmp_path / "harness" / "bases")
    folder = tmp_path / "services" / "example"
    (folder / "variants" / "overlay").mkdir(parents=True)
    (folder / "service.toml").write_text(MANIFEST)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "main.txt").write_text("base")
    (folder / "variants" / "overlay" / "main.txt").write_text("overlay")
    tree = Tree(tmp_path, "test-variants")
    targets = find_all(tmp_path / "services")
    made = build_all(client, graph(tuple(targets), choose_set("auto", print), tree), print)
    yield {name: made[name] for name in targets}
    for name in targets:
        client.images.remove(project_tag(name, tree), noprune=False)


def test_what_a_variant_changes_reaches_its_image(
    client: docker.DockerClient, images: Mapping[str, Image], tmp_path: Path
) -> None:
    def label(name: str) -> str:
        return str(client.images.get(images[name].id).labels["of"])

    def file(name: str) -> str:
        return output_of(client, images[name].id, ["cat", "/main.txt"])

    assert [label(name) for name in ("example", "example.label", "example.overlay")] == ["base", "other", "base"]
    assert [file(name) for name in ("example", "example.overlay")] == ["base", "overlay"]
    targets = find_all(tmp_path / "services")
    check_differ({name: targets[name] for name in ("example", "example.label", "example.overlay")}, images)
    with pytest.raises(UsageError) as refused:
        check_differ(targets, images)
    assert str(refused.value) == (
        "example.nothing is the same image as example, with the same environment: its arguments reach nothing"
    )


def _go(**claims: str) -> dict[str, Target]:
    variant = Variant("claims", "go", "What?", environment={"GOGC": "200"}, proves=claims)
    base = find_targets(ROOT / "services")["go"]
    return {"go.claims": msgspec.structs.replace(base, name="go.claims", variant=variant)}


def test_an_image_that_lies_is_refused_before_anything_is_measured(client: docker.DockerClient) -> None:
    found = {name: client.images.get(project_tag(name)) for name in ("go", "database", "load")}
    images = {name: Image(name, str(image.id), 1) for name, image in found.items()}
    images["go.claims"] = images["go"]
    placement = place(machine.topology())
    prove(client, CONFIG, placement, _go(runtime="go1."), images, print)
    with pytest.raises(UsageError, match=r'^go\.claims says runtime "go1\.[0-9.]+", not "go0": it is not what'):
        prove(client, CONFIG, placement, _go(runtime="go0"), images, print)
    assert [container.name for container, _ in leftovers(client)] == []
