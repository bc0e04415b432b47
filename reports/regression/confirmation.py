"""Flagged cells measured again, base against head: is the head worse? Pure.

A pair is two neighbouring trials, one of the base and one of the head, in the order base, head, head, base: what drifts
evenly over such four cancels. Each cell's log ratios of its pairs give a one-sided Student's t test of "not worse" and an
interval, after what the machine's speed explains (at_zero in reports/stats/intervals.py); Holm's correction (S. Holm,
Scand. J. Statist. 6, 1979) holds the chance of any false alarm over all cells of one confirmation at `ALPHA`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from reports.comparison.paired_trials import Pairs
from reports.regression.gate_result import Confirmation, State
from reports.stats.intervals import AtZero, at_zero, student_t_quantile, student_t_tail

ALPHA = 0.05
LEAST_PAIRS = 3


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p values: a cell is significant at a level where its own is below it."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return adjusted


def confirm(cells: Mapping[str, Pairs]) -> dict[str, Confirmation]:
    """What the pairs of each cell say. Cells under three pairs are left out."""
    found = {cell: at_zero(pairs.worse, pairs.slower) for cell, pairs in cells.items() if len(pairs.worse) >= LEAST_PAIRS}
    p_values = {cell: _p(fit) for cell, fit in found.items()}
    adjusted = holm(p_values)
    return {cell: _confirmation(fit, len(cells[cell].worse), p_values[cell], adjusted[cell]) for cell, fit in found.items()}


def _confirmation(fit: AtZero, pairs: int, p: float, adjusted: float) -> Confirmation:
    # The interval is of the same level as the one-sided test: both its bounds are such tests.
    half = student_t_quantile(1 - ALPHA, fit.degrees) * fit.error
    return Confirmation(
        worse=math.exp(fit.mean),
        low=math.exp(fit.mean - half),
        high=math.exp(fit.mean + half),
        pairs=pairs,
        p=p,
        p_adjusted=adjusted,
    )


def _p(fit: AtZero) -> float:
    """One-sided p of "the mean is not above 0"."""
    # Counted values don't scatter.
    if fit.error < 1e-12:
        return 0.0 if fit.mean > 1e-9 else 1.0
    return student_t_tail(fit.mean / fit.error, fit.degrees)


def verdict(found: Confirmation, bound: float) -> State:
    """`regressed`: worse by at least `bound` (0.05 is 5 %), and beyond chance. `not regressed`: the pairs show no worsening
    of that size. `inconclusive`: they show one that chance may have made.
    """
    if found.worse < 1 + bound:
        return "not regressed"
    return "regressed" if found.p_adjusted < ALPHA else "inconclusive"
