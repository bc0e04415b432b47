"""Reads the CPU counters of the group's containers, from inside the generator's container.

The engine's control groups are mounted read-only at CGROUPS. Reading them here, while nothing is under way, costs
microseconds and needs no answer from the harness between two slices.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from loadtests.generator.worker_pool import Stop

CGROUPS = Path("/fitmap/cgroup")
STAT = Path("/proc/stat")


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
    """Container id -> its counter. The control group of a container has its id in its name. Raises Stop."""
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
        raise Stop("load", f"the generator sees no control group of {len(wanted)} of the group's containers under {tree}")
    return found


def steal_share(before: Sequence[int], after: Sequence[int]) -> float:
    """The share of CPU time that the hypervisor took between two readings of `cpu_times`, 0 to 1."""
    total = sum(after) - sum(before)
    return (after[7] - before[7]) / total if total and len(after) > 7 else 0.0


def cpu_times(cpus: Sequence[int], path: Path = STAT) -> list[int]:
    """The times of some CPUs in ticks, summed: user nice system idle iowait irq softirq steal."""
    total = [0] * 8
    names = {f"cpu{number}" for number in cpus}
    for line in path.read_text().splitlines():
        name, *fields = line.split()
        if name in names:
            total = [mine + int(field) for mine, field in zip(total, fields, strict=False)]
    return total
