"""A trial's samples as curves of CPU use and memory over time. Reads one CSV file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from harness.record.measurement import Missing

#: The smallest bin of a curve, and the largest number of bins. More would not be visible in the chart.
BIN_SECONDS = 0.5
MAX_BINS = 240


class Curve(Struct, frozen=True):
    """One container over time. `seconds` count from the given instant and are negative before it.

    `working_set_bytes` is empty where the working set was not measured.
    """

    seconds: tuple[float, ...]
    cores: tuple[float, ...]
    working_set_bytes: tuple[float, ...]


#: Of the columns of a file, in this order: time, counter of CPU time, and two of which the working set is the sum.
_DRAWN = ("monotonic_ns", "cpu_ns", "anonymous_bytes", "mapped_file_bytes")
#: Before method 7 it was the difference of these two: memory, and the part of it that is idle file cache.
_DRAWN_BEFORE = ("monotonic_ns", "cpu_ns", "memory_bytes", "inactive_file_bytes")
_Reading = tuple[int, int, int | None]


def read_curves(folder: Path, trial_id: str, zero_ns: int) -> dict[str, Curve] | Missing:
    """Role -> curve over the whole trial, or why there is none. `zero_ns`: second 0 on the clock of the samples."""
    by_role: dict[str, list[_Reading]] = {}
    try:
        with (folder / "samples" / f"{trial_id}.csv").open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            names = next(rows, [])
            added = _DRAWN[-1] in names
            role, (at, cpu, memory, other) = names.index("role"), map(names.index, _DRAWN if added else _DRAWN_BEFORE)
            for row in rows:
                # An empty cell: not known.
                part = None if not row[other] else int(row[other]) if added else -int(row[other])
                used = None if part is None else int(row[memory]) + part
                by_role.setdefault(row[role], []).append((int(row[at]), int(row[cpu]), used))
    except (OSError, ValueError, IndexError) as error:
        return Missing(f"the samples of trial {trial_id} can't be read ({type(error).__name__})")
    instants = [reading[0] for readings in by_role.values() for reading in readings]
    took = (max(instants) - min(instants)) / 1e9 if instants else 0.0
    width = max(BIN_SECONDS, took / MAX_BINS)
    return {role: _curve(by_role[role], zero_ns, width) for role in sorted(by_role)}


def _curve(readings: Sequence[_Reading], zero_ns: int, bin_seconds: float) -> Curve:
    """One role's samples as a curve.

    CPU use of a bin is the counter's increase from the last sample of the bin before to the last sample of this bin, divided
    by the time between them. Nothing is lost or counted twice, however uneven the sampling is.
    """
    bins = {(reading[0] - zero_ns) / 1e9 // bin_seconds: reading for reading in readings}
    last = [bins[number] for number in sorted(bins)]
    ends = last[1:]
    used = [memory for *_, memory in ends if memory is not None]
    return Curve(
        tuple(round((at - zero_ns) / 1e9, 2) for at, *_ in ends),
        tuple(round((two[1] - one[1]) / (two[0] - one[0]), 3) for one, two in pairwise(last)),
        tuple(map(float, used)) if len(used) == len(ends) else (),
    )
