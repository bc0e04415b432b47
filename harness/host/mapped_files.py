"""Counts the pages of files that the processes of a container have mapped: programs, libraries, archives.

A cgroup's own counters of file pages do not say that. The kernel charges a page to the cgroup that read it first, and to no
other: a second container of the same image has the page, and not the charge.
"""

from __future__ import annotations

import os
from pathlib import Path

KIBIBYTE = 1024


def mapped_file_bytes(procs: Path, proc: Path = Path("/proc")) -> int | None:
    """Of the processes that a file `cgroup.procs` lists, the one that has mapped the most counts.

    The processes of a service run the same program and share its pages, which are in memory once. Their sum would count
    them once for each. None: /proc shows none of these processes.
    """
    try:
        # Opened anew each time: cgroup v1 keeps the list of a file that stays open, and repeats it.
        pids = procs.read_bytes().split()
    except OSError:
        return None
    found = [pages for pid in pids if (pages := _of_process(proc / os.fsdecode(pid) / "status")) is not None]
    return max(found, default=None)


def _of_process(status: Path) -> int | None:
    """RssFile of one process, which any user may read; None if it has ended."""
    try:
        text = status.read_bytes()
    except OSError:
        return None
    _, found, rest = text.partition(b"\nRssFile:")
    return int(rest.split(None, 1)[0]) * KIBIBYTE if found else None
