"""Runs one target, its database and Locust's web UI until Ctrl-C, for `make play`.

    python -m harness.cli.play TARGET PROFILE [--install-engine | --no-install-engine]

It uses Docker Compose, and needs the images to be built. It removes its containers whenever it ends. Only after SIGKILL
they stay, and `fitmap clean` removes them. Exit status: 2 wrong usage, 4 something failed, 128 + the number of the signal
that ended it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from harness.cli.ending import interrupt, run
from harness.containers.engine import apt_install, connect
from harness.containers.lifecycle import check_port_free, clean, new_password
from harness.containers.owners import owner
from harness.containers.spec import LOOPBACK
from harness.errors import EngineError, PortTaken
from harness.files import ROOT
from harness.plan.config_file import override, read_config
from harness.plan.targets import find_all
from harness.record.config import Ports
from harness.record.plan import folder_of

WEB_PORT = 8089
PACKAGE = "docker-compose"
DEBIAN = Path("/etc/debian_version")
# v2 is a plug-in of Docker's client, and on Debian 13 also a program. v1 (Debian 12) is a program. All can read the file.
COMMANDS = (("docker", "compose"), ("docker-compose",))
STOP_SECONDS = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("profile")
    parser.add_argument("--install-engine", action=argparse.BooleanOptionalAction, default=None)
    # `fitmap build` ran before with the same options, and has refused unknown ones.
    options, _ = parser.parse_known_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    return run(lambda: play(options.target, options.profile, options.install_engine), say, ROOT / "runs")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def play(target: str, profile: str, install_engine: bool | None) -> NoReturn:
    """Runs until a container ends or the user interrupts. Raises FitmapError."""
    install = override(read_config(ROOT / "fitmap.toml"), "engine", install=install_engine).engine.install
    client = connect(install, say)
    compose = (*find_compose(install), "--project-name", "fitmap", "--file", str(ROOT / "docker-compose.yml"))
    variant = find_all(ROOT / "services").get(target)
    # Refuses to run during a measurement, which it would disturb.
    clean(client)
    check_ports()
    environment = {
        **os.environ,
        "TARGET": target,
        "PROFILE": profile,
        "FITMAP_DATABASE_PASSWORD": new_password(),
        "FITMAP_OWNER": owner(),
        "COMPOSE_MENU": "false",
    }
    say(f"starting {target} for profile {profile}; Locust's web UI: http://{LOOPBACK}:{WEB_PORT}; Ctrl-C ends it")
    with tempfile.TemporaryDirectory(prefix="fitmap-play-") as scratch:
        beside = Path(scratch, "variant.json")
        beside.write_text(json.dumps(compose_beside(target, variant.environment if variant else {})), encoding="utf-8")
        status = up_and_down((*compose, "--file", str(beside)), environment)
    raise EngineError(f"a container ended, or Docker Compose failed (status {status}): its output above says why")


def compose_beside(target: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """What stands beside docker-compose.yml: the folder of a target, and the variables of a variant."""
    context = str(ROOT / "services" / folder_of(target))
    return {"services": {"service": {"build": {"context": context}, "environment": dict(environment)}}}


def present_compose() -> tuple[str, ...] | None:
    """The first command that runs Docker Compose here."""
    for command in COMMANDS:
        if shutil.which(command[0]):
            done = subprocess.run([*command, "version"], capture_output=True, check=False)
            if done.returncode == 0:
                return command
    return None


def find_compose(install: bool) -> tuple[str, ...]:
    """The command of Docker Compose. Installs Debian's if allowed. Raises EngineError."""
    command = present_compose()
    if command:
        return command
    if not install:
        raise EngineError(
            f"Docker Compose is missing and installing it is switched off: install the package {PACKAGE}, or allow it "
            "with `--install-engine` or `install = true` under [engine] in fitmap.toml"
        )
    if not DEBIAN.exists() or os.geteuid() != 0:
        raise EngineError(
            f"Docker Compose is missing: install Docker's plug-in `docker compose` or the program {PACKAGE} "
            "(as root on Debian or Ubuntu, `make play` does it itself)"
        )
    apt_install((PACKAGE,), say)
    command = present_compose()
    if not command:
        raise EngineError(f"the package {PACKAGE} was installed but does not run: install Docker's plug-in `docker compose`")
    return command


def check_ports() -> None:
    """Raises PortTaken if a port of docker-compose.yml is in use on the host."""
    ports = {"service": Ports().service, "database": Ports().database, "web UI": WEB_PORT}
    for role, port in ports.items():
        try:
            check_port_free(port, role)
        except PortTaken:
            raise PortTaken(f"port {port} on {LOOPBACK}, meant for the {role}, is taken: end what listens there") from None


def up_and_down(compose: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """Runs `up` until it ends or a signal comes, then `down`. The exit status of `up`.

    Both run in sessions of their own. So Ctrl-C reaches only this program, which ends them in order.
    """
    up = None
    try:
        up = subprocess.Popen(
            [*compose, "up", "--no-build", "--abort-on-container-exit", "--timeout", str(STOP_SECONDS)],
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return up.wait()
    finally:
        # Signals are ignored from here on: a second Ctrl-C would leave containers.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        say("removing the containers")
        if up:
            end(up)
        down = [*compose, "down", "--volumes", "--remove-orphans", "--timeout", str(STOP_SECONDS)]
        done = subprocess.run(down, env=environment, stdin=subprocess.DEVNULL, start_new_session=True, check=False)
        if done.returncode:
            raise EngineError("Docker Compose could not remove its containers: `fitmap clean` does")


def end(up: subprocess.Popen[bytes]) -> None:
    """Ends `up` and waits. Compose stops the containers; `down` stops those that are left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if up.poll() is None:
            # To the whole session, as a terminal does: Docker's client does not always pass signals on to its plug-in.
            os.killpg(up.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                up.wait(timeout=3 * STOP_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
