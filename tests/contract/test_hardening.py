"""How the containers of a pair run, as the engine tells and as the kernel does."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from stand import Pair, Stand

from harness.containers.lifecycle import RunningContainer
from harness.containers.spec import LOOPBACK

pytestmark = [
    pytest.mark.containers,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at processes through Linux's /proc"),
]

CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
LISTEN = "0A"


def process_ids(running: RunningContainer) -> list[int]:
    """All processes of a container, numbered as this host sees them."""
    top = running.container.top(ps_args="-eo pid")
    found = [int(row[0]) for row in top["Processes"]]
    assert running.pid in found
    return found


def status_of(process_id: int) -> dict[str, str]:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def address(text: str) -> tuple[str, int]:
    """An address of /proc/net/tcp or tcp6: hexadecimal, words in host byte order; mapped IPv4 as IPv4."""
    host, port = text.split(":")
    raw = b"".join(bytes.fromhex(host[start : start + 8])[::-1] for start in range(0, len(host), 8))
    if len(raw) == 16 and raw.startswith(b"\0" * 10 + b"\xff\xff"):
        raw = raw[12:]
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw), int(port, 16)


def listening(running: RunningContainer) -> set[tuple[str, int]]:
    """Where the processes of a container listen."""
    links = set()
    for process_id in process_ids(running):
        for link in Path(f"/proc/{process_id}/fd").iterdir():
            links.add(str(link.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{running.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and f"socket:[{fields[9]}]" in links:
                found.add(address(fields[1]))
    return found


def assert_hardened(running: RunningContainer, user: int, name: str) -> None:
    running.container.reload()
    attributes = running.container.attrs
    host = attributes["HostConfig"]
    assert attributes["Config"]["User"] == str(user), name
    assert host["ReadonlyRootfs"] is True, name
    assert host["CapDrop"] == ["ALL"], name
    assert not host["CapAdd"], name
    assert host["SecurityOpt"] == ["no-new-privileges"], name
    assert host["Privileged"] is False, name
    assert host["Memory"] == host["MemorySwap"] == running.spec.memory_bytes, name
    assert host["PidsLimit"] == 512, name
    assert not attributes["Mounts"], f"{name}: nothing of the host is mounted"
    for process_id in process_ids(running):
        status = status_of(process_id)
        assert status["Uid"].split() == [str(user)] * 4, f"{name}: {status['Name']} runs as {status['Uid']}"
        assert {int(status[key], 16) for key in CAPABILITIES} == {0}, f"{name}: {status['Name']} has capabilities"
        assert status["NoNewPrivs"] == "1", f"{name}: {status['Name']} may gain privileges"
        mounts = [line.split() for line in Path(f"/proc/{process_id}/mounts").read_text().splitlines()]
        options = {mount[1]: mount[3].split(",") for mount in mounts}
        assert "ro" in options["/"], f"{name}: the root file system is writable"
        kinds = {mount[1]: mount[2] for mount in mounts}
        assert kinds["/tmp"] == "tmpfs", name


@pytest.mark.essential
def test_the_service_runs_hardened(pair: Pair, target: str) -> None:
    assert_hardened(pair.service.running, 10_001, target)


def test_the_database_runs_hardened(pair: Pair, target: str) -> None:
    assert_hardened(pair.database.running, 999, f"{target}'s database")


@pytest.mark.essential
def test_service_and_database_listen_on_the_loopback_address_alone(pair: Pair, target: str) -> None:
    assert listening(pair.service.running) == {(LOOPBACK, pair.service.port)}, target
    assert listening(pair.database.running) == {(LOOPBACK, pair.database.port)}, target


@pytest.mark.essential
def test_the_image_itself_names_the_user_and_starts_the_service_directly(pair: Pair, target: str) -> None:
    """Whoever runs the image by hand is not root either, and signals reach the service."""
    image = pair.service.running.container.image
    assert image is not None
    assert image.attrs["Config"]["User"].split(":")[0] == "10001", target
    command = [*(image.attrs["Config"]["Entrypoint"] or []), *(image.attrs["Config"]["Cmd"] or [])]
    assert command[:2] != ["/bin/sh", "-c"], f"{target}: {command}"


def test_the_database_demands_its_own_password(pair: Pair, target: str) -> None:
    database = pair.database

    def url(user: str, password: str) -> str:
        return f"postgresql://{user}{password and ':' + password}@{LOOPBACK}:{database.port}/fitmap"

    assert database.log_in(url("fitmap", database.password)) == (0, "fitmap\n"), target
    code, said = database.log_in(url("fitmap", database.password[::-1]))
    assert (code, "password authentication failed" in said) == (2, True), f"{target}: a wrong password: {said}"
    code, said = database.log_in(url("fitmap", ""))
    assert (code, "no password supplied" in said) == (2, True), f"{target}: no password: {said}"
    code, said = database.log_in(url("postgres", database.password))
    assert (code, "no pg_hba.conf entry" in said) == (2, True), f"{target}: the superuser over TCP: {said}"


def test_every_pair_has_another_password(stand: Stand, pair: Pair) -> None:
    with stand.scope() as scope:
        other = scope.database()
        assert _password(other.running) != _password(pair.database.running)
        assert len(_password(other.running)) >= 32


def _password(running: RunningContainer) -> str:
    [value] = [v for v in running.container.attrs["Config"]["Env"] if v.startswith("DATABASE_PASSWORD=")]
    return str(value)
