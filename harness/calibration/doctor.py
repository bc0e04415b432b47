"""Can this machine measure? Looks at what makes numbers noisy or runs impossible; changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import docker
import psutil
from msgspec import Struct

from harness.containers.images import host_certificates
from harness.containers.lifecycle import leftovers
from harness.errors import UsageError
from harness.files import ROOT
from harness.host import machine
from harness.plan.placement import place

MIN_FREE_BYTES = 10 * 1024**3
MIN_MEMORY_BYTES = 4 * 1024**3
QUIET_PERCENT = 15.0
#: Of each CPU, over the last minute: wide, since a build that has just ended still counts.
QUIET_LOAD = 0.5


class DoctorFinding(Struct, frozen=True):
    """One thing looked at. `bad` forbids measuring, `noisy` makes it less sure."""

    grade: Literal["good", "noisy", "bad"]
    text: str


def examine(client: docker.DockerClient | None) -> tuple[DoctorFinding, ...]:
    """All findings, the engine's first. Takes about a second: it watches how busy the machine is."""
    findings = [_engine(client), *_leftovers(client)]
    here = machine.describe()
    try:
        placement = place(machine.topology())
        shared = f"; {' and '.join(placement.shared)} share cores" if placement.shared else ""
        findings.append(DoctorFinding("noisy" if placement.shared else "good", f"{placement.reason}{shared}"))
    except UsageError as error:
        findings.append(DoctorFinding("bad", str(error)))
    if here.memory_bytes < MIN_MEMORY_BYTES:
        findings.append(DoctorFinding("bad", f"{here.memory_bytes / 1e9:.1f} GB of memory: a pair and a generator need 4"))
    findings += settings(Path("/"), here.logical_cpus)
    free = shutil.disk_usage(ROOT).free
    grade: Literal["good", "bad"] = "good" if free > MIN_FREE_BYTES else "bad"
    findings.append(DoctorFinding(grade, f"{free / 1e9:.0f} GB of disk free (images of all targets need about 6)"))
    before = psutil.cpu_times()
    busy = psutil.cpu_percent(interval=1.0)
    after = psutil.cpu_times()
    findings.append(
        DoctorFinding("good" if busy < QUIET_PERCENT else "noisy", f"{busy:.0f} % of the CPUs are busy with other work")
    )
    steal = getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)
    if steal > 0.02 * here.logical_cpus:
        findings.append(DoctorFinding("noisy", f"the hypervisor took {steal:.2f} CPU seconds in one second (steal)"))
    version = here.cgroup_version
    findings.append(
        DoctorFinding("good", f"cgroup v{version}: counters are read from files")
        if version
        else DoctorFinding("noisy", "no cgroup files here: counters come from the engine, one reading a second")
    )
    if host_certificates():
        findings.append(DoctorFinding("good", "this host has certificates of its own: builds get them too"))
    return tuple(findings)


def settings(root: Path, cpus: int) -> list[DoctorFinding]:
    """What the kernel says of clocks, threads, swap and load, below a root. What it hides is no noise."""
    cpu = root / "sys/devices/system/cpu"
    return [_governor(cpu), _turbo(cpu), _threads(cpu), _swap(root / "proc/swaps"), _load(root / "proc/loadavg", cpus)]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _unseen(what: str) -> DoctorFinding:
    return DoctorFinding("good", f"{what} not visible here (a virtual machine?)")


def _governor(cpu: Path) -> DoctorFinding:
    found = sorted({_text(path) for path in cpu.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {""})
    if not found:
        return _unseen("CPU governor")
    if found == ["performance"]:
        return DoctorFinding("good", "CPU governor is performance")
    return DoctorFinding("noisy", f"CPU governor is {' and '.join(found)}: set it to performance on every CPU")


def _turbo(cpu: Path) -> DoctorFinding:
    # Two drivers, two files, and opposite meanings.
    boost, no_turbo = _text(cpu / "cpufreq/boost"), _text(cpu / "intel_pstate/no_turbo")
    if not boost and not no_turbo:
        return _unseen("turbo")
    if boost == "1" or no_turbo == "0":
        return DoctorFinding("noisy", "turbo is on: the clock depends on heat and on what the other cores do")
    return DoctorFinding("good", "turbo is off")


def _threads(cpu: Path) -> DoctorFinding:
    active = _text(cpu / "smt/active")
    if not active:
        return _unseen("SMT")
    if active == "1":
        return DoctorFinding("noisy", "SMT is on: what runs on a core's other thread takes from it")
    return DoctorFinding("good", "SMT is off")


def _swap(path: Path) -> DoctorFinding:
    lines = _text(path).splitlines()
    if not lines:
        return _unseen("swap")
    if len(lines) > 1:
        return DoctorFinding("noisy", "swap is on: memory that went to disk is a pause in a tail (`swapoff -a`)")
    return DoctorFinding("good", "swap is off")


def _load(path: Path, cpus: int) -> DoctorFinding:
    first = _text(path).partition(" ")[0]
    if not first:
        return _unseen("load average")
    busy = float(first) > QUIET_LOAD * cpus
    return DoctorFinding("noisy" if busy else "good", f"load average of the last minute is {first} on {cpus} CPUs")


def _engine(client: docker.DockerClient | None) -> DoctorFinding:
    if client is None:
        return DoctorFinding(
            "bad", "no Docker Engine answers: `fitmap bench` installs Debian's when run as root, else start Docker"
        )
    version = client.version()
    return DoctorFinding("good", f"engine {version['Version']} answers (API {version['ApiVersion']})")


def _leftovers(client: docker.DockerClient | None) -> list[DoctorFinding]:
    dead = [container for container, alive in leftovers(client) if not alive] if client else []
    return [DoctorFinding("noisy", f"{len(dead)} containers of a killed run are left: `fitmap clean`")] if dead else []
