"""Ratios of trials that took turns, against known truths."""

from __future__ import annotations

import math
import random
from statistics import fmean, median

import pytest

from reports.stats.intervals import Ratio
from reports.stats.pairs import TrialValues, pair_logs, paired_ratio, round_logs

#: A twelfth of the rounds is dearer by so much, for all targets alike.
BURST_SHARE, BURST = 1 / 12, (0.12, 0.22)


def starts_of_two(
    rng: random.Random, *, starts: int = 6, rounds: int = 7, ratio: float = 1.0, between: float, noise: float
) -> tuple[dict[str, dict[int, float]], ...]:
    """Two targets that take turns. Ratios of their starts scatter by `between`, slices by `noise`."""
    mine: dict[str, dict[int, float]] = {}
    other: dict[str, dict[int, float]] = {}
    for start in range(starts):
        bursts = [1 + rng.uniform(*BURST) if rng.random() < BURST_SHARE else 1.0 for _ in range(rounds)]
        for found, level in ((mine, ratio), (other, 1.0)):
            steady = level * math.exp(rng.gauss(0, between / math.sqrt(2)))
            found[f"{start}/x"] = {i: steady * burst * math.exp(rng.gauss(0, noise)) for i, burst in enumerate(bursts)}
    return mine, other


def trials(rounds: dict[str, dict[int, float]]) -> TrialValues:
    return TrialValues({pair: fmean(each.values()) for pair, each in rounds.items()}, rounds)


def measured(rounds: tuple[dict[str, dict[int, float]], ...]) -> Ratio:
    found = paired_ratio(*(trials(each) for each in rounds), confidence_percent=95, comparisons=1)
    assert found is not None
    return found


@pytest.mark.parametrize(("between", "noise"), [(0.002, 0.02), (0.005, 0.02), (0.002, 0.04), (0.005, 0.04)])
def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_claims(between: float, noise: float) -> None:
    rng = random.Random(11)
    found = [measured(starts_of_two(rng, ratio=1.3, between=between, noise=noise)) for _ in range(800)]
    assert 0.93 <= fmean(each.low <= 1.3 <= each.high for each in found) <= 0.97


def test_six_starts_of_seven_rounds_tell_a_percent_apart() -> None:
    rng = random.Random(12)
    halves = [
        math.log(r.high / r.low) / 2 for r in (measured(starts_of_two(rng, between=0.003, noise=0.02)) for _ in range(200))
    ]
    assert 0.009 <= median(halves) <= 0.013


def test_of_thirty_starts_of_twins_taken_by_sixes_one_interval_in_twenty_excludes_one() -> None:
    rng = random.Random(13)
    apart = []
    for _ in range(60):
        twins = tuple(map(trials, starts_of_two(rng, starts=30, between=0.003, noise=0.025)))
        logs = list(pair_logs(*twins))
        for _ in range(20):
            sixth = rng.sample(logs, 6)
            found = paired_ratio(twins[0].only(sixth), twins[1].only(sixth), 95, 1)
            assert found is not None and found.blocks == 6
            apart.append(not found.low <= 1 <= found.high)
    assert 0.03 <= fmean(apart) <= 0.07


def test_what_the_machine_does_to_a_round_cancels() -> None:
    """Half of the rounds cost twice as much, for both: the totals share them."""
    mine = {f"{s}/x": {i: 110.0 * (1 + (i * 7 + s) % 2) for i in range(9 + s % 2)} for s in range(4)}
    other = {pair: {i: value / 1.1 for i, value in rounds.items()} for pair, rounds in mine.items()}
    found = measured((mine, other))
    assert (found.low, found.ahead, found.high) == pytest.approx((1.1, 1.1, 1.1))


@pytest.mark.parametrize("dearer", [1.2, 1.5])
def test_a_collection_in_a_slice_of_ten_is_a_cost(dearer: float) -> None:
    rng = random.Random(14)
    held = []
    for _ in range(400):
        mine, other = starts_of_two(rng, rounds=10, between=0.003, noise=0.02)
        lumpy = {p: {i: v * (dearer if rng.random() < 0.1 else 1) for i, v in each.items()} for p, each in mine.items()}
        found = measured((lumpy, other))
        held.append(found.low <= 1 + 0.1 * (dearer - 1) <= found.high)
    assert fmean(held) >= 0.92


def test_rounds_that_only_one_has_are_left_out() -> None:
    mine, other = TrialValues({}, {"1/x": {1: 2.0, 2: 4.0}}), TrialValues({}, {"1/x": {2: 2.0, 3: 1.0}})
    assert round_logs(mine, other, "1/x") == {2: pytest.approx(math.log(2))}
    assert round_logs(mine, other, "2/x") == {}
