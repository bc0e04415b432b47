"""Decides whether two records may be compared, and says what differs."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from harness.record.run import Host, Run


def incomparable(base: Run, head: Run) -> list[str]:
    """Why two runs can't be compared; empty if they can."""
    found = []
    if fingerprint(base.host) != fingerprint(head.host):
        found.append(f"different machines ({_machine(base)} and {_machine(head)})")
    if base.method != head.method:
        found.append(f"different method versions ({base.method} and {head.method})")
    if base.image_set != head.image_set:
        found.append(f"different image sets ({base.image_set} and {head.image_set})")
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
        "address": (_addresses(base), _addresses(head)),
    }
    return [name for name, (one, other) in pairs.items() if one != other]


class Key(Struct, frozen=True):
    """What must be the same for two runs to be compared. `content`: what is measured (profiles, timing, placement, limits,
    data, database). The services' images are not part of it: their changes are what a history is for.
    """

    host: str
    image_set: str
    method: int
    content: str


def fingerprint(host: Host) -> str:
    """A hash of the machine's properties that affect measurements. Name and kernel are left out: CI machines have changing
    names, and a kernel that makes services slower is a change that a history should find.
    """
    parts = (host.system, host.cpu_model, host.logical_cpus, host.physical_cores, round(host.memory_bytes / 2**30))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def content(run: Run) -> str:
    """A hash of what was measured: all that values depend on, except machine, method and services."""
    configuration = run.configuration
    parts = (
        run.plan.profiles, run.plan.timing, run.plan.placement, configuration.limits, configuration.slo, run.seed_checksum,
        run.database_version.split(" (")[0],
    )  # fmt: skip
    # Without an address the hash is that of older histories.
    whole = (*parts, _addresses(run)) if run.elsewhere else parts
    return hashlib.sha256(msgspec.json.encode(msgspec.to_builtins(whole))).hexdigest()[:12]


def _addresses(run: Run) -> dict[str, str]:
    """Target -> where it is, of those that fitmap did not start: at another address there is another service."""
    return {name: target.external.url for name, target in run.targets.items() if target.external}
