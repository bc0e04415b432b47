"""The Universal Scalability Law: X(N) = λN / (1 + σ(N-1) + κN(N-1)). Pure.

λ is what one does, σ what of it is waited for (contention), κ what each costs all others (coherency). Source: N. J. Gunther,
"Guerrilla Capacity Planning", Springer 2007, chapter 4. Fitted in the form N/X = a + b(N-1) + cN(N-1), which is linear:
λ = 1/a, σ = b/a, κ = c/a; none of them below 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from msgspec import Struct

#: Three parameters through three points fit whatever was measured.
MIN_POINTS = 4


class Law(Struct, frozen=True):
    """`lambda_`: what one does, in the unit of X. `peak`: the N beyond which X falls; None where it never does."""

    lambda_: float
    sigma: float
    kappa: float
    peak: float | None


def fit(points: Sequence[tuple[int, float]]) -> Law | None:
    """The law of (N, X) points; None where there are fewer than LEAST_POINTS different N."""
    if len({n for n, _ in points}) < MIN_POINTS or any(x <= 0 for _, x in points):
        return None
    n = np.array([n for n, _ in points], float)
    y = n / np.array([x for _, x in points], float)
    columns = np.column_stack([np.ones_like(n), n - 1, n * (n - 1)])
    best: tuple[float, float, float, float] | None = None
    # Non-negative least squares of two bounded parameters: the best among those that set none, one or both of them to 0.
    for kept in ((0,), (0, 1), (0, 2), (0, 1, 2)):
        solved = np.linalg.lstsq(columns[:, kept], y, rcond=None)[0]
        if solved[0] <= 0 or (solved < 0).any():
            continue
        full = dict(zip(kept, solved, strict=True))
        a, b, c = (float(full.get(i, 0.0)) for i in range(3))
        error = float(((columns @ np.array([a, b, c]) - y) ** 2).sum())
        if best is None or error < best[0] - 1e-15:
            best = (error, a, b, c)
    if best is None:
        return None
    _, a, b, c = best
    return Law(1 / a, b / a, c / a, _peak(b / a, c / a))


def _peak(sigma: float, kappa: float) -> float | None:
    if kappa <= 0:
        return 1.0 if sigma >= 1 else None
    return max(1.0, sqrt(max(1 - sigma, 0.0) / kappa))
