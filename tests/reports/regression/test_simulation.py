"""The simulation behind the gate's promise: its shortcut is the gate's rule, and its figures keep what the gate must."""

from __future__ import annotations

import math

import numpy as np

from reports.regression.screening import MIN_RUNS, screen
from reports.regression.simulation import BOUND, MONTH, flags, found, quiet_nights, table, values


def test_many_cells_at_once_are_flagged_as_the_gate_flags_one() -> None:
    rng = np.random.default_rng(2)
    for runs in (MIN_RUNS, 17, 45):
        history, now = values(rng, (300, runs)), values(rng, (300,)) + 0.06
        one_by_one = [
            screen([math.exp(v) for v in row], math.exp(n), "lower", BOUND).flagged
            for row, n in zip(history, now, strict=True)
        ]
        assert flags(history, now).tolist() == one_by_one
        assert 20 < sum(one_by_one) < 280


def test_at_most_one_false_alarm_in_two_months_and_a_tenth_is_found() -> None:
    rng = np.random.default_rng(3)
    quiet = quiet_nights(rng, repetitions=100)
    assert quiet.a_month(quiet.regressed + quiet.inconclusive) * 2 <= 1
    # The screen alone would cry wolf, and the last run alone every night.
    assert quiet.a_month(quiet.screened) > 1
    assert quiet.a_month(quiet.last_run) > MONTH
    assert found(rng, 0.10, 1, repetitions=400)[1] > 0.7
    assert found(rng, 0.20, 1, repetitions=400)[1] > 0.95


def test_the_table_in_the_documentation_is_what_the_simulation_prints() -> None:
    from harness.files import ROOT

    text = (ROOT / "docs" / "method" / "regression-statistics.md").read_text()
    for line in table():
        assert line in text
