"""Finds a Docker Engine that answers, or installs and starts Debian's where that is allowed, or says what to do.

It uses the engine behind DOCKER_HOST or the default socket: Docker's, Docker Desktop's, or Podman's Docker-compatible one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import psutil
from docker.errors import DockerException
from msgspec import Struct
from requests import RequestException, Timeout
from urllib3.exceptions import HTTPError

from harness.errors import EngineError

Say = Callable[[str], None]

#: What a call to the engine may raise: the engine's own errors, and those of an engine that breaks off or is silent.
FAILURES = (DockerException, RequestException, HTTPError)

PACKAGES = ("docker.io", "iptables")
START_SECONDS = 60
#: What builds or imports an image waits longer (harness/containers/builder.py).
CALL_TIMEOUT_SECONDS = 60
#: An engine that did not answer in that time gets so much for each further call, until it answers.
SILENT_TIMEOUT_SECONDS = 5
STATE = Path("/run/fitmap")
# A daemon that was killed leaves these files. If another process has got the number since, the next daemon does not start.
PID_FILES = {
    STATE / "dockerd.pid": "dockerd",
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}


class Silent(Struct, frozen=True):
    """No engine answers. `reason`: what the system or the engine said."""

    reason: str
    #: The engine's socket is not there, or nobody listens at it.
    absent: bool = False
    #: It is there, and this user has no right to it.
    forbidden: bool = False

    def words(self, advice: str) -> str:
        """What is wrong and what to do. `advice`: what to do where there is no engine."""
        if self.forbidden:
            return (
                f"the Docker Engine is closed to this user ({self.reason}): add the user to the group docker and log in "
                "again, or run fitmap as root"
            )
        if address := os.environ.get("DOCKER_HOST"):
            return f"no engine answers at DOCKER_HOST={address} ({self.reason}): start it or unset DOCKER_HOST"
        return f"no Docker Engine answers ({self.reason}): {advice}"


class _Api(docker.APIClient):
    """Waits long for an engine that does not answer once only: each container of a trial takes a call to remove."""

    def request(self, *arguments: Any, **options: Any) -> Any:
        try:
            response = super().request(*arguments, **options)
        except Timeout:
            self.timeout = SILENT_TIMEOUT_SECONDS
            raise
        self.timeout = CALL_TIMEOUT_SECONDS
        return response


class _Client(docker.DockerClient):
    def __init__(self, **options: Any) -> None:
        self.api = _Api(**options)


def reach() -> docker.DockerClient | Silent:
    """A client of the engine that answers, or why none does."""
    try:
        client = _Client.from_env(timeout=CALL_TIMEOUT_SECONDS, max_pool_size=16)
        client.ping()
    except (*FAILURES, OSError, ValueError) as error:  # ValueError: an address that is none
        cause = _cause(error)
        absent = isinstance(cause, (FileNotFoundError, ConnectionRefusedError)) and not os.environ.get("DOCKER_HOST")
        return Silent(_said(cause), absent, isinstance(cause, PermissionError))
    return client


def try_connect() -> docker.DockerClient | None:
    """A client of the engine that answers, or None."""
    found = reach()
    return None if isinstance(found, Silent) else found


def _cause(error: BaseException) -> BaseException:
    """What the system said, which libraries wrap several times; or what the last of them said."""
    found: list[BaseException] = [error]
    while (before := found[-1].__cause__ or found[-1].__context__) is not None and before not in found:
        found.append(before)
    system = [each for each in found if isinstance(each, OSError) and each.strerror]
    return system[-1] if system else error


def _said(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines()
    return lines[-1][:200] if lines else type(error).__name__


def connect(install: bool, say: Say) -> docker.DockerClient:
    """A client of an engine that answers; installs and starts one where `install` allows it. Raises EngineError."""
    found = reach()
    if not isinstance(found, Silent):
        return found
    if found.forbidden or os.environ.get("DOCKER_HOST"):
        raise EngineError(found.words(""))
    if not install:
        raise EngineError(
            found.words(
                "fitmap may not install one: start Docker, or allow it with `--install-engine` or `install = true` under "
                "[engine] in fitmap.toml"
            )
        )
    if not Path("/etc/debian_version").exists() or os.geteuid() != 0:
        raise EngineError(found.words("install and start Docker (as root on Debian or Ubuntu, fitmap does this itself)"))
    if not shutil.which("dockerd"):
        _install(say)
    _start(say)
    found = reach()
    if isinstance(found, Silent):
        raise EngineError(f"the Docker Engine was started but does not answer ({found.reason}): see {STATE / 'dockerd.log'}")
    return found


def apt_install(packages: tuple[str, ...], say: Say) -> None:
    """Updates the package lists and installs Debian packages. Raises EngineError."""
    say(f"installing Debian packages: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        tail = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise EngineError(f"apt-get could not install {' '.join(packages)}: {' '.join(tail)}")


def _install(say: Say) -> None:
    say("no Docker Engine is installed: installing Debian's (`--no-install-engine` prevents this)")
    apt_install(PACKAGES, say)


def remove_stale_pid_files() -> None:
    """Removes pid files whose process has ended or is another program."""
    for path, program in PID_FILES.items():
        try:
            pid = int(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        try:
            alive = psutil.Process(pid).name() == program
        except psutil.Error:
            alive = False
        if not alive:
            path.unlink(missing_ok=True)


def _start(say: Say) -> None:
    """Starts dockerd in a session of its own, so that it outlives this command, and waits until it answers."""
    say(
        "starting the Docker Engine; it keeps running when fitmap ends "
        f"(to stop it, as root: kill $(cat {STATE / 'dockerd.pid'}))"
    )
    STATE.mkdir(parents=True, exist_ok=True)
    remove_stale_pid_files()
    log = STATE / "dockerd.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["dockerd", "--pidfile", str(STATE / "dockerd.pid")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if try_connect():
            return
        if process.poll() is not None:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise EngineError(f"dockerd ended at once ({' '.join(last)[-300:]}): see {log}")
        time.sleep(0.2)
    raise EngineError(f"dockerd did not answer within {START_SECONDS} s: see {log}")
