"""Gives the load generator a higher scheduling priority than the database with which it may share a core.

A generator that waits for the CPU sends late and reads answers late, and both count as the service's latency. The harness
sets the priority from outside: a container could not do it without a capability.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

#: As `nice`: a process of this priority gets nine times the CPU time of one with 0 that wants the same CPU.
PRIORITY = -10


def raise_priority(pid: int, proc: Path = Path("/proc")) -> bool:
    """Raises the priority of a process, of its children and of all their threads.

    Returns whether it was allowed: it takes root or CAP_SYS_NICE, and a container that runs on this kernel.
    """
    try:
        process = psutil.Process(pid)
        pids = [pid, *(child.pid for child in process.children(recursive=True))]
        threads = [int(thread.name) for each in pids for thread in (proc / str(each) / "task").iterdir()]
        for thread in threads:
            os.setpriority(os.PRIO_PROCESS, thread, PRIORITY)
    except (OSError, psutil.Error, AttributeError):
        return False
    return True
