"""What a team's own service needs before it starts, and why it is not ready: in words that say what to change."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import psutil

from harness.containers.lifecycle import RunningContainer
from harness.containers.spec import LOOPBACK
from harness.errors import TrialError

#: How long a database or companion may take until it accepts connections, with its initial statements executed.
LISTEN_SECONDS = 120.0
MIGRATE_SECONDS = 300.0
#: Of a log, in a sentence.
LAST_LETTERS = 400


def wait_until_listening(running: RunningContainer, name: str, port: int) -> None:
    """Waits until a container beside the service accepts connections on its port. Raises TrialError.

    The official images of databases execute initial statements before they listen there.
    """
    deadline = time.monotonic() + LISTEN_SECONDS
    while not _accepts(port):
        if not running.state()["Running"]:
            raise TrialError(name, f"{name} ended while it started; its last lines: {last_lines(running)}")
        if time.monotonic() > deadline:
            raise TrialError(
                name,
                f"{name} did not listen on {LOOPBACK}:{port} within {LISTEN_SECONDS:g} s: its environment or command must "
                f"set that port; its last lines: {last_lines(running)}",
            )
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0):
            return True
    except OSError:
        return False


def migrate(running: RunningContainer) -> None:
    """Runs the migration to its end. Raises TrialError."""
    running.start()
    status = running.wait(MIGRATE_SECONDS)
    if status:
        raise TrialError("migrate", f"migrate ended with status {status}; its last lines: {last_lines(running)}")
    if status is None:
        raise TrialError(
            "migrate", f"migrate did not end within {MIGRATE_SECONDS:g} s; its last lines: {last_lines(running)}"
        )


def why_not_ready(running: RunningContainer, target: str, port: int, reason: str) -> str:
    """The sentence about an own service that did not get ready. `reason`: what the load generator saw."""
    places = list(dict.fromkeys(listening(running)))
    if places and all(at != port for _, at in places):
        found = ", ".join(f"{host}:{at}" for host, at in places)
        return f"{target} listens on {found}, not on {LOOPBACK}:{port}: its environment must set both"
    return f"{target}: {reason}; its last lines: {last_lines(running)}"


def listening(running: RunningContainer) -> Iterator[tuple[str, int]]:
    """Where a container's processes listen."""
    try:
        first = psutil.Process(running.pid)
        processes = [first, *first.children(recursive=True)]
    except psutil.Error:
        return
    for process in processes:
        try:
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    yield connection.laddr.ip, connection.laddr.port
        except psutil.Error:  # another user's process, or one that has just ended
            continue


def last_lines(running: RunningContainer) -> str:
    """The end of a container's log, on one line."""
    text = " / ".join(line.strip() for line in running.log_tail().splitlines() if line.strip())
    return text[-LAST_LETTERS:] or "(it printed nothing)"
