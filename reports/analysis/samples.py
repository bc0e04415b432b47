"""A trial's samples as curves of CPU use and memory over time. Reads one CSV file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from msgspec import Struct

from harness.record.measurement import Missing

#: The smallest bin of a curve, and the largest number of bins. More would not be visible in the chart.
BIN_SECONDS = 0.5
MAX_BINS = 240


class Curve(Struct, frozen=True):
    """One container over time. `seconds` count from the given instant and are negative before it."""

    seconds: tuple[float, ...]
    cores: tuple[float, ...]
    working_set_bytes: tuple[float, ...]


def read_curves(folder: Path, trial_id: str, zero_ns: int) -> dict[str, Curve] | Missing:
    """Role -> curve over the whole trial, or why there is none. `zero_ns`: second 0 on the clock of the samples."""
    path = folder / "samples" / f"{trial_id}.csv"
    try:
        frame = pd.read_csv(path)
        took = (frame["monotonic_ns"].max() - frame["monotonic_ns"].min()) / 1e9
        width = max(BIN_SECONDS, took / MAX_BINS)
        return {str(role): curve(rows, zero_ns, width) for role, rows in frame.groupby("role", sort=True)}
    except (OSError, ValueError, KeyError) as error:
        return Missing(f"the samples of trial {trial_id} can't be read ({type(error).__name__})")


def curve(rows: pd.DataFrame, zero_ns: int, bin_seconds: float) -> Curve:
    """One role's samples as a curve.

    CPU use of a bin is the counter's increase from the last sample of the bin before to the last sample of this bin, divided
    by the time between them. Nothing is lost or counted twice, however uneven the sampling is.
    """
    offset = (rows["monotonic_ns"] - zero_ns) / 1e9
    last = rows.assign(offset=offset, bin=(offset // bin_seconds)).groupby("bin").last()
    cores = last["cpu_ns"].diff() / last["monotonic_ns"].diff()
    kept = cores.notna()
    memory = (last["memory_bytes"] - last["inactive_file_bytes"])[kept]
    return Curve(
        tuple(round(float(v), 2) for v in last["offset"][kept]),
        tuple(round(float(v), 3) for v in cores[kept]),
        tuple(float(v) for v in memory),
    )
