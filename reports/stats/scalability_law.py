"""The Universal Scalability Law: X(N) = λN / (1 + σ(N-1) + κN(N-1)).

λ is the throughput of one, σ the share of its work that is serial (contention), κ the cost of coordination between each two
(coherency). Source: N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007, chapter 4. The law is fitted in the form
N/X = a + b(N-1) + cN(N-1), which is linear: λ = 1/a, σ = b/a, κ = c/a. Non-negative least squares keeps all three at 0 or
above.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from msgspec import Struct
from scipy.optimize import nnls

#: Three parameters through three points fit whatever was measured.
MIN_POINTS = 4


class Law(Struct, frozen=True):
    """`lambda_`: throughput of one, in the unit of X. `peak`: the N beyond which X falls; None where it never falls."""

    lambda_: float
    sigma: float
    kappa: float
    peak: float | None


def fit(points: Sequence[tuple[int, float]]) -> Law | None:
    """The law of (N, X) points; None where there are fewer than MIN_POINTS different N."""
    if len({n for n, _ in points}) < MIN_POINTS or any(x <= 0 for _, x in points):
        return None
    n = np.array([n for n, _ in points], float)
    y = n / np.array([x for _, x in points], float)
    columns = np.column_stack([np.ones_like(n), n - 1, n * (n - 1)])
    # In units of the largest value: the solver's tolerance is absolute, and N/X may be far below 1.
    unit = float(y.max())
    a, b, c = (float(value) for value in nnls(columns, y / unit)[0])
    return Law(1 / (a * unit), b / a, c / a, _peak(b / a, c / a)) if a > 0 else None


def _peak(sigma: float, kappa: float) -> float | None:
    if kappa <= 0:
        return 1.0 if sigma >= 1 else None
    return max(1.0, sqrt(max(1 - sigma, 0.0) / kappa))
