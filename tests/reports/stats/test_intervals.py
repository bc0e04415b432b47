"""Statistics against known truths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.record.measurement import Missing
from reports.analysis.ranking import Ranking, rank
from reports.stats.intervals import BOOTSTRAP_FROM_TRIALS, bootstrap_interval, estimate, student_t_quantile
from reports.stats.pairs import TrialValues, paired_ratio


def ranking(values: dict[str, dict[str, float] | Missing], **changes: object) -> Ranking:
    arguments: dict[str, object] = {
        "metric": "throughput",
        "scope": "cpu@saturate",
        "target_class": "standard",
        "values": {t: cell if isinstance(cell, Missing) else TrialValues(cell) for t, cell in values.items()},
        "direction": "higher",
        "exact": False,
        "confidence_percent": 95.0,
        "relevance_percent": 3.0,
    }
    return rank(**(arguments | changes))  # type: ignore[arg-type]


def simulated_wins(blocks: int, effect: float, noise: float, runs: int, targets: int = 5) -> tuple[int, int]:
    """How often anybody wins, and how often target t0 does, which is ahead by `effect`."""
    rng = np.random.default_rng(20)
    wins = right = 0
    for _ in range(runs):
        logs = rng.normal(0, noise, (targets, blocks))
        logs[0] += math.log(effect)
        found = ranking({f"t{i}": {f"b{j}": math.exp(v) for j, v in enumerate(row)} for i, row in enumerate(logs)})
        wins += found.winner is not None
        right += found.winner == "t0"
    return wins, right


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 12, 29])
@pytest.mark.parametrize("probability", [0.9, 0.975, 0.99375, 0.9995])
def test_student_t_quantile_is_that_of_scipy(probability: float, degrees: int) -> None:
    assert student_t_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-9)


def test_bootstrap_agrees_with_that_of_scipy() -> None:
    # Many values: medians of resamples lie on the values, and between few of them a percentile jumps.
    values = np.random.default_rng(3).lognormal(3, 0.1, 301)
    theirs = stats.bootstrap((values,), np.median, method="percentile", n_resamples=20_000, rng=9).confidence_interval
    assert bootstrap_interval(list(values), 95) == pytest.approx((theirs.low, theirs.high), rel=0.002)


@pytest.mark.parametrize("trials", [3, 5, 8, BOOTSTRAP_FROM_TRIALS])
def test_intervals_hold_the_truth_as_often_as_they_claim(trials: int) -> None:
    rng = np.random.default_rng(5)
    samples = np.exp(rng.normal(math.log(100), 0.05, (1000 if trials == BOOTSTRAP_FROM_TRIALS else 4000, trials)))
    held = 0
    for row in samples:
        found = estimate(list(row), 95)
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.median <= found.high
        held += found.low <= 100 <= found.high
    assert 0.93 <= held / len(samples) <= 0.97


def test_two_trials_have_no_interval_and_an_exact_value_none_but_itself() -> None:
    assert (estimate([5.0, 6.0], 95).low, estimate([5.0, 6.0], 95).high) == (None, None)
    assert (estimate([5.0], 95, exact=True).low, estimate([5.0], 95, exact=True).high) == (5.0, 5.0)
    with pytest.raises(ValueError, match="positive"):
        estimate([0.0, 1.0], 95)


def test_ratios_are_paired_by_block() -> None:
    """Noise that both targets share within a block does not widen the interval."""
    shared = [1.0, 3.0, 0.5, 2.0]
    base = {f"b{i}": v for i, v in enumerate(shared)}
    faster = {f"b{i}": v * 1.1 * w for i, (v, w) in enumerate(zip(shared, [1, 1.001, 0.999, 1], strict=True))}
    found = paired_ratio(TrialValues(faster), TrialValues(base | {"only here": 1e9}), 95, 1)
    assert found is not None
    assert found.blocks == 4
    assert 1.09 < found.low < 1.1 < found.high < 1.11
    wider = paired_ratio(TrialValues(faster), TrialValues(base), 95, 10)
    assert wider is not None
    assert wider.low < found.low
    assert paired_ratio(TrialValues({"b0": 1.0, "b1": 1.0, "b2": 1.0}), TrialValues({"b1": 1.0, "b2": 1.0}), 95, 1) is None


@pytest.mark.parametrize(("blocks", "noise"), [(3, 0.02), (8, 0.02), (3, 0.05), (8, 0.05)])
def test_five_equal_targets_have_no_winner(blocks: int, noise: float) -> None:
    assert simulated_wins(blocks, 1.0, noise, 1000)[0] <= 10


def test_a_true_tenth_is_found_with_eight_blocks() -> None:
    wins, right = simulated_wins(8, 1.10, 0.02, 300)
    assert right >= 0.8 * 300
    assert wins == right


def test_a_true_tenth_is_mostly_a_tie_with_three_blocks() -> None:
    """What three blocks can't show, they don't claim: 95 % bounds for four comparisons are wide there."""
    assert simulated_wins(3, 1.10, 0.02, 300)[1] < 0.2 * 300


def three(value: float) -> dict[str, float]:
    return {"1": value, "2": value * 1.001, "3": value * 0.999}


def test_a_difference_under_the_relevance_bound_is_a_tie() -> None:
    values: dict[str, dict[str, float] | Missing] = {"a": three(1020), "b": three(1000)}
    assert ranking(values).winner is None
    assert ranking(values).note == "tie"
    assert ranking(values, relevance_percent=1.0).winner == "a"


def test_groups_winner_and_lead() -> None:
    found = ranking({"a": three(200), "b": three(99.9), "c": three(100), "d": three(50)})
    assert [(e.target, e.group) for e in found.entries] == [("a", 1), ("c", 2), ("b", 2), ("d", 3)]
    assert (found.winner, found.leaders) == ("a", ("a",))
    assert found.runner_up in ("b", "c")
    assert found.lead is not None
    assert found.lead.ahead == pytest.approx(2, rel=0.01)


def test_lower_is_better_turns_order_and_ratio() -> None:
    found = ranking({"a": three(200), "b": three(100)}, direction="lower")
    assert found.winner == "b"
    assert found.lead is not None
    assert found.lead.ahead == pytest.approx(2, rel=0.01)


def test_missing_is_never_ranked_and_never_zero() -> None:
    """With 0 in its place, a missing latency would win."""
    found = ranking({"a": Missing("it failed"), "b": three(100), "c": three(200)}, direction="lower")
    assert found.winner == "b"
    assert found.entries[-1].target == "a"
    assert found.entries[-1].group is None
    assert ranking({"a": Missing("x"), "b": three(1)}).winner is None


def test_two_blocks_rank_nobody() -> None:
    found = ranking({"a": {"1": 1000.0, "2": 1000.0}, "b": {"1": 1.0, "2": 1.0}})
    assert found.winner is None
    assert found.note.startswith("too few")


def test_an_exact_value_needs_no_interval() -> None:
    sizes: dict[str, dict[str, float] | Missing] = {"a": {"1": 10.0}, "b": {"1": 20.0}}
    assert ranking(sizes, direction="lower", exact=True).winner == "a"
