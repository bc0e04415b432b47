"""The statistics of the gate: adjusted means, Holm's correction, the verdict on pairs."""

from __future__ import annotations

import math
import random

import pytest

from reports.comparison.matched_cells import PairedCell
from reports.regression.confirmation import MIN_PAIRS, confirm, holm, verdict
from reports.regression.gate_result import Confirmation
from reports.stats.intervals import at_zero


def test_at_zero_agrees_with_a_plain_mean_and_leaves_out_what_does_not_move() -> None:
    values = [0.1, 0.2, 0.4, 0.5, 0.3, 0.6]
    plain = at_zero(values, [])
    assert plain.mean == pytest.approx(0.35)
    assert plain.error == pytest.approx(0.1870829 / math.sqrt(6), rel=1e-6)
    assert at_zero(values, [[0.001] * 6]) == plain
    # An exact line: the value at 0 is its intercept.
    line = at_zero([1 + 2 * x for x in (0.1, 0.2, 0.3, 0.4, 0.7)], [(0.1, 0.2, 0.3, 0.4, 0.7)])
    assert (line.mean, line.degrees) == (pytest.approx(1.0), 3)


def test_holm_agrees_with_its_published_example() -> None:
    # Holm 1979 as computed by R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


@pytest.mark.parametrize(
    ("worse", "p", "state"),
    [(1.10, 0.01, "regressed"), (1.10, 0.2, "inconclusive"), (1.04, 0.001, "not regressed"), (0.9, 1.0, "not regressed")],
)
def test_the_verdict_needs_both_size_and_certainty(worse: float, p: float, state: str) -> None:
    assert verdict(Confirmation(worse, 0.0, 9.0, 8, p, p), 0.05) == state


def test_a_false_alarm_over_many_equal_cells_is_as_rare_as_holm_says() -> None:
    rng = random.Random(6)
    alarms = 0
    for _ in range(400):
        cells = {str(i): PairedCell(tuple(rng.gauss(0, 0.04) for _ in range(8))) for i in range(20)}
        alarms += any(found.p_adjusted < 0.05 for found in confirm(cells).values())
    assert 0.01 < alarms / 400 < 0.09


def test_too_few_pairs_say_nothing() -> None:
    assert confirm({"a": PairedCell((0.1,) * (MIN_PAIRS - 1))}) == {}
