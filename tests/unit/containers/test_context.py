"""The same files give the same build context, however they came to this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.utils.build import tar

from harness.containers import builder
from harness.containers.builder import build_arguments
from harness.containers.context import archived, packed
from harness.containers.images import graph
from harness.files import ROOT


def digest(folder: Path) -> str:
    with packed(folder, "Dockerfile") as archive:
        return hashlib.sha256(archive.read()).hexdigest()


def entries(folder: Path, dockerfile: str = "Dockerfile") -> dict[str, tarfile.TarInfo]:
    with packed(folder, dockerfile) as archive, tarfile.open(fileobj=archive) as opened:
        return {each.name: each for each in opened.getmembers()}


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *name, *arguments], cwd=folder, env=environment, check=True, capture_output=True)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with a Dockerfile, a program, sources and a link."""
    folder = tmp_path / "origin"
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / "src" / "deep" / "main").write_text("main")
    (folder / "src-of-it").write_text("µ")
    (folder / "start").write_text("#!/bin/sh\n")
    (folder / "start").chmod(0o755)
    (folder / "link").symlink_to("src/deep/main")
    git(folder, "init", "--quiet")
    (folder / ".dockerignore").write_text("# nothing of git\n.git\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "x")
    return folder


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def test_checkouts_of_any_umask_and_an_archive_are_the_same(origin: Path, umask: Callable[[int], int]) -> None:
    expected = digest(origin)
    for mask in (0o022, 0o002, 0o077):
        umask(mask)
        git(origin.parent, "clone", "--quiet", "origin", f"clone-{mask}")
        assert digest(origin.parent / f"clone-{mask}") == expected, oct(mask)
    umask(0o022)
    git(origin, "archive", "--output=../tree.tar", "HEAD")
    shutil.unpack_archive(origin.parent / "tree.tar", origin.parent / "archive")
    assert digest(origin.parent / "archive") == expected


def test_times_owners_hard_links_and_empty_folders_change_nothing(origin: Path) -> None:
    expected = digest(origin)
    os.utime(origin / "start", (1, 1))
    (origin / "src" / "empty" / "deeper").mkdir(parents=True)
    (origin.parent / "other").hardlink_to(origin / "start")
    if os.geteuid() == 0:
        os.chown(origin / "src", 1234, 1234)
    assert digest(origin) == expected


def test_content_names_links_and_the_right_to_execute_change_it(origin: Path) -> None:
    seen = [digest(origin)]
    (origin / "start").chmod(0o644)
    seen.append(digest(origin))
    (origin / "link").unlink()
    (origin / "link").symlink_to("start")
    seen.append(digest(origin))
    (origin / "src" / "deep" / "main").write_text("niam")
    seen.append(digest(origin))
    (origin / "src-of-it").rename(origin / "src-of-them")
    seen.append(digest(origin))
    assert len(set(seen)) == len(seen)


def test_everybody_may_read_and_what_is_excluded_stays_out(origin: Path) -> None:
    found = entries(origin)
    assert set(found) == {"Dockerfile", ".dockerignore", "link", "src", "src/deep", "src/deep/main", "src-of-it", "start"}
    assert {name: oct(each.mode) for name, each in found.items() if not each.issym()} == {
        "Dockerfile": "0o644", ".dockerignore": "0o644", "src": "0o755", "src/deep": "0o755", "src/deep/main": "0o644",
        "src-of-it": "0o644", "start": "0o755",
    }  # fmt: skip
    assert {(each.uid, each.gid, each.uname, each.gname) for each in found.values()} == {(0, 0, "", "")}
    assert found["link"].linkname == "src/deep/main"


@pytest.mark.parametrize("name", ["go", "rust", "java", "kotlin", "python", "cpp", "database", "load", "proxy", "go:check"])
def test_the_files_of_each_image_are_those_that_docker_would_send(name: str) -> None:
    build = graph((name,), "official")[name]
    ignored = build.context / ".dockerignore"
    patterns = ignored.read_text().splitlines() if ignored.exists() else []
    patterns = [line for line in patterns if line and not line.startswith("#")]
    with (
        tar(str(build.context), exclude=patterns, dockerfile=(build.dockerfile, None)) as archive,
        tarfile.open(fileobj=archive) as opened,
    ):
        sent = {each.name for each in opened.getmembers() if not each.isdir()}
    if build.files:
        # Those of a wheel lie in two places, so they are named one by one.
        assert {name for _, name in build.files} == sent - {".dockerignore"}
        return
    mine = entries(build.context, build.dockerfile)
    assert {each for each, entry in mine.items() if not entry.isdir()} == sent


def test_the_folders_of_files_that_are_named_need_not_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with (
        archived([(tmp_path / "a.txt", "deep/er/a.txt"), (tmp_path / "a.txt", "deep/b.txt")]) as archive,
        tarfile.open(fileobj=archive) as opened,
    ):
        found = [(each.name, oct(each.mode)) for each in opened.getmembers()]
    assert found == [("deep", "0o755"), ("deep/er", "0o755"), ("deep/er/a.txt", "0o644"), ("deep/b.txt", "0o644")]


def test_a_proxy_that_appears_does_not_change_which_steps_have_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """The builder marks each step as soon as there is any argument, and looks for the marked step in its cache."""
    for name in builder.PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    build = graph(("go",), "official")["go"]
    without = build_arguments(build)
    assert without == {**build.arguments, "ftp_proxy": ""}
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    monkeypatch.setenv("no_proxy", "localhost")
    assert build_arguments(build) == {
        **build.arguments, "ftp_proxy": "", "https_proxy": "http://127.0.0.1:3128", "no_proxy": "localhost",
    }  # fmt: skip


def test_builds_of_a_checkout_that_cant_be_written_keep_their_output_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(builder, "BUILD_LOGS", tmp_path / "file" / "runs")
    builder.log_folder.cache_clear()
    try:
        assert builder.log_folder().parent == tmp_path
    finally:
        builder.log_folder.cache_clear()
    assert builder.BUILD_LOGS != ROOT / "runs" / ".build"
