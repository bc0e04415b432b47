"""What git says is told, and a machine without git is no crash."""

from __future__ import annotations

import os

import pytest

from harness.cli.arguments import parser
from harness.cli.compare import compare
from harness.cli.terminal import Terminal
from harness.containers import versions
from harness.errors import UsageError
from harness.host.git import git
from harness.run.description import _revision


def test_the_commit_of_this_checkout_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    assert (_revision({}, said.append) or "").removesuffix("+") == git("rev-parse", "HEAD").text[:12]
    assert said == []


def test_a_checkout_of_another_owner_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    said: list[str] = []
    assert _revision({}, said.append) is None
    (line,) = said
    assert line.startswith("the record has no revision: fatal: detected dubious ownership")
    assert "; git config --global --add safe.directory" in line
    with pytest.raises(UsageError, match="'HEAD' is no record, and git can't look .*dubious ownership"):
        versions.resolve("HEAD")


def test_without_git_nothing_crashes(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert _revision({}, said.append) is None
    assert said == ["the record has no revision: git is not installed, or not on PATH"]
    with pytest.raises(UsageError, match="git is not installed"):
        versions.resolve("HEAD")
    with pytest.raises(UsageError, match="git is not installed"), versions.checked_out("HEAD"):
        pass


@pytest.mark.parametrize("words", [("typo", "."), ("HEAD", "typo"), ("HEAD",)])
def test_a_revision_is_looked_for_before_the_engine_is_touched(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("the engine was cleaned")

    monkeypatch.setattr("harness.cli.compare.ready_engine", touched)
    options = parser().parse_args(["--runs", str(tmp_path), "compare", *words])
    expected = UsageError if "typo" in words else AssertionError
    with pytest.raises(expected, match="'typo' is neither" if "typo" in words else "cleaned"):
        compare(options, Terminal())
