"""Analysis of covariance: what is left when the speed of the machine is taken out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

#: A covariate that hardly moves explains nothing, and would be fitted to noise.
LEAST_SPREAD = 0.003


class AtZero(Struct, frozen=True):
    """The mean of some values where all their covariates are 0: `error` is its standard error, `scatter` that of a single
    value around it, both with `degrees` of freedom.
    """

    mean: float
    error: float
    scatter: float
    degrees: int


def at_zero(values: Sequence[float], covariates: Sequence[Sequence[float]]) -> AtZero:
    """Least squares of the values on an intercept and the covariates (analysis of covariance; D. C. Montgomery, Design and
    Analysis of Experiments, chapter 15). Covariates that hardly move, or for which there are too few values, are left out.
    """
    return _first_coefficient(values, [np.ones(len(values))], covariates)


def apart(
    now: Sequence[float], before: Sequence[float], covariates: Sequence[tuple[Sequence[float], Sequence[float]]]
) -> AtZero:
    """How far the mean of `now` lies above that of `before` where the covariates (each of now, of before) are alike."""
    group = np.repeat([1.0, 0.0], [len(now), len(before)])
    columns = [[*there, *then] for there, then in covariates]
    return _first_coefficient([*now, *before], [group, np.ones(len(group))], columns)


def _first_coefficient(
    values: Sequence[float], design: Sequence[NDArray[np.float64]], covariates: Sequence[Sequence[float]]
) -> AtZero:
    n = len(values)
    moving = [column for column in covariates if np.std(column) > LEAST_SPREAD][: max(0, n - 4)]
    matrix = np.column_stack([*design, *moving])
    y = np.asarray(values, dtype=float)
    coefficients, _, rank, _ = np.linalg.lstsq(matrix, y, rcond=None)
    degrees = n - int(rank)
    residuals = y - matrix @ coefficients
    scatter = math.sqrt(float(residuals @ residuals) / degrees)
    leverage = float(np.linalg.pinv(matrix.T @ matrix)[0, 0])
    return AtZero(float(coefficients[0]), scatter * math.sqrt(leverage), scatter * math.sqrt(1 + leverage), degrees)
