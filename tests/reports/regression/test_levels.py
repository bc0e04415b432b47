"""A cell is compared with the best level that it has held: what is gained and lost again is flagged, and so is a drift."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest

from reports.analysis.cells import MetricInfo
from reports.regression.screening import MAX_RUNS, MIN_RUNS, Screened, screen_cell
from reports.stats.best_level import best_level
from reports.stats.intervals import at_zero

CELL = "go|cpu@saturate|cpu"
BOUND = 0.05
NOISE = 0.015
COST = MetricInfo("CPU per request", "microseconds", "lower")
RATE = MetricInfo("Throughput", "requests/s", "higher")


def screened(values: Sequence[float], metric: MetricInfo = COST, *, levels: bool = True) -> Screened:
    """The last value against those before it."""
    runs = [{CELL: value} for value in values]
    return screen_cell(CELL, metric, runs[-1], runs[:-1], BOUND, levels=levels)


def nights(middle: Callable[[int], float], count: int, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [middle(night) * rng.lognormvariate(0, NOISE) for night in range(count)]


def improved_and_lost(night: int) -> float:
    return 80.0 if 20 <= night < 26 else 100.0


def drift(night: int) -> float:
    return 100.0 * 1.01**night


@pytest.mark.parametrize("seed", range(10))
def test_an_improvement_that_is_lost_again_is_flagged(seed: int) -> None:
    values = nights(improved_and_lost, 27, seed)
    found = screened(values)
    assert found.flagged
    assert found.before == pytest.approx(80, rel=0.03)
    # The base of the confirmation is one of the runs that had the improvement.
    assert found.level == (20, 26)
    assert not screened(values, levels=False).flagged, "against all runs it is noise"
    assert screened([1e4 / value for value in values], RATE).flagged


@pytest.mark.parametrize("seed", range(10))
def test_a_drift_of_one_percent_a_night_is_flagged_within_a_month(seed: int) -> None:
    values = nights(drift, 40, seed)
    found = [night for night in range(MIN_RUNS, 30) if screened(values[: night + 1]).flagged]
    assert found
    # The base of the confirmation is of before the drift had gone far.
    level = screened(values[: found[-1] + 1]).level
    assert drift(found[-1]) / drift(sum(level) // 2) > 1 + BOUND
    assert not any(screened(values[: night + 1], levels=False).flagged for night in range(MIN_RUNS, 40))


def test_where_no_level_changed_the_screening_is_that_of_all_runs() -> None:
    same = 0
    for seed in range(200):
        values = nights(lambda _: 100.0, 31, seed)
        same += screened(values) == screened(values, levels=False)
    assert same >= 190


def test_noise_alone_is_flagged_hardly_more_often() -> None:
    """Ten thousand nights: the limit allows 0.5 %, and the bound makes it fewer."""
    alarms = {True: 0, False: 0}
    for seed in range(100):
        values = nights(lambda _: 100.0, 130, seed)
        for levels in alarms:
            alarms[levels] += sum(
                screened(values[max(0, n - MAX_RUNS) : n + 1], levels=levels).flagged for n in range(30, 130)
            )
    assert alarms[False] <= 50
    assert alarms[True] <= alarms[False] + 50


def test_what_the_machine_explains_is_no_level() -> None:
    """The machine was quicker for six nights: its speed explains it, so nothing was gained, and nothing is lost."""
    rng = random.Random(1)
    speeds = [rng.gauss(0, 0.02) - (0.2 if 15 <= night < 21 else 0.0) for night in range(30)]
    logs = [math.log(100) + speed + rng.gauss(0, 0.01) for speed in speeds]
    found = best_level(logs, [speeds], 1.0)
    assert (found.start, found.end) == (0, 30)
    assert found.fit == at_zero(logs, [speeds])
    assert best_level(logs, [], 1.0).end < 30
