"""Finding, installing and starting an engine: the messages where that is not possible."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.containers import engine
from harness.errors import EngineError


def test_no_engine_and_no_permission_to_install_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with pytest.raises(EngineError, match="start Docker, or allow it with `--install-engine`"):
        engine.connect(install=False, say=print)


def test_an_engine_that_docker_host_names_is_never_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(EngineError, match="DOCKER_HOST=tcp://127.0.0.1:1: start it or unset"):
        engine.connect(install=True, say=print)


def test_without_root_the_message_is_to_install_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EngineError, match="install and start Docker"):
        engine.connect(install=True, say=print)


def test_pid_files_of_dead_or_other_processes_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dead, recycled, damaged = tmp_path / "dead.pid", tmp_path / "recycled.pid", tmp_path / "damaged.pid"
    dead.write_text("999999999")
    recycled.write_text(str(os.getpid()))  # alive, but no dockerd
    damaged.write_text("")
    monkeypatch.setattr(engine, "PID_FILES", {dead: "dockerd", recycled: "dockerd", damaged: "dockerd"})
    engine.remove_stale_pid_files()
    assert not dead.exists()
    assert not recycled.exists()


def test_the_pid_file_of_a_living_daemon_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    living = tmp_path / "living.pid"
    living.write_text(str(os.getpid()))
    import psutil

    monkeypatch.setattr(engine, "PID_FILES", {living: psutil.Process().name()})
    engine.remove_stale_pid_files()
    assert living.exists()
