"""Ratios of trials that took turns, against known truths."""

from __future__ import annotations

import math
import random
from statistics import fmean, median

import numpy as np
import pytest
from scipy import stats

from reports.stats.intervals import Ratio
from reports.stats.pairs import Centre, TrialValues, pair_logs, paired_ratio, trimmed_mean

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


def trials(rounds: dict[str, dict[int, float]], centre: Centre = "trimmed mean") -> TrialValues:
    return TrialValues({pair: fmean(each.values()) for pair, each in rounds.items()}, rounds, centre)


def measured(rounds: tuple[dict[str, dict[int, float]], ...], centre: Centre = "trimmed mean") -> Ratio:
    found = paired_ratio(*(trials(each, centre) for each in rounds), confidence_percent=95, comparisons=1)
    assert found is not None
    return found


@pytest.mark.parametrize("centre", ["trimmed mean", "mean"])
@pytest.mark.parametrize(("between", "noise"), [(0.002, 0.02), (0.005, 0.02), (0.002, 0.04), (0.005, 0.04)])
def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_claims(between: float, noise: float, centre: Centre) -> None:
    rng = random.Random(11)
    found = [measured(starts_of_two(rng, ratio=1.3, between=between, noise=noise), centre) for _ in range(800)]
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
    """Half of the rounds cost twice as much, for both: values of trials would say nothing at all."""
    mine = {f"{s}/x": {i: 110.0 * (1 + (i * 7 + s) % 2) for i in range(9 + s % 2)} for s in range(4)}
    other = {pair: {i: value / 1.1 for i, value in rounds.items() if i} for pair, rounds in mine.items()}
    found = measured((mine, other))
    assert (found.low, found.ahead, found.high) == pytest.approx((1.1, 1.1, 1.1))


def test_the_trimmed_mean_is_that_of_tukey_and_mclaughlin() -> None:
    values = [0.3, -0.1, 0.05, 0.02, 4.0, 0.01, 0.0, -0.03, 0.07, -9.0]
    centre, half = trimmed_mean(values)
    assert centre == pytest.approx(stats.trim_mean(values, 0.2))
    pulled_in = stats.mstats.winsorize(np.array(values), (0.2, 0.2))
    error = math.sqrt(9 * pulled_in.var(ddof=1) / (6 * 5))
    assert half == pytest.approx(stats.t.ppf(0.975, 5) * error)


def test_a_slice_that_the_machine_hit_does_not_count_and_one_that_is_a_cost_does() -> None:
    """One slice of ten is dearer. By so little that noise explains it, it is cut off; a full collection is not."""
    quiet = {i: 100 + (-1) ** i for i in range(10)}
    other = trials({"1/x": dict.fromkeys(range(10), 100.0)})

    def log(dearer: float) -> float:
        return pair_logs(trials({"1/x": quiet | {4: dearer}}), other)["1/x"]

    assert log(105.0) == pytest.approx(0, abs=0.003)
    assert log(200.0) == pytest.approx(math.log(1.1), abs=0.003)


def test_a_cost_that_no_single_start_shows_is_told_over_the_starts() -> None:
    """A tenth dearer in two slices of ten, in each start: within each start's interval, and not by chance."""
    quiet = {i: 100.0 + 4 * (-1) ** i for i in range(10)}
    mine, other = trials({}), trials({})
    for start in range(6):
        rounds = {f"{start}/x": quiet | {start: quiet[start] * 1.1, 9 - start: quiet[9 - start] * 1.1}}
        alone = pair_logs(trials(rounds), trials({f"{start}/x": dict.fromkeys(range(10), 100.0)}))
        assert alone[f"{start}/x"] < 0.018
        mine = TrialValues(mine.values | trials(rounds).values, mine.rounds | rounds, "trimmed mean")
        other = trials({f"{each}/x": dict.fromkeys(range(10), 100.0) for each in range(start + 1)})
    assert fmean(pair_logs(mine, other).values()) == pytest.approx(math.log(1.02), abs=0.001)


@pytest.mark.parametrize(("dearer", "at_least"), [(1.2, 0.87), (1.5, 0.9)])
def test_lumps_of_a_target_are_held_nearly_as_often(dearer: float, at_least: float) -> None:
    """Collections in a tenth of the slices. Trimmed means alone hold the truth in half and in a fifth of the records."""
    rng = random.Random(14)
    held = []
    for _ in range(400):
        mine, other = starts_of_two(rng, rounds=10, between=0.003, noise=0.02)
        lumpy = {p: {i: v * (dearer if rng.random() < 0.1 else 1) for i, v in each.items()} for p, each in mine.items()}
        found = measured((lumpy, other))
        held.append(found.low <= 1 + 0.1 * (dearer - 1) <= found.high)
    assert fmean(held) >= at_least


def test_throughput_is_a_plain_mean() -> None:
    mine = {"1/x": {0: 99.0, 1: 101.0, 2: 100.0, 3: 100.0, 4: 102.0}}
    other = {"1/x": dict.fromkeys(range(5), 100.0)}
    mean = math.log(0.99 * 1.01 * 1.02) / 5
    assert pair_logs(trials(mine, "mean"), trials(other, "mean"))["1/x"] == pytest.approx(mean)
    assert pair_logs(trials(mine), trials(other))["1/x"] == pytest.approx(math.log(1.01) / 3)


def test_with_few_common_rounds_the_values_of_the_trials_count() -> None:
    mine, other = TrialValues({"1/x": 3.0}, {"1/x": {}}), TrialValues({"1/x": 2.0}, {"1/x": {}})
    for common in (0, 4, 5):
        ours = TrialValues({"1/x": 3.0}, {"1/x": dict.fromkeys(range(9), 5.0)})
        theirs = TrialValues({"1/x": 2.0}, {"1/x": {i if i < common else i + 100: 1.0 for i in range(9)}})
        expected = math.log(1.5) if common < 5 else math.log(5.0)
        assert pair_logs(ours, theirs) == {"1/x": pytest.approx(expected)}
    assert pair_logs(mine, other) == {"1/x": math.log(1.5)}
