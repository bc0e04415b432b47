"""The looks of a gate: what is clear after how many starts, how often it is wrong, and what it finds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reports.regression.look_simulation import gates
from reports.regression.looks import (
    ALARM,
    LOOKS,
    LookedCell,
    Starts,
    decide_cells,
    effects,
    twins_apart,
)

QUIET = (0.001, -0.002, 0.0, 0.002, -0.001, 0.001)


def cell(*head: float, twin: tuple[float, ...] = QUIET, deciding: bool = True, bound: float = 0.02) -> LookedCell:
    count = min(len(head), len(twin))
    return LookedCell(Starts(tuple(range(1, count + 1)), head[:count], twin[:count]), bound, deciding)


def shifted(by: float, noise: float = 1.0) -> tuple[float, ...]:
    return tuple(by - noise * value for value in QUIET)


def test_the_head_is_compared_with_base_and_twin_and_the_noise_is_that_of_all_three() -> None:
    change, apart = effects(Starts((1, 2, 3), (0.03, 0.02, 0.04), (0.01, -0.01, 0.0)))
    assert (change.mean, change.degrees) == (pytest.approx(0.03), 4)
    assert apart.mean == pytest.approx(0.0)
    # By hand: head - twin / 2 is 0.025, 0.025, 0.04, whose variance is 0.000075; that of the twins is 0.0001.
    noise = (0.000075 / 1.5 + 0.0001 / 2) / 2
    assert change.error == pytest.approx(math.sqrt(noise * 1.5 / 3))
    assert apart.error == pytest.approx(math.sqrt(noise * 2 / 3))


def test_a_head_that_scatters_more_than_its_base_has_a_larger_error() -> None:
    change, _ = effects(Starts((1, 2, 3), (0.1, -0.1, 0.0), (0.0, 0.0, 0.0)))
    assert change.error == pytest.approx(0.1 / math.sqrt(3))


@pytest.mark.parametrize(
    ("head", "state"),
    [(shifted(0.0), "fine"), (shifted(0.05), "regressed"), (shifted(-0.05), "improved"), (shifted(0.019), "inconclusive")],
)
def test_a_cell_is_clear_where_it_is_worse_beyond_chance_or_shown_to_be_fine(head: tuple[float, ...], state: str) -> None:
    found = decide_cells({"a": cell(*head)}, 6)["a"]
    assert (found.state, found.starts) == (state, 6)
    assert found.confirmation is not None
    if state == "fine":
        assert found.confirmation.high < 1.02
    if state == "regressed":
        assert found.confirmation.p_adjusted < ALARM


def test_what_was_called_regressed_or_fine_at_a_look_is_not_open_at_the_next() -> None:
    worse = (*shifted(0.06)[:4], -0.2, 0.3)
    assert decide_cells({"a": cell(*worse)}, 4)["a"].state == "regressed"
    later = decide_cells({"a": cell(*worse)}, 6)["a"]
    assert (later.state, later.starts) == ("regressed", 4)
    noisy = (*shifted(0.0)[:4], -0.2, 0.3)
    assert decide_cells({"a": cell(*noisy)}, 6)["a"].state == "fine"


def test_a_watched_cell_is_waited_for_only_while_it_looks_worse() -> None:
    wide = (0.04, -0.05, 0.03, -0.02, 0.05, -0.05)
    assert decide_cells({"a": cell(*wide, deciding=False)}, 6)["a"].state == "watched"
    worse = tuple(value + 0.06 for value in wide)
    assert decide_cells({"a": cell(*worse, deciding=False)}, 6)["a"].state == "inconclusive"


def test_what_is_counted_is_judged_as_it_is() -> None:
    counted = LookedCell(Starts((1,), (math.log(2),), (math.log(2),)), 0.05, deciding=False, exact=True)
    assert decide_cells({"a": counted}, 3)["a"].state == "regressed"


def test_too_few_starts_leave_a_deciding_cell_open() -> None:
    found = decide_cells({"a": cell(0.3, 0.3), "b": cell(0.3, 0.3, deciding=False)}, 12)
    assert [found[name].state for name in "ab"] == ["inconclusive", "not judged"]


def test_base_and_twin_that_differ_are_seen_whatever_the_head_does() -> None:
    apart = tuple(0.05 + value for value in QUIET)
    assert twins_apart({"a": cell(*shifted(0.0), twin=apart)}, len(LOOKS)) == {"a": pytest.approx(0.0514, abs=0.001)}
    assert not twins_apart({"a": cell(*shifted(0.05))}, len(LOOKS))


def test_a_route_that_is_three_percent_dearer_is_found_and_named() -> None:
    """With 1 % of noise in each start of base, twin and head."""
    found = gates(np.random.default_rng(1), noise=0.01, change=0.03, repetitions=500)
    assert found.found >= 0.95
    assert found.alarms <= 0.01


@pytest.mark.parametrize("noise", [0.004, 0.01, 0.03])
def test_equal_images_hardly_ever_raise_an_alarm(noise: float) -> None:
    found = gates(np.random.default_rng(2), noise=noise, change=0.0, repetitions=500)
    assert found.alarms + found.invalid <= 0.01


def test_without_the_least_size_of_a_change_alarms_are_as_rare_as_the_bound_on_chance_says() -> None:
    """Any worsening counts here, so that only the test keeps equal images from being told apart."""
    rng = np.random.default_rng(3)
    alarms, repetitions = 0, 1500
    for _ in range(repetitions):
        base, twin, head = rng.normal(0, 0.01, (3, LOOKS[-1]))
        alone = LookedCell(
            Starts(tuple(range(1, LOOKS[-1] + 1)), tuple((head - base).tolist()), tuple((twin - base).tolist())),
            bound=0.0,
            deciding=True,
        )
        alarms += decide_cells({"a": alone}, LOOKS[-1])["a"].state == "regressed"
    assert alarms / repetitions < 0.01


def test_a_quiet_machine_is_done_after_few_starts_and_a_noisy_one_takes_more() -> None:
    quiet, noisy = (gates(np.random.default_rng(4), noise, 0.0, 100) for noise in (0.003, 0.01))
    assert quiet.fine == 1.0
    assert quiet.blocks < 4 < noisy.blocks
