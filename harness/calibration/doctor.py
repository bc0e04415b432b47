"""The checks of `fitmap doctor`: what on this machine makes numbers noisy or runs impossible. Changes nothing."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Literal

import docker
import psutil
from msgspec import Struct

from harness.containers.engine import Silent
from harness.containers.images import host_certificates
from harness.containers.lifecycle import leftovers
from harness.containers.owners import State
from harness.errors import UsageError
from harness.files import HOME
from harness.host import machine
from harness.plan.placement import place
from harness.wording import counted

MIN_FREE_BYTES = 10 * 1024**3
MIN_MEMORY_BYTES = 4 * 1024**3
QUIET_PERCENT = 15.0
#: Load average of the last minute per CPU. The limit is wide, since a build that has just ended still counts.
QUIET_LOAD = 0.5


class DoctorFinding(Struct, frozen=True):
    """One thing that was checked. `bad`: nothing can be measured; `noisy`: results are less certain."""

    grade: Literal["good", "noisy", "bad"]
    text: str


def examine(client: docker.DockerClient | Silent) -> tuple[DoctorFinding, ...]:
    """All findings, that about the engine first. Takes about a second, to see how busy the machine is."""
    findings = engine_findings(client)
    here = machine.describe()
    try:
        placement = place(machine.topology())
        shared = f"; {' and '.join(placement.shared)} share cores" if placement.shared else ""
        findings.append(DoctorFinding("noisy" if placement.shared else "good", f"{placement.reason}{shared}"))
    except UsageError as error:
        findings.append(DoctorFinding("bad", str(error)))
    if here.memory_bytes < MIN_MEMORY_BYTES:
        findings.append(DoctorFinding("bad", f"{here.memory_bytes / 1e9:.1f} GB of memory: a trial needs 4 GB"))
    findings += settings(Path("/"), here.logical_cpus)
    free = shutil.disk_usage(HOME).free
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
        else DoctorFinding("noisy", "no cgroup files here: counters come from the engine, with one reading per second")
    )
    if host_certificates():
        findings.append(DoctorFinding("good", "this host has certificates of its own: builds use them too"))
    return tuple(findings)


def settings(root: Path, cpus: int) -> list[DoctorFinding]:
    """Findings on clocks, hardware threads, swap and load, from the kernel's files below a root.

    What the kernel does not show counts as good.
    """
    cpu = root / "sys/devices/system/cpu"
    return [_governor(cpu), _turbo(cpu), _threads(cpu), _swap(root / "proc/swaps"), _load(root / "proc/loadavg", cpus)]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _unseen(what: str) -> DoctorFinding:
    return DoctorFinding("good", f"{what} not visible here (a virtual machine?)")


def _governor(cpu: Path) -> DoctorFinding:
    governors = sorted({_text(path) for path in cpu.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {""})
    if not governors:
        return _unseen("CPU governor")
    if governors == ["performance"]:
        return DoctorFinding("good", "CPU governor is performance")
    return DoctorFinding("noisy", f"CPU governor is {' and '.join(governors)}: set it to performance on every CPU")


def _turbo(cpu: Path) -> DoctorFinding:
    # Two drivers, two files, and opposite meanings.
    boost, no_turbo = _text(cpu / "cpufreq/boost"), _text(cpu / "intel_pstate/no_turbo")
    if not boost and not no_turbo:
        return _unseen("turbo")
    if boost == "1" or no_turbo == "0":
        return DoctorFinding("noisy", "turbo is on: the clock rate depends on heat and on the load of the other cores")
    return DoctorFinding("good", "turbo is off")


def _threads(cpu: Path) -> DoctorFinding:
    active = _text(cpu / "smt/active")
    if not active:
        return _unseen("SMT")
    if active == "1":
        return DoctorFinding("noisy", "SMT is on: work on the other hardware thread of a core makes the core slower")
    return DoctorFinding("good", "SMT is off")


def _swap(path: Path) -> DoctorFinding:
    lines = _text(path).splitlines()
    if not lines:
        return _unseen("swap")
    if len(lines) > 1:
        return DoctorFinding("noisy", "swap is on: reading memory back from disk makes pauses (`swapoff -a`)")
    return DoctorFinding("good", "swap is off")


def _load(path: Path, cpus: int) -> DoctorFinding:
    first = _text(path).partition(" ")[0]
    if not first:
        return _unseen("load average")
    busy = float(first) > QUIET_LOAD * cpus
    return DoctorFinding("noisy" if busy else "good", f"load average of the last minute is {first} on {cpus} CPUs")


def engine_findings(client: docker.DockerClient | Silent) -> list[DoctorFinding]:
    """Whether an engine answers, and whose containers it has."""
    if isinstance(client, Silent):
        return [
            DoctorFinding("bad", client.words("start Docker, or run `fitmap bench` as root on Debian, which installs it"))
        ]
    version = client.version()
    answer = DoctorFinding("good", f"engine {version['Version']} answers (API {version['ApiVersion']})")
    return [answer, *_leftovers(client)]


def _leftovers(client: docker.DockerClient) -> list[DoctorFinding]:
    found = Counter(state for _, state in leftovers(client))
    words: dict[State, str] = {
        "gone": "of a killed run are left: run `fitmap clean`",
        "lives": "of a run that goes on: two runs at once disturb each other",
        "unknown": "may belong to a run that goes on, on another machine or in another PID namespace; if not: "
        "`fitmap clean --force`",
    }
    return [
        DoctorFinding("noisy", f"{counted(found[state], 'container')} {words[state]}") for state in words if found[state]
    ]
