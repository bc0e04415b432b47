"""What the host's CPUs did, from /proc/stat: busy and idle time, and time that a hypervisor took away.

Source of the fields: proc(5). They are printed in steps of 10 ms, so a share over ten seconds is true to 0.1 %. Neither
tells alone how long processes ran. Busy time is sampled: the kernel looks at each tick who is running, and work that timers
start runs in step with the tick (a service that held 4,000 requests was seen at twice the time that it used). What is not
idle time is exact, and has in it what waking up costs a virtual CPU thousands of times a second (7 % beside a service that
waits on its database). Other work shows in both.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from harness.record.plan import Placement

STAT = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """One CPU since boot, nanoseconds. `busy`: processes, in user and in kernel mode; interrupts are not in it. `idle`: with
    nothing to do, waiting for a disk included.
    """

    busy_ns: int
    idle_ns: int
    steal_ns: int
    total_ns: int


def read_processors(path: Path = STAT) -> dict[int, CpuTimes]:
    """CPU number -> its times. Empty where the kernel does not say."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    found: dict[int, CpuTimes] = {}
    for line in lines:
        name, *fields = line.split()
        if not name.startswith("cpu") or name == "cpu":
            continue
        # user nice system idle iowait irq softirq steal guest guest_nice; guests are in user already.
        user, nice, system, *others = (int(field) * tick_ns for field in fields[:8])
        steal = others[4] if len(others) > 4 else 0
        total = user + nice + system + sum(others)
        found[int(name.removeprefix("cpu"))] = CpuTimes(user + nice + system, sum(others[:2]), steal, total)
    return found


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
