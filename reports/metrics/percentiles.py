"""Latency percentiles from HdrHistogram counts, whole arrays at a time. Pure but for `read_distributions`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.record.measurement import Missing
from harness.record.writer import read_histograms, tag
from loadtests.protocol.histogram import COUNTS, HALF_COUNT_BITS

#: A percentile is printed only where at least so many samples lie beyond it: fewer are an anecdote.
SAMPLES_BEYOND = 100

_INDEX = np.arange(COUNTS, dtype=np.int64)
_BUCKET = np.maximum((_INDEX >> HALF_COUNT_BITS) - 1, 0)
#: The highest value (microseconds) that falls into each counts index: HdrHistogram's own answer for a percentile.
HIGHEST_VALUE = ((_INDEX - (_BUCKET << HALF_COUNT_BITS)) << _BUCKET) + (1 << _BUCKET) - 1


class Distribution:
    """Response times of one trial at one level, all routes merged. Counts by HdrHistogram index; never changed once made."""

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self._cumulative = np.cumsum(counts)
        self.total = int(self._cumulative[-1])

    def percentile(self, percent: float) -> float | Missing:
        """Microseconds that `percent` of the requests did not exceed, or why that can't be said."""
        beyond = self.total * (100 - percent) / 100
        if beyond + 1e-6 < SAMPLES_BEYOND:
            return Missing(f"only {beyond:.0f} of {self.total:,} requests lie beyond it; {SAMPLES_BEYOND} are the least")
        rank = max(1, int(np.ceil(self.total * percent / 100 - 1e-9)))
        return float(HIGHEST_VALUE[int(np.searchsorted(self._cumulative, rank))])

    def share_within(self, microseconds: float) -> float:
        """The part (0 to 1) of the requests that took at most so long: counted, so that few of them will do."""
        below = int(np.searchsorted(HIGHEST_VALUE, microseconds, side="right"))
        return float(self._cumulative[below - 1] / self.total) if below and self.total else 0.0


def merge(histograms: Iterable[Any]) -> Distribution:
    """Several HdrHistograms (of the generator's range and precision) as one distribution."""
    counts = np.zeros(COUNTS, dtype=np.int64)
    for histogram in histograms:
        found = np.ctypeslib.as_array(histogram.encoder.payload.counts).astype(np.int64)
        counts[: min(COUNTS, len(found))] += found[:COUNTS]
    return Distribution(counts)


def read_distributions(folder: Path, trial_id: str, levels: Iterable[str]) -> dict[str, Distribution | Missing]:
    """Level -> distribution of its response times over all its routes, from the trial's histogram file.

    Response times count from the intended instant; service times and the generator's lag are in the file as well, for
    whoever asks, and stay out of the report.
    """
    histograms = read_histograms(folder, trial_id)
    found: dict[str, Distribution | Missing] = {}
    for level in levels:
        prefix = tag(level, "response", "")
        chosen = [histogram for name, histogram in histograms.items() if name.startswith(prefix)]
        found[level] = merge(chosen) if chosen else Missing("the trial left no histogram of it")
    return found
