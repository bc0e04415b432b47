"""Two steady states are found where there are two, and seldom where there is one."""

from __future__ import annotations

import math
import random

import pytest

from reports.stats.two_states import TwoStates, two_states


def of(*values: float) -> TwoStates | None:
    return two_states({f"{i}/x": value for i, value in enumerate(values)}, {})


@pytest.mark.parametrize(("starts", "most"), [(4, 0.004), (6, 0.002), (12, 0.001)])
def test_one_state_seldom_looks_like_two(starts: int, most: float) -> None:
    """Far under one in a hundred, at a scatter of 3 % from start to start."""
    rng = random.Random(15)
    found = sum(of(*(math.exp(rng.gauss(0, 0.03)) for _ in range(starts))) is not None for _ in range(6000))
    assert found <= most * 6000


def test_a_runtime_of_two_states_is_told_with_both_and_their_shares() -> None:
    """Eight starts of one Java image, as they were measured."""
    found = of(130.8, 176.9, 129.8, 131.4, 178.1, 132.7, 131.6, 175.5)
    assert found is not None
    assert (found.low_starts, found.high_starts) == (5, 3)
    assert (found.low, found.high) == pytest.approx((131.26, 176.83), abs=0.01)


def test_one_start_is_no_state_and_a_few_percent_are_no_gap() -> None:
    assert of(100, 100, 100, 100, 100, 140) is None
    assert of(100, 100, 100, 107, 107, 107) is None
    assert of(100, 100, 100, 109, 109, 109) is not None
    assert of(100, 140, 140) is None
    assert of(100, 106, 112, 125, 131, 137) is None, "the scatter inside is a fifth of the gap"


def test_what_the_machine_did_to_a_block_is_no_state() -> None:
    """An hour in which all targets are a fifth dearer."""
    values = {f"{i}/x": 100.0 * (1.2 if i > 3 else 1) * (1 + i % 2 / 100) for i in range(1, 7)}
    shifts = {pair: math.log(1.2 if pair > "3/x" else 1) for pair in values}
    assert two_states(values, {}) is not None
    assert two_states(values, shifts) is None
    hidden = {pair: value * (1.3 if pair in ("2/x", "4/x", "5/x") else 1) for pair, value in values.items()}
    found = two_states(hidden, shifts)
    assert found is not None and (found.low_starts, found.high_starts) == (3, 3)
