"""CPU numbers, and the kernel's list form of a set ("0-2,5")."""

from __future__ import annotations

from msgspec import Struct

from harness.record.plan import Placement


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


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """The CPU numbers of a kernel list: "0-2,5" is 0, 1, 2, 5."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return tuple(numbers)


def all_cpus(placement: Placement) -> tuple[int, ...]:
    """Every CPU that a trial uses, once."""
    roles = (placement.service, placement.database, placement.generator)
    return tuple(sorted({cpu for role in roles for cpu in parse_cpu_list(role)}))


def count_cpus(cpu_list: str) -> int:
    """How many CPUs a kernel list ("0-2,5") names."""
    return len(parse_cpu_list(cpu_list))
