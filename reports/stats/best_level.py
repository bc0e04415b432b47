"""The best level that a series has held, and how far the next value may lie from it.

A series whose level has changed has more scatter over all its values than within its levels. Compared with all values, an
improvement that is lost again would be called noise, and so would a drift of 1 % from value to value. So the next value is
compared with the best level, and the scatter is that within levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from reports.stats.change_points import Segment, segments
from reports.stats.intervals import AtZero, at_zero, first_at_zero


class BestLevel(Struct, frozen=True):
    """The positions from `start` to before `end` that hold it, and its mean, with the scatter of one new value around it."""

    start: int
    end: int
    fit: AtZero


def best_level(logs: Sequence[float], covariates: Sequence[Sequence[float]], sign: float) -> BestLevel:
    """The best of the levels of some logarithms, at covariates of 0. `sign`: 1 where lower is better, -1 where higher is.

    It takes as many logarithms as `at_zero` does.
    """
    whole = at_zero(logs, covariates)
    found = segments([math.exp(each) for each in _corrected(logs, covariates)])
    if len(found) < 2:
        return BestLevel(0, len(logs), whole)
    fits = [BestLevel(level.start, level.end, _at(level, found, logs, covariates)) for level in found]
    return min(fits, key=lambda level: sign * level.fit.mean)


def _corrected(logs: Sequence[float], covariates: Sequence[Sequence[float]]) -> list[float]:
    """The logarithms without what the covariates explain of them, by least squares over all of them."""
    moving = [column - np.mean(column) for column in map(np.asarray, covariates)]
    if not moving:
        return list(logs)
    y = np.asarray(logs, dtype=float)
    slopes = np.linalg.lstsq(np.column_stack([*moving, np.ones(len(y))]), y, rcond=None)[0][:-1]
    return [float(each) for each in y - np.column_stack(moving) @ slopes]


def _at(level: Segment, every: Sequence[Segment], logs: Sequence[float], covariates: Sequence[Sequence[float]]) -> AtZero:
    """The mean of one level where each of the others has a mean of its own."""
    places = np.arange(len(logs))
    ordered = (level, *(each for each in every if each is not level))
    return first_at_zero(logs, [((places >= e.start) & (places < e.end)).astype(float) for e in ordered], covariates)
