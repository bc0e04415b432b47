"""Finding, installing and starting an engine: the messages where that is not possible."""

from __future__ import annotations

import argparse
import errno
import os
import socketserver
import threading
import time
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException
from requests import Timeout
from urllib3.exceptions import ProtocolError

from harness.calibration.doctor import engine_findings
from harness.cli.prepare import clean_up
from harness.cli.terminal import Terminal
from harness.containers import engine
from harness.errors import EngineError


def test_no_engine_and_no_permission_to_install_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with pytest.raises(EngineError, match="start Docker, or allow it with `--install-engine`"):
        engine.connect(install=False, say=print)


def test_an_engine_that_docker_host_names_is_never_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(EngineError, match=r"DOCKER_HOST=tcp://127.0.0.1:1 \(.*\): start it or unset"):
        engine.connect(install=True, say=print)


def test_without_root_the_message_is_to_install_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EngineError, match="install and start Docker"):
        engine.connect(install=True, say=print)


def refusing(cause: OSError) -> Callable[..., None]:
    """What docker-py does where its first request fails: the cause is wrapped several times."""

    def refuse(**_: object) -> None:
        try:
            try:
                raise cause
            except OSError as error:
                raise ProtocolError("Connection aborted.", error) from error
        except ProtocolError as error:
            raise DockerException(f"Error while fetching server API version: {error}") from error

    return refuse


def test_a_socket_that_is_closed_to_the_user_is_no_missing_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(docker.DockerClient, "from_env", refusing(PermissionError(errno.EACCES, "Permission denied")))
    for install in (True, False):
        with pytest.raises(
            EngineError, match=r"closed to this user \(Permission denied\): add the user to the group docker"
        ):
            engine.connect(install=install, say=print)
    (finding,) = engine_findings(engine.reach())
    assert finding.grade == "bad" and "group docker" in finding.text
    with pytest.raises(EngineError, match="group docker"):
        clean_up(argparse.Namespace(force=False), Terminal())


def test_what_the_system_or_the_engine_said_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(
        docker.DockerClient, "from_env", refusing(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    )
    found = engine.reach()
    assert found == engine.Silent("No such file or directory", absent=True)
    assert clean_up(argparse.Namespace(force=False), Terminal()) == 0
    monkeypatch.setenv("DOCKER_HOST", "tcp://[::1]:2375")
    with pytest.raises(EngineError, match=r"DOCKER_HOST=tcp://\[::1\]:2375 \(No such file or directory\)"):
        clean_up(argparse.Namespace(force=False), Terminal())

    def old(**_: object) -> None:
        raise DockerException("a long story\nclient version 1.50 is too new")

    monkeypatch.setattr(docker.DockerClient, "from_env", old)
    assert engine.reach() == engine.Silent("client version 1.50 is too new")


def test_an_engine_that_was_stopped_is_waited_for_once_and_not_with_each_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "CALL_TIMEOUT_SECONDS", 0.6)
    monkeypatch.setattr(engine, "SILENT_TIMEOUT_SECONDS", 0.1)
    goes_on = threading.Event()

    class Stopped(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            goes_on.wait(10)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")

    class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Engine(str(tmp_path / "socket"), Stopped) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = engine._Client(base_url=f"unix://{tmp_path}/socket", version="1.41", timeout=0.6)
        took = []
        for _ in range(3):
            begun = time.monotonic()
            with pytest.raises(Timeout):
                client.ping()
            took.append(time.monotonic() - begun)
        assert took[0] > 0.5 and max(took[1:]) < 0.5, took
        # It was only late.
        goes_on.set()
        assert client.ping() and client.api.timeout == 0.6
        server.shutdown()


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
