"""The types of samples over time: containers, CPUs of the host, CPU speed probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Counters:
    """One reading of a container's counters; CPU time since its start.

    None: the kernel has no such counter, or does not show it to this process.
    """

    cpu_ns: int
    memory_bytes: int
    inactive_file_bytes: int
    anonymous_bytes: int
    peak_bytes: int | None
    throttled_periods: int | None
    oom_kills: int | None
    #: Pages of files that its processes have mapped (harness/host/processes.py). Up to a second older than the rest.
    mapped_file_bytes: int | None = None
    #: Whether one of its processes was seen stopped, by a signal or a debugger. Up to a second older, too.
    stopped: bool = False

    @property
    def working_set_bytes(self) -> int | None:
        """What its processes use: anonymous memory, and the files' pages that they have mapped."""
        return None if self.mapped_file_bytes is None else self.anonymous_bytes + self.mapped_file_bytes


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """The times of one CPU since boot.

    `busy`: processes in user and kernel mode, without interrupts. `idle`: nothing to do, or waiting for a disk.
    """

    busy_ns: int
    idle_ns: int
    steal_ns: int
    total_ns: int


class Sample(Struct, frozen=True):
    """One reading of one container."""

    monotonic_ns: int
    role: str
    counters: Counters


class SpeedSample(Struct, frozen=True):
    """One measurement of the speed probe: begin, CPU, and CPU time of its work."""

    monotonic_ns: int
    cpu: int
    cpu_ns: int


class HostSample(Struct, frozen=True):
    """One reading of the host's CPUs."""

    monotonic_ns: int
    cpus: Mapping[int, CpuTimes]
