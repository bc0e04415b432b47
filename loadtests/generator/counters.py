"""Reads the CPU counters of the group's containers, from inside the generator's container.

The engine's control groups are mounted read-only at CGROUPS. Reading them here, while nothing is under way, costs
microseconds and needs no answer from the harness between two slices.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import gevent

CGROUPS = Path("/fitmap/cgroup")
STAT = Path("/proc/stat")
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
#: Services without load use less of a CPU together. The timers of eleven use 1 to 5 % of one.
IDLE_CORES = 0.06
IDLE_STEP_SECONDS, IDLE_LIMIT_SECONDS = 0.25, 5.0


class CpuCounter:
    """The CPU time of one container in nanoseconds, from a file that stays open."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # cgroup v1 has a number of nanoseconds, v2 lines of `key value` in microseconds.
        self._unified = path.name == "cpu.stat"
        self._last = 0

    def read(self) -> int:
        """The counter as it is now, or as it last was if the container has ended: the harness finds out why."""
        try:
            text = os.pread(self._descriptor, 512, 0)
        except OSError:
            return self._last
        self._last = int(text.split(None, 2)[1]) * 1000 if self._unified else int(text)
        return self._last


def counters_of(containers: Sequence[str], root: Path = CGROUPS) -> dict[str, CpuCounter]:
    """Container id -> its counter. The control group of a container has its id in its name.

    Raises LookupError.
    """
    tree = root / "cpuacct" if (root / "cpuacct").is_dir() else root
    name = "cpuacct.usage" if tree != root else "cpu.stat"
    found: dict[str, CpuCounter] = {}
    wanted = set(containers)
    for folder, subfolders, _ in os.walk(tree):
        for one in [each for each in wanted if each in Path(folder).name]:
            wanted.discard(one)
            # The processes of a container have no groups of their own that count apart.
            subfolders.clear()
            found[one] = CpuCounter(Path(folder) / name)
    if wanted:
        raise LookupError(
            f"the load generator sees no control group of {len(wanted)} of the group's containers under {tree}"
        )
    return found


def wait_until_idle(read_ns: Callable[[], int]) -> None:
    """Waits until services without load use next to no CPU time, and not longer than the limit. `read_ns`: their total.

    After a warm-up a compiler may have a backlog. Its work in the slice of another service would be in that one's way.
    """
    last = read_ns()
    for _ in range(round(IDLE_LIMIT_SECONDS / IDLE_STEP_SECONDS)):
        gevent.sleep(IDLE_STEP_SECONDS)
        now = read_ns()
        if now - last < IDLE_CORES * IDLE_STEP_SECONDS * 1e9:
            return
        last = now


class HostShares(NamedTuple):
    """What others took of some CPUs between two readings of `cpu_times`, as shares of their time, 0 to 1."""

    other_work: float
    steal: float


def host_shares(before: Sequence[int], after: Sequence[int], own_ns: int) -> HostShares:
    """`own_ns`: CPU time of the group's own containers on these CPUs.

    Ticks of busy time count work that timers start too often, and the time to wake up is not idle. Other work shows in both,
    so the lower one counts.
    """
    user, nice, system, idle, waiting, irq, soft, steal = (late - early for early, late in zip(before, after, strict=True))
    total = user + nice + system + idle + waiting + irq + soft + steal
    if not total:
        return HostShares(0.0, 0.0)
    busy = min(user + nice + system, total - idle - waiting - steal)
    own = own_ns / TICK_NS
    return HostShares(max(0.0, busy - own) / total, steal / total)


def cpu_times(cpus: Sequence[int], path: Path = STAT) -> list[int]:
    """The times of some CPUs in ticks, summed: user nice system idle iowait irq softirq steal."""
    total = [0] * 8
    names = {f"cpu{number}" for number in cpus}
    for line in path.read_text().splitlines():
        name, *fields = line.split()
        if name in names:
            total = [mine + int(field) for mine, field in zip(total, fields, strict=False)]
    return total
