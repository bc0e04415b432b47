"""Counters of one container from its cgroup files: under a millisecond a reading; the engine's stats call takes a second.

Finds the files through /proc/PID/cgroup of the container's first process, which covers cgroup v1, v2 and hybrid layouts
and both cgroup drivers. Source of the fields: the kernel's Documentation/admin-guide/cgroup-v1 and cgroup-v2.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from harness.record.samples import Counters

ROOT = Path("/sys/fs/cgroup")


class CgroupGone(Exception):
    """The container has ended, or this kernel shows no cgroup of it."""


class _File:
    """A counter's file, kept open: opening it ten times a second costs four times as much as reading it, and every burst of
    the sampler delays whatever is measured on that CPU just then.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):
            os.close(self._descriptor)

    def text(self) -> str:
        return os.pread(self._descriptor, 16_384, 0).decode("ascii")

    def number(self) -> int:
        return int(self.text())

    def keyed(self) -> dict[str, int]:
        """A file of `key value` lines."""
        return {key: int(value) for key, _, value in (line.partition(" ") for line in self.text().splitlines())}


def _optional(path: Path) -> _File | None:
    try:
        return _File(path)
    except OSError:
        return None


class Cgroup:
    """The files of one container. Raises CgroupGone when they can't be found or read."""

    def __init__(self, pid: int, proc: Path = Path("/proc"), root: Path = ROOT) -> None:
        try:
            lines = (proc / str(pid) / "cgroup").read_text().splitlines()
        except OSError:
            raise CgroupGone(f"process {pid} is gone") from None
        # hierarchy:controllers:path; the unified hierarchy has no controllers.
        folders = {name: path for _, names, path in (line.split(":", 2) for line in lines) for name in names.split(",")}
        self.version = 1 if "memory" in folders and (root / "memory").exists() else 2
        try:
            if self.version == 1:
                self._open_v1(*(root / name / folders[name].lstrip("/") for name in ("memory", "cpuacct", "cpu")))
            else:
                self._open_v2(root / folders[""].lstrip("/"))
        except (OSError, KeyError) as error:
            raise CgroupGone(str(error)) from None

    def _open_v1(self, memory: Path, cpuacct: Path, cpu: Path) -> None:
        self._cpu_usage = _File(cpuacct / "cpuacct.usage")
        self._cpu_stat = _File(cpu / "cpu.stat")
        self._memory = _File(memory / "memory.usage_in_bytes")
        self._memory_stat = _File(memory / "memory.stat")
        self._peak = _optional(memory / "memory.max_usage_in_bytes")
        self._events = _File(memory / "memory.oom_control")

    def _open_v2(self, folder: Path) -> None:
        self._cpu_stat = _File(folder / "cpu.stat")
        self._memory = _File(folder / "memory.current")
        self._memory_stat = _File(folder / "memory.stat")
        self._peak = _optional(folder / "memory.peak")
        self._events = _File(folder / "memory.events")

    def read(self) -> Counters:
        try:
            return self._read_v1() if self.version == 1 else self._read_v2()
        except (OSError, KeyError, ValueError) as error:
            raise CgroupGone(str(error)) from None

    def _read_v1(self) -> Counters:
        cpu_ns = self._cpu_usage.number()
        stat = self._memory_stat.keyed()
        return Counters(
            cpu_ns=cpu_ns,
            memory_bytes=self._memory.number(),
            inactive_file_bytes=stat["total_inactive_file"],
            anonymous_bytes=stat["total_rss"],
            peak_bytes=self._peak.number() if self._peak else None,
            throttled_periods=self._cpu_stat.keyed().get("nr_throttled"),
            oom_kills=self._events.keyed().get("oom_kill"),
        )

    def _read_v2(self) -> Counters:
        cpu = self._cpu_stat.keyed()
        stat = self._memory_stat.keyed()
        return Counters(
            cpu_ns=cpu["usage_usec"] * 1000,
            memory_bytes=self._memory.number(),
            inactive_file_bytes=stat["inactive_file"],
            anonymous_bytes=stat["anon"],
            peak_bytes=self._peak.number() if self._peak else None,
            throttled_periods=cpu.get("nr_throttled"),
            oom_kills=self._events.keyed().get("oom_kill"),
        )
