"""What is read over time while a trial runs: counters of containers, CPUs of the host, turns of the speed probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Counters:
    """One reading. CPU in nanoseconds since the start; memory in bytes; None where the kernel has no such counter."""

    cpu_ns: int
    memory_bytes: int
    inactive_file_bytes: int
    anonymous_bytes: int
    peak_bytes: int | None
    throttled_periods: int | None
    oom_kills: int | None


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """One CPU since boot, nanoseconds. `busy`: processes, in user and in kernel mode; interrupts are not in it. `idle`: with
    nothing to do, waiting for a disk included.
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
    """One turn of the probe: when it began, on which CPU, and how long its work took of that CPU's time."""

    monotonic_ns: int
    cpu: int
    cpu_ns: int


class HostSample(Struct, frozen=True):
    """One reading of the host's CPUs."""

    monotonic_ns: int
    cpus: Mapping[int, CpuTimes]
