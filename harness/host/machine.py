"""Describes the host: CPU topology, system, settings that make noise. Keeps threads off the CPUs of a trial."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from harness.record.cpus import Cpu
from harness.record.run import Host

TOPOLOGY = Path("/sys/devices/system/cpu")
#: A random number that the kernel draws when it starts. Containers have that of their machine.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def topology() -> tuple[Cpu, ...]:
    """The logical CPUs that this process may use, with their cores. Without sysfs every CPU is its own core."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    cpus = []
    for number in allowed:
        folder = TOPOLOGY / f"cpu{number}" / "topology"
        package = _read(folder / "physical_package_id")
        core = _read(folder / "core_id")
        cpus.append(Cpu(number, int(package or 0), int(core) if core is not None else number))
    return tuple(cpus)


@contextmanager
def step_aside(trial_cpus: Iterable[int]) -> Iterator[None]:
    """Keeps this thread, and threads that it starts, off the CPUs of a trial, if there are others.

    If there are none the kernel may choose: it takes a CPU that is idle at the moment.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    free = allowed - set(trial_cpus)
    if free:
        os.sched_setaffinity(0, free)
    try:
        yield
    finally:
        if free:
            os.sched_setaffinity(0, allowed)


def _cpu_model() -> str:
    for line in (_read(Path("/proc/cpuinfo")) or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cgroup_version() -> int | None:
    """The version of cgroups: 2 on a unified hierarchy, 1 on a legacy or hybrid one, None where there are none."""
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return 2
    return 1 if (root / "memory").exists() else None


def describe() -> Host:
    """The description of this host."""
    cpus = topology()
    return Host(
        name=socket.gethostname(),
        system=f"{platform.system()} {platform.machine()}",
        kernel=platform.release(),
        cpu_model=_cpu_model(),
        logical_cpus=len(cpus),
        physical_cores=len({(cpu.package, cpu.core) for cpu in cpus}),
        memory_bytes=psutil.virtual_memory().total,
        governor=_read(TOPOLOGY / "cpu0/cpufreq/scaling_governor"),
        smt=_read(TOPOLOGY / "smt/control"),
        cgroup_version=cgroup_version(),
        boot_id=_read(BOOT_ID),
    )
