"""The same content gives the same image, whatever the modes of the files are and whichever proxy there is."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from harness.containers import builder
from harness.containers.builder import build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import HERE, Tree, graph
from harness.files import ROOT

pytestmark = pytest.mark.beside

TAG = "same-images"


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    found = connect(install=True, say=print)
    yield found
    with contextlib.suppress(ImageNotFound):
        found.images.remove(f"fitmap/proxy:{TAG}")


def built(client: docker.DockerClient, name: str, tree: Tree = HERE) -> str:
    return build_all(client, graph((name,), choose_set("auto", print), tree), print)[name].id


def test_a_checkout_with_a_umask_of_077_gives_the_same_image(client: docker.DockerClient, tmp_path: Path) -> None:
    for folder in ("services/proxy", "harness/bases"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for path in tmp_path.rglob("*"):
        path.chmod(0o700 if path.is_dir() or path.stat().st_mode & 0o100 else 0o600)
    assert built(client, "proxy", Tree(tmp_path, TAG)) == built(client, "proxy")


def test_a_proxy_that_appears_builds_nothing_again(client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in builder.PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    # Its steps run commands, and no argument of its own stands before them.
    before = built(client, "python")
    monkeypatch.setenv("no_proxy", "example.invalid")
    assert built(client, "python") == before
