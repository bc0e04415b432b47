"""May two records be compared? What must agree, and what differs."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from harness.record.run import Host, Run


def incomparable(base: Run, head: Run) -> list[str]:
    """Why the numbers of two runs say nothing of one another; empty where they do."""
    found = []
    if fingerprint(base.host) != fingerprint(head.host):
        found.append(f"other machines ({_machine(base)} and {_machine(head)})")
    if base.method != head.method:
        found.append(f"other method versions ({base.method} and {head.method})")
    if base.image_set != head.image_set:
        found.append(f"other image sets ({base.image_set} and {head.image_set})")
    if content(base) != content(head):
        found.append(f"something else was measured ({', '.join(_contents(base, head))})")
    return found


def _machine(run: Run) -> str:
    host = run.host
    return f"{host.cpu_model}, {host.logical_cpus} CPUs, {host.memory_bytes / 2**30:.0f} GiB"


def _contents(base: Run, head: Run) -> list[str]:
    pairs = {
        "profiles or levels": (base.plan.profiles, head.plan.profiles),
        "blocks or times": (base.plan.timing, head.plan.timing),
        "placement": (base.plan.placement, head.plan.placement),
        "limits": (base.configuration.limits, head.configuration.limits),
        "objective": (base.configuration.slo, head.configuration.slo),
        "data": (base.seed_checksum, head.seed_checksum),
        "database": (base.database_version, head.database_version),
    }
    return [name for name, (one, other) in pairs.items() if one != other]


class Key(Struct, frozen=True):
    """What must be the same for two runs to be compared. `content`: what is measured (profiles, timing, placement, limits,
    data, database); not the services' images, which are what a history watches.
    """

    host: str
    image_set: str
    method: int
    content: str


def fingerprint(host: Host) -> str:
    """The machine, as far as it decides what is measured. Neither its name nor its kernel: runners come and go under many
    names, and a kernel that makes things slower is a change that a history should find.
    """
    parts = (host.system, host.cpu_model, host.logical_cpus, host.physical_cores, round(host.memory_bytes / 2**30))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def content(run: Run) -> str:
    """What was measured: everything that a number depends on but machine, method and services."""
    configuration = run.configuration
    parts = (
        run.plan.profiles, run.plan.timing, run.plan.placement, configuration.limits, configuration.slo, run.seed_checksum,
        run.database_version.split(" (")[0],
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(msgspec.to_builtins(parts))).hexdigest()[:12]
