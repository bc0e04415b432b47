"""Latency percentiles from HdrHistogram counts, whole arrays at a time. Pure but for `read_distribution`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.record import Missing, read_histograms
from loadtests.lean.histogram import COUNTS, HALF_COUNT_BITS

#: A percentile is printed only where at least so many samples lie beyond it: fewer are an anecdote.
SAMPLES_BEYOND = 100

_INDEX = np.arange(COUNTS, dtype=np.int64)
_BUCKET = np.maximum((_INDEX >> HALF_COUNT_BITS) - 1, 0)
#: The highest value (microseconds) that falls into each counts index: HdrHistogram's own answer for a percentile.
HIGHEST_VALUE = ((_INDEX - (_BUCKET << HALF_COUNT_BITS)) << _BUCKET) + (1 << _BUCKET) - 1


class Distribution:
    """Response times of one trial, all routes merged. Counts by HdrHistogram index; never changed once made."""

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


def merge(histograms: Iterable[Any]) -> Distribution:
    """Several HdrHistograms (of the generator's range and precision) as one distribution."""
    counts = np.zeros(COUNTS, dtype=np.int64)
    for histogram in histograms:
        found = np.ctypeslib.as_array(histogram.encoder.payload.counts).astype(np.int64)
        counts[: min(COUNTS, len(found))] += found[:COUNTS]
    return Distribution(counts)


def read_distribution(folder: Path, trial_id: str) -> Distribution | Missing:
    """A trial's distribution over all routes of its profile, from its histogram file."""
    histograms = read_histograms(folder, trial_id)
    return merge(histograms.values()) if histograms else Missing("the trial left no histogram")
