"""Reads the counters of one container from its cgroup files.

A reading takes less than a millisecond; the engine's stats call takes a second. The files are found through
/proc/PID/cgroup of the container's first process, which covers cgroup v1, v2 and hybrid layouts and both cgroup drivers.
Source of the fields: the kernel's Documentation/admin-guide/cgroup-v1 and cgroup-v2.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from harness.host.processes import Seen, look
from harness.record.samples import Counters

ROOT = Path("/sys/fs/cgroup")
#: A container may have many processes, and their mapped pages of files change slowly.
LOOK_SECONDS = 1.0


class CgroupGone(Exception):
    """The container has ended, or this kernel does not show its cgroup."""


class _File:
    """A counter's file, kept open until `close`.

    Opening a file costs four times as much as reading it. The sampler reads ten times a second, and each of its bursts
    delays whatever is measured on that CPU at that moment.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._descriptor)
        # Another file may get the same number: reading this one must fail.
        self._descriptor = -1

    def text(self) -> str:
        return os.pread(self._descriptor, 16_384, 0).decode("ascii")

    def number(self) -> int:
        return int(self.text())

    def keyed(self) -> dict[str, int]:
        """The values of a file of `key value` lines."""
        return {key: int(value) for key, _, value in (line.partition(" ") for line in self.text().splitlines())}


def anonymous_memory(stat: Mapping[str, int], own: str, shared: str, mapped: str) -> int:
    """A container's anonymous memory, from the values of memory.stat under the names that its cgroup version gives them.

    Memory of one process alone (heaps, stacks), and memory that processes share and have mapped, such as the heap of a JVM
    with ZGC. The kernel does not count the latter by itself. It counts all shared memory, which includes files on a tmpfs
    that nobody mapped, and all mapped pages, which include those of programs. The smaller of the two is an upper bound.
    """
    return stat[own] + min(stat.get(shared, 0), stat.get(mapped, 0))


class Cgroup:
    """The cgroup files of one container, open until `close`. Raises CgroupGone when they can't be found or read."""

    def __init__(self, pid: int, proc: Path = Path("/proc"), root: Path = ROOT) -> None:
        self._files: list[_File] = []
        self._proc = proc
        self._seen = Seen()
        self._look_due = 0.0
        try:
            lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines()
        except OSError:
            raise CgroupGone(f"process {pid} is gone") from None
        # A line is hierarchy:controllers:path. The unified hierarchy has no controllers.
        folders = {name: path for _, names, path in (line.split(":", 2) for line in lines) for name in names.split(",")}
        self.version = 1 if "memory" in folders and (root / "memory").exists() else 2
        try:
            if self.version == 1:
                self._open_v1(*(root / name / folders[name].lstrip("/") for name in ("memory", "cpuacct", "cpu")))
            else:
                self._open_v2(root / folders[""].lstrip("/"))
        except (OSError, KeyError) as error:
            self.close()
            raise CgroupGone(str(error)) from None

    def _open(self, path: Path) -> _File:
        file = _File(path)
        self._files.append(file)
        return file

    def _open_optional(self, path: Path) -> _File | None:
        """None where this kernel has no such file."""
        try:
            return self._open(path)
        except OSError:
            return None

    def _open_v1(self, memory: Path, cpuacct: Path, cpu: Path) -> None:
        self._cpu_usage = self._open(cpuacct / "cpuacct.usage")
        self._cpu_stat = self._open(cpu / "cpu.stat")
        self._memory = self._open(memory / "memory.usage_in_bytes")
        self._memory_stat = self._open(memory / "memory.stat")
        self._procs = memory / "cgroup.procs"
        self._peak = self._open_optional(memory / "memory.max_usage_in_bytes")
        self._events = self._open(memory / "memory.oom_control")

    def _open_v2(self, folder: Path) -> None:
        self._cpu_stat = self._open(folder / "cpu.stat")
        self._memory = self._open(folder / "memory.current")
        self._memory_stat = self._open(folder / "memory.stat")
        self._procs = folder / "cgroup.procs"
        self._peak = self._open_optional(folder / "memory.peak")
        self._events = self._open(folder / "memory.events")

    def close(self) -> None:
        """Closes the files. It may be called twice."""
        while self._files:
            self._files.pop().close()

    def _look(self) -> Seen:
        if (now := time.monotonic()) >= self._look_due:
            self._seen, self._look_due = look(self._procs, self._proc), now + LOOK_SECONDS
        return self._seen

    def read(self) -> Counters:
        """The counters as they are now. Raises CgroupGone."""
        try:
            return self._read_v1() if self.version == 1 else self._read_v2()
        except (OSError, KeyError, ValueError) as error:
            raise CgroupGone(str(error)) from None

    def _read_v1(self) -> Counters:
        cpu_ns = self._cpu_usage.number()
        stat = self._memory_stat.keyed()
        seen = self._look()
        return Counters(
            cpu_ns=cpu_ns,
            memory_bytes=self._memory.number(),
            inactive_file_bytes=stat["total_inactive_file"],
            anonymous_bytes=anonymous_memory(stat, "total_rss", "total_shmem", "total_mapped_file"),
            peak_bytes=self._peak.number() if self._peak else None,
            throttled_periods=self._cpu_stat.keyed().get("nr_throttled"),
            oom_kills=self._events.keyed().get("oom_kill"),
            mapped_file_bytes=seen.mapped_file_bytes,
            stopped=seen.stopped,
        )

    def _read_v2(self) -> Counters:
        cpu = self._cpu_stat.keyed()
        stat = self._memory_stat.keyed()
        seen = self._look()
        return Counters(
            cpu_ns=cpu["usage_usec"] * 1000,
            memory_bytes=self._memory.number(),
            inactive_file_bytes=stat["inactive_file"],
            anonymous_bytes=anonymous_memory(stat, "anon", "shmem", "file_mapped"),
            peak_bytes=self._peak.number() if self._peak else None,
            throttled_periods=cpu.get("nr_throttled"),
            oom_kills=self._events.keyed().get("oom_kill"),
            mapped_file_bytes=seen.mapped_file_bytes,
            stopped=seen.stopped,
        )
