"""Whose containers and images are these? The name of a process, and whether it still lives.

An engine may serve several machines and several PID namespaces (a CI job in a container), so a process number alone names no
process. The wall clock may be set, so a time of day does not tell one process from a later one with its number.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

PROC = Path("/proc")
MACHINE_ID = Path("/etc/machine-id")
#: The inode of the first PID namespace of every kernel (PROC_PID_INIT_INO).
FIRST_NAMESPACE = "4026531836"
#: Where a part of a name is not known.
UNKNOWN = "0"

#: `unknown`: it may live where this process does not see it.
State = Literal["lives", "gone", "unknown"]


class Owner(Struct, frozen=True):
    """A process: machine, boot of its kernel, PID namespace, number there, and start in clock ticks since the boot.

    As text it is a word that may stand in a label and in the tag of an image.
    """

    machine: str
    boot: str
    namespace: str
    pid: str
    ticks: str

    def __str__(self) -> str:
        return ".".join((self.machine, self.boot, self.namespace, self.pid, self.ticks))


def owner() -> str:
    """The name of this process."""
    return str(_here())


def pid_of(name: str) -> str:
    """The number of a process in its own namespace, as its name has it."""
    known = _parsed(name)
    return known.pid if known else "?"


def state(name: str) -> State:
    """Whether the process of a name still lives. `gone` only if that is certain."""
    other, here = _parsed(name), _here()
    if other is None or UNKNOWN in (here.boot, here.namespace, here.ticks):
        return "unknown"
    if other.boot != here.boot:
        # The same machine was started again. In containers the id of a machine may be that of their image.
        first = other.namespace == here.namespace == FIRST_NAMESPACE
        return "gone" if first and other.machine == here.machine != UNKNOWN else "unknown"
    if other.namespace != here.namespace:
        return "gone" if here.namespace == FIRST_NAMESPACE and _is_empty(other.namespace) else "unknown"
    ticks = _ticks(other.pid)
    if ticks is not None:
        return "lives" if ticks == other.ticks else "gone"
    try:
        os.kill(int(other.pid), 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass
    # It has the number, but /proc hides it from this user (hidepid), or it has just ended.
    return "unknown"


def _is_empty(namespace: str) -> bool:
    """True if no process of another PID namespace lives. The first namespace shows those of all, to root."""
    if os.geteuid() != 0:
        return False
    for process in PROC.glob("[0-9]*"):
        try:
            if str((process / "ns/pid").stat().st_ino) == namespace:
                return False
        except FileNotFoundError:  # it has just ended
            continue
        except OSError:
            return False
    return True


def _parsed(name: str) -> Owner | None:
    parts = name.split(".")
    if len(parts) != 5 or not all(part.isalnum() and part.isascii() for part in parts):
        return None
    known = Owner(*parts)
    numbered = known.pid.isdigit() and 0 < int(known.pid) < 1 << 31 and known.ticks.isdigit()
    return known if numbered else None


def _here() -> Owner:
    pid = str(os.getpid())
    try:
        namespace = str((PROC / "self/ns/pid").stat().st_ino)
        # /proc may show another namespace than that of this process. Then it shows nothing of use.
        seen = (PROC / "self").readlink().name == pid
    except OSError:
        namespace, seen = UNKNOWN, False
    boot = _text(PROC / "sys/kernel/random/boot_id").replace("-", "")[:8]
    machine = _text(MACHINE_ID)
    return Owner(
        # The id itself is confidential (machine-id(5)).
        hashlib.sha256(f"fitmap {machine}".encode()).hexdigest()[:8] if machine else UNKNOWN,
        boot or UNKNOWN,
        namespace,
        pid,
        (_ticks(pid) or UNKNOWN) if seen else UNKNOWN,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _ticks(pid: str) -> str | None:
    """When a process started, in clock ticks since the boot; None if it can't be seen or has ended."""
    try:
        text = (PROC / pid / "stat").read_bytes()
    except OSError:
        return None
    # The name of the program stands in parentheses, and may have some itself.
    fields = text.rpartition(b")")[2].split()
    return fields[19].decode() if len(fields) > 19 and fields[0] not in {b"Z", b"X"} else None
