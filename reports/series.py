"""A trial's samples as curves: CPU use and memory over time. Reads one CSV file; the rest is pure."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from msgspec import Struct

from harness.record import Measurement, Missing

BIN_SECONDS = 0.5


class Curve(Struct, frozen=True):
    """One container over time. `seconds` count from the start of the measured window (the warm-up is negative)."""

    seconds: tuple[float, ...]
    cores: tuple[float, ...]
    working_set_bytes: tuple[float, ...]


def read_curves(folder: Path, trial_id: str, measurement: Measurement) -> dict[str, Curve] | Missing:
    """Role -> curve, in bins of half a second, or why there is none."""
    path = folder / "samples" / f"{trial_id}.csv"
    try:
        frame = pd.read_csv(path)
        return {
            str(role): curve(rows, measurement.window_start_ns, measurement.window_end_ns)
            for role, rows in frame.groupby("role", sort=True)
        }
    except (OSError, ValueError, KeyError) as error:
        return Missing(f"the samples of trial {trial_id} can't be read ({type(error).__name__})")


def curve(rows: pd.DataFrame, start_ns: int, end_ns: int) -> Curve:
    """One role's samples as a curve up to the end of the window.

    CPU use of a bin is the counter's rise between the last samples of this bin and of the one before, over the time between
    them: counters are exact, so no rise is lost or counted twice, however uneven the sampling.
    """
    offset = (rows["monotonic_ns"] - start_ns) / 1e9
    last = rows.assign(offset=offset, bin=(offset // BIN_SECONDS)).groupby("bin").last()
    last = last[last["monotonic_ns"] <= end_ns + BIN_SECONDS * 1e9]
    cores = last["cpu_ns"].diff() / last["monotonic_ns"].diff()
    kept = cores.notna()
    memory = (last["memory_bytes"] - last["inactive_file_bytes"])[kept]
    return Curve(
        tuple(round(float(v), 2) for v in last["offset"][kept]),
        tuple(round(float(v), 3) for v in cores[kept]),
        tuple(float(v) for v in memory),
    )
