"""Which CPUs the service, the database and the generator get. Pure; the topology comes from harness.host."""

from __future__ import annotations

from msgspec import Struct

from harness.errors import UsageError
from harness.model import Placement


class Cpu(Struct, frozen=True):
    """One logical CPU and the physical core (package, core) that it belongs to."""

    number: int
    package: int
    core: int


def cpu_list(numbers: list[int]) -> str:
    """CPU numbers in the kernel's list form: [0, 1, 2, 5] is "0-2,5"."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)


def place(cpus: tuple[Cpu, ...], service_cores: int = 1) -> Placement:
    """Whole physical cores for each role, hyper-threads kept together; sharing where there are too few.

    The service is never shared: its CPU time per request is the figure that everything else leans on. With four
    physical cores or more each role is alone; with three, and with two, database and generator share what is left.
    Raises UsageError on a machine with one core or too few for `service_cores`.
    """
    cores: dict[tuple[int, int], list[int]] = {}
    for cpu in sorted(cpus, key=lambda c: c.number):
        cores.setdefault((cpu.package, cpu.core), []).append(cpu.number)
    groups = list(cores.values())
    if len(groups) < service_cores + 1:
        raise UsageError(
            f"{len(groups)} physical core(s) can't hold a service on {service_cores} and the load beside it: "
            "measure on a machine with at least two cores"
        )
    # The last cores for the service: core 0 serves the kernel's own work on most machines.
    rest, service = groups[:-service_cores], groups[-service_cores:]

    def flat(chosen: list[list[int]]) -> str:
        return cpu_list([number for group in chosen for number in group])

    if len(rest) >= 3:
        half = len(rest) // 2
        return Placement(
            service=flat(service),
            database=flat(rest[half:]),
            generator=flat(rest[:half]),
            shared=(),
            reason=f"{len(groups)} physical cores: each role has its own",
        )
    return Placement(
        service=flat(service),
        database=flat(rest),
        generator=flat(rest),
        shared=("database", "generator"),
        reason=f"{len(groups)} physical cores: the service alone, database and generator share the other",
    )
