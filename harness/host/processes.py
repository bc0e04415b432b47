"""What /proc tells of the processes of a container: mapped pages of files, and whether they were stopped.

A cgroup's own counters of file pages do not say what is mapped. The kernel charges a page to the cgroup that read it first,
and to no other: a second container of the same image has the page, and not the charge.
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

KIBIBYTE = 1024


class Seen(Struct, frozen=True):
    """What was seen of the processes. None: /proc shows none of them."""

    #: The processes of a service run the same program and share its pages, which are in memory once. So the process that has
    #: mapped the most counts: the sum would count them once for each.
    mapped_file_bytes: int | None = None
    #: A signal (SIGSTOP) or a debugger has stopped one of them.
    stopped: bool = False


def look(procs: Path, proc: Path = Path("/proc")) -> Seen:
    """The processes that a file `cgroup.procs` lists."""
    try:
        # Opened anew each time: cgroup v1 keeps the list of a file that stays open, and repeats it.
        pids = procs.read_bytes().split()
    except OSError:
        return Seen()
    texts = [_status(proc / os.fsdecode(pid) / "status") for pid in pids]
    mapped = [pages for text in texts if (pages := _mapped(text)) is not None]
    return Seen(max(mapped, default=None), any(b"\nState:\tT" in text or b"\nState:\tt" in text for text in texts))


def _status(path: Path) -> bytes:
    """What any user may read of a process; empty if it has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _mapped(status: bytes) -> int | None:
    _, found, rest = status.partition(b"\nRssFile:")
    return int(rest.split(None, 1)[0]) * KIBIBYTE if found else None
