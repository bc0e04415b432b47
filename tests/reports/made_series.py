"""Synthetic response times and samples: made up from a seed, for tests alone."""

from __future__ import annotations

import math
import random
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from harness.record.plan import Trial
from harness.record.samples import Counters, Sample
from loadtests.protocol.histogram import index_of, new_counts

FloatArray = NDArray[np.float64]


@cache
def quantiles(count: int) -> FloatArray:
    """So many quantiles of a normal distribution. Many histograms have the same number of requests."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / count) for i in range(count)])


def histogram_counts(
    rng: random.Random, requests: int, mean_microseconds: float, sigma: float = 0.3
) -> tuple[list[int], int]:
    """Log-normal response times with their sum. Where they scatter little, none takes three times as long."""
    # Quantiles in order, not draws: quick, and smooth as a long run's.
    times = mean_microseconds * np.exp(sigma * quantiles(requests) - sigma**2 / 2)
    if sigma > 0.1:
        times[math.floor(requests * 0.997) + 1 :] *= 3
    values = np.maximum(1, times.astype(np.int64))
    counts = new_counts()
    for value, count in zip(*(each.tolist() for each in np.unique(values, return_counts=True)), strict=True):
        counts[index_of(value)] += count
    return counts, int(values.sum())


def made_samples(rng: random.Random, trial: Trial, memory: float, begin: int, end: int) -> list[Sample]:
    """Ten readings a second of constant use, with a little noise."""
    cpu = dict.fromkeys(("service", "database", "generator"), 0)
    use = {"service": 0.97, "database": 0.05 if trial.profile == "cpu" else 0.6, "generator": 0.35}
    samples = []
    for now in range(begin, end, 100_000_000):
        for role in cpu:
            cpu[role] += int(1e8 * use[role] * math.exp(rng.gauss(0, 0.03)))
            mebibytes = memory * (1 - 0.5 * math.exp(-(now - begin) / 2e9)) if role == "service" else 60
            held = int(mebibytes * 2**20)
            own = int(held * 0.8)
            samples.append(Sample(now, role, Counters(cpu[role], held + 4096, 4096, own, None, None, None, held - own)))
    return samples
