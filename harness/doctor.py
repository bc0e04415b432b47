"""Can this machine measure? Looks at what makes numbers noisy or runs impossible; changes nothing."""

from __future__ import annotations

import shutil
from typing import Literal

import docker
import psutil
from msgspec import Struct

from harness import host
from harness.containers import leftovers
from harness.errors import UsageError
from harness.images import ROOT, host_certificates
from harness.placement import place

LEAST_FREE_BYTES = 10 * 1024**3
LEAST_MEMORY_BYTES = 4 * 1024**3
QUIET_PERCENT = 15.0


class Finding(Struct, frozen=True):
    """One thing looked at. `bad` forbids measuring, `noisy` makes it less sure."""

    grade: Literal["good", "noisy", "bad"]
    text: str


def examine(client: docker.DockerClient | None) -> tuple[Finding, ...]:
    """All findings, the engine's first. Takes about a second: it watches how busy the machine is."""
    findings = [_engine(client), *_leftovers(client)]
    here = host.describe()
    try:
        placement = place(host.topology())
        shared = f"; {' and '.join(placement.shared)} share cores" if placement.shared else ""
        findings.append(Finding("noisy" if placement.shared else "good", f"{placement.reason}{shared}"))
    except UsageError as error:
        findings.append(Finding("bad", str(error)))
    if here.memory_bytes < LEAST_MEMORY_BYTES:
        findings.append(Finding("bad", f"{here.memory_bytes / 1e9:.1f} GB of memory: a pair and a generator need 4"))
    if here.governor and here.governor != "performance":
        findings.append(Finding("noisy", f"CPU governor is {here.governor}: set it to performance"))
    free = shutil.disk_usage(ROOT).free
    grade: Literal["good", "bad"] = "good" if free > LEAST_FREE_BYTES else "bad"
    findings.append(Finding(grade, f"{free / 1e9:.0f} GB of disk free (images of all targets need about 6)"))
    before = psutil.cpu_times()
    busy = psutil.cpu_percent(interval=1.0)
    after = psutil.cpu_times()
    findings.append(
        Finding("good" if busy < QUIET_PERCENT else "noisy", f"{busy:.0f} % of the CPUs are busy with other work")
    )
    steal = getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)
    if steal > 0.02 * here.logical_cpus:
        findings.append(Finding("noisy", f"the hypervisor took {steal:.2f} CPU seconds in one second (steal)"))
    version = here.cgroup_version
    findings.append(
        Finding("good", f"cgroup v{version}: counters are read from files")
        if version
        else Finding("noisy", "no cgroup files here: counters come from the engine, one reading a second")
    )
    if host_certificates():
        findings.append(Finding("good", "this host has certificates of its own: builds get them too"))
    return tuple(findings)


def _engine(client: docker.DockerClient | None) -> Finding:
    if client is None:
        return Finding(
            "bad", "no Docker Engine answers: `fitmap bench` installs Debian's when run as root, else start Docker"
        )
    version = client.version()
    return Finding("good", f"engine {version['Version']} answers (API {version['ApiVersion']})")


def _leftovers(client: docker.DockerClient | None) -> list[Finding]:
    dead = [container for container, alive in leftovers(client) if not alive] if client else []
    return [Finding("noisy", f"{len(dead)} containers of a killed run are left: `fitmap clean`")] if dead else []
