"""Estimates over trials, and their intervals. Deterministic. docs/method/statistics.md explains the choices.

A run has 3 trials per cell (`quick`) or 8 (`full`). Simulated coverage of a nominal 95 % interval with log-normal noise
(tests/reports/stats/test_intervals.py):

- percentile bootstrap of the median: 75 % at 3 trials (it can't leave the range of the trials, and 1 - 2 x 0.5^3 is 75 %)
- percentile bootstrap of the mean: 75 % at 3 trials, 90 % at 8
- Student's t on logarithms: 95 % at every number of trials

The interval is therefore Student's t on logarithms up to 29 trials; its centre is the geometric mean. From 30 trials on it
is the percentile bootstrap of the median, which needs no normal noise and covers 95 % there. Fewer than three trials have no
interval. If the median lies outside the interval, the interval is widened to hold it, which can only raise coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, median, stdev, variance
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import bdtrc

#: A covariate that varies less than this explains nothing, and its slope would be fitted to noise.
MIN_SPREAD = 0.003

#: With two trials Student's interval spans factors of a thousand, which is correct and useless.
MIN_TRIALS = 3
BOOTSTRAP_FROM_TRIALS = 30

Method = Literal["student t on logarithms", "bootstrap of the median", "exact", "none"]


class Estimate(Struct, frozen=True):
    """The median over `trials` with its interval. `low` and `high` are None if there is no interval."""

    median: float
    low: float | None
    high: float | None
    trials: int
    method: Method

    @property
    def ranks(self) -> bool:
        """Whether there are the trials, or the exactness, that a ranking takes."""
        return self.trials >= MIN_TRIALS or self.method == "exact"


class Ratio(Struct, frozen=True):
    """How far one target is ahead of another. Above 1 it is better. `blocks` is the number of pairs."""

    ahead: float
    low: float
    high: float
    blocks: int


def estimate(values: Sequence[float], confidence_percent: float, *, exact: bool = False) -> Estimate:
    """The estimate of positive values, one per trial. Raises ValueError without values or if one is not positive.

    `exact`: the value was read, not measured (an image's size). It has no noise and needs no interval.
    """
    if not values or min(values) <= 0:
        raise ValueError("an estimate needs positive values")
    middle = median(values)
    if exact:
        return Estimate(middle, middle, middle, len(values), "exact")
    if len(values) < MIN_TRIALS:
        return Estimate(middle, None, None, len(values), "none")
    if len(values) >= BOOTSTRAP_FROM_TRIALS:
        low, high = bootstrap_interval(values, confidence_percent)
        return Estimate(middle, low, high, len(values), "bootstrap of the median")
    centre, half = log_interval([math.log(v) for v in values], confidence_percent / 100)
    low, high = math.exp(centre - half), math.exp(centre + half)
    return Estimate(middle, min(low, middle), max(high, middle), len(values), "student t on logarithms")


def bootstrap_interval(values: Sequence[float], confidence_percent: float) -> tuple[float, float]:
    """Percentile bootstrap of the median (Efron & Tibshirani 1993, chapter 13), without drawing a sample.

    In a resample of n values the j-th smallest is at most the k-th smallest value with the probability that at least j of n
    draws fall on the k smallest: a binomial tail (the same book, section 2.3). Of an even number of values the two middle
    ones count half each.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    tail = (100 - confidence_percent) / 200
    low, high = (float(np.mean(ordered[_resampled_middles(len(ordered), end)])) for end in (tail, 1 - tail))
    return low, high


@lru_cache(maxsize=256)
def _resampled_middles(n: int, probability: float) -> list[int]:
    """The places, among n sorted values, of a quantile of the median over all resamples."""
    shares = np.arange(1, n + 1) / n
    middles = {(n + 1) // 2, n // 2 + 1}
    return [min(int(np.searchsorted(bdtrc(j - 1, n, shares), probability)), n - 1) for j in middles]


def log_interval(logs: Sequence[float], confidence: float) -> tuple[float, float]:
    """The mean of logarithms and half the width of its Student's t interval."""
    n = len(logs)
    return fmean(logs), student_t_quantile((1 + confidence) / 2, n - 1) * stdev(logs) / math.sqrt(n)


class Difference(Struct, frozen=True):
    """The difference of two means of logarithms. `error` is its standard error, with `degrees` of freedom."""

    mean: float
    error: float
    degrees: int

    def half(self, confidence_percent: float) -> float:
        """Half the width of the difference's interval, in logarithms."""
        return student_t_quantile((1 + confidence_percent / 100) / 2, self.degrees) * self.error

    def ratio(self, confidence_percent: float) -> tuple[float, float, float]:
        """The ratio of the geometric means with its interval."""
        half = self.half(confidence_percent)
        return math.exp(self.mean), math.exp(self.mean - half), math.exp(self.mean + half)


def welch(now: Sequence[float], before: Sequence[float]) -> Difference:
    """Mean of `now` minus mean of `before`, not paired (B. L. Welch, Biometrika 34, 1947). Each needs two values or more."""
    errors = [variance(each) / len(each) for each in (now, before)]
    total = sum(errors)
    # Rounded down: whole degrees of freedom alone have a closed form, and fewer only widen the interval.
    parts = sum(e**2 / (len(each) - 1) for e, each in zip(errors, (now, before), strict=True))
    degrees = max(int(total**2 / parts), 1) if parts else 1
    return Difference(fmean(now) - fmean(before), math.sqrt(total), degrees)


def welch_ratio(now: Sequence[float], before: Sequence[float], confidence_percent: float) -> tuple[float, float, float]:
    """Geometric mean of `now` / geometric mean of `before`, not paired, with its interval."""
    return welch([math.log(v) for v in now], [math.log(v) for v in before]).ratio(confidence_percent)


@lru_cache(maxsize=256)
def student_t_quantile(probability: float, degrees: int) -> float:
    """The t that a Student variable stays below with a probability in (0.5, 1), by bisection.

    SciPy's own differs in the last digits, and published figures keep theirs to the byte.
    """
    low, high = 0.0, 1.0
    while _student_t_cdf(high, degrees) < probability:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _student_t_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def _student_t_cdf(t: float, degrees: int) -> float:
    """P(T <= t) for t >= 0 and whole degrees of freedom: the finite sums of Abramowitz & Stegun 26.7.3 and 26.7.4."""
    theta = math.atan2(t, math.sqrt(degrees))
    cosine = math.cos(theta)
    if degrees % 2:
        term, total = cosine, 0.0
        for k in range(1, (degrees - 1) // 2 + 1):
            total += term
            term *= cosine * cosine * 2 * k / (2 * k + 1)
        within = (theta + math.sin(theta) * total) * 2 / math.pi
    else:
        term, total = 1.0, 0.0
        for k in range(1, degrees // 2 + 1):
            total += term
            term *= cosine * cosine * (2 * k - 1) / (2 * k)
        within = math.sin(theta) * total
    return (1 + within) / 2


def student_t_tail(t: float, degrees: int) -> float:
    """P(T > t) for any t and whole degrees of freedom."""
    return 1 - _student_t_cdf(t, degrees) if t >= 0 else _student_t_cdf(-t, degrees)


class AtZero(Struct, frozen=True):
    """The mean of some values where all their covariates are 0. `error` is its standard error, `scatter` the standard error
    of predicting a single new value. Both have `degrees` of freedom.
    """

    mean: float
    error: float
    scatter: float
    degrees: int


def at_zero(values: Sequence[float], covariates: Sequence[Sequence[float]]) -> AtZero:
    """Fits the values by least squares to an intercept and the covariates (analysis of covariance; D. C. Montgomery, Design
    and Analysis of Experiments, chapter 15). Covariates that hardly vary, or for which there are too few values, are left
    out.
    """
    return first_at_zero(values, [np.ones(len(values))], covariates)


def apart(
    now: Sequence[float], before: Sequence[float], covariates: Sequence[tuple[Sequence[float], Sequence[float]]]
) -> AtZero:
    """How far the mean of `now` is above that of `before` at equal covariates (each a pair: of now, of before)."""
    group = np.repeat([1.0, 0.0], [len(now), len(before)])
    columns = [[*there, *then] for there, then in covariates]
    return first_at_zero([*now, *before], [group, np.ones(len(group))], columns)


def first_at_zero(
    values: Sequence[float], design: Sequence[NDArray[np.float64]], covariates: Sequence[Sequence[float]]
) -> AtZero:
    """The coefficient of the first column of the design where all covariates are 0."""
    n = len(values)
    moving = [column for column in covariates if np.std(column) > MIN_SPREAD][: max(0, n - 4)]
    matrix = np.column_stack([*design, *moving])
    y = np.asarray(values, dtype=float)
    coefficients, _, rank, _ = np.linalg.lstsq(matrix, y, rcond=None)
    degrees = n - int(rank)
    residuals = y - matrix @ coefficients
    scatter = math.sqrt(float(residuals @ residuals) / degrees)
    leverage = float(np.linalg.pinv(matrix.T @ matrix)[0, 0])
    return AtZero(float(coefficients[0]), scatter * math.sqrt(leverage), scatter * math.sqrt(1 + leverage), degrees)
