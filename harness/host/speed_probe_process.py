"""The program of the CPU speed probe: times a fixed piece of work on each of the given CPUs in turn.

    python -I -S speed_probe_process.py FILE CPU[,CPU...]

Each line of the file: CLOCK_MONOTONIC in nanoseconds, CPU, nanoseconds of CPU time that the work took. The program ends with
its parent, and after an hour and a half in any case. It uses only the standard library, so that it starts quickly.
"""

import os
import sys
import time
from pathlib import Path

INTERVAL_SECONDS = 0.008
STEPS = 1300
LONGEST_SECONDS = 5400.0
PRIORITY = 10


def work() -> int:
    """Integer arithmetic with branches that a CPU can't predict: about 80 microseconds."""
    value, mixed = 27, 0
    for _ in range(STEPS):
        value = (value * 3 + 1) & 0xFFFFFFFF if value & 1 else value >> 1
        mixed ^= value
    return mixed


def main(path: str, cpus: list[int]) -> None:
    """Writes a line for each turn."""
    parent, end = os.getppid(), time.monotonic() + LONGEST_SECONDS
    os.nice(PRIORITY)
    with Path(path).open("w", buffering=1, encoding="utf-8") as file:
        due, turn = time.monotonic(), 0
        while os.getppid() == parent and due < end:
            cpu = cpus[turn % len(cpus)]
            os.sched_setaffinity(0, {cpu})
            started, before = time.monotonic_ns(), time.thread_time_ns()
            work()
            file.write(f"{started} {cpu} {time.thread_time_ns() - before}\n")
            due, turn = max(due + INTERVAL_SECONDS, time.monotonic()), turn + 1
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], [int(cpu) for cpu in sys.argv[2].split(",")])
