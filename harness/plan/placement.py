"""The CPUs of service, database and load generator. harness.host has the topology."""

from __future__ import annotations

from msgspec import structs

from harness.errors import UsageError
from harness.record.cpus import Cpu, cpu_list
from harness.record.plan import Placement


def _cores(cpus: tuple[Cpu, ...]) -> list[list[int]]:
    """The CPUs of each physical core."""
    cores: dict[tuple[int, int], list[int]] = {}
    for cpu in sorted(cpus, key=lambda c: c.number):
        cores.setdefault((cpu.package, cpu.core), []).append(cpu.number)
    return list(cores.values())


def _flat(chosen: list[list[int]]) -> str:
    return cpu_list([number for group in chosen for number in group])


def place(cpus: tuple[Cpu, ...], service_cores: int = 1) -> Placement:
    """Gives each role whole physical cores; roles share if there are too few.

    Hardware threads of a core stay together. The service never shares its cores, because its CPU time per request is the
    value that most others depend on. With four physical cores or more each role has its own. With two or three, database
    and generator share the rest.
    Raises UsageError on a machine with one core or too few for `service_cores`.
    """
    groups = _cores(cpus)
    if len(groups) < service_cores + 1:
        raise UsageError(
            f"{len(groups)} physical core(s) are too few for a service on {service_cores} and the load generator: "
            "measure on a machine with at least two cores"
        )
    # The service gets the last cores: on most machines core 0 does the kernel's own work.
    rest, service = groups[:-service_cores], groups[-service_cores:]

    if len(rest) >= 3:
        half = len(rest) // 2
        return Placement(
            service=_flat(service),
            database=_flat(rest[half:]),
            generator=_flat(rest[:half]),
            shared=(),
            reason=f"{len(groups)} physical cores: each role has its own",
        )
    return Placement(
        service=_flat(service),
        database=_flat(rest),
        generator=_flat(rest),
        shared=("database", "generator"),
        reason=f"{len(groups)} physical cores: the service alone, database and generator share the other",
    )


def for_cores(cpus: tuple[Cpu, ...]) -> tuple[tuple[int, Placement], ...]:
    """One service on 1, 2, 4, ... physical cores and on all but one, fewest first.

    On a machine with two cores that would be one point. There the service also gets both cores, and shares one of them with
    the database and the generator.
    """
    groups = _cores(cpus)
    most = len(groups) - 1
    counts = sorted({2**power for power in range(most.bit_length()) if 2**power <= most} | {most})
    points = [(count, place(cpus, count)) for count in counts]
    if most > 1:
        return tuple(points)
    both = Placement(
        service=_flat(groups),
        database=_flat(groups[:1]),
        generator=_flat(groups[:1]),
        shared=("service", "database", "generator"),
        reason=f"{len(groups)} physical cores: the service on all of them, database and generator on one of these",
    )
    return (*points, (len(groups), both))


def for_replicas(cpus: tuple[Cpu, ...], count: int) -> tuple[Placement, tuple[str, ...]]:
    """The placement of `count` replicas with a proxy, and the CPUs of each replica.

    Each replica has a core of its own if three cores are left for database, generator and proxy. Otherwise replicas share
    the available cores in turn. The proxy has one of the generator's cores, or shares the generator's only one.
    """
    groups = _cores(cpus)
    own = min(count, max(1, len(groups) - 3))
    placed, mine, rest = place(cpus, own), groups[-own:], groups[:-own]
    split = ("replicas",) if own < count else ()
    placement = Placement(
        service=placed.service,
        database=placed.database,
        generator=placed.generator,
        shared=(*placed.shared, "proxy", *split),
        reason=f"{len(groups)} physical cores: {count} replicas on {own}",
        proxy=placed.generator,
    )
    load = rest[: len(rest) // 2]
    if not placed.shared and len(load) > 1:
        placement = structs.replace(placement, generator=_flat(load[:-1]), proxy=_flat(load[-1:]), shared=split)
    elif not placed.shared:
        placement = structs.replace(placement, shared=("generator", "proxy", *split))
    return placement, tuple(_flat([mine[number % own]]) for number in range(count))
