"""Change points: shifts that are known are found where they are, noise alone and single spikes are not called a change."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence

import pytest

from reports.stats.change_points import MIN_RUNS, segments

Noise = Callable[[random.Random], float]


def normal(rng: random.Random) -> float:
    return math.exp(rng.gauss(0, 0.03))


def heavy(rng: random.Random) -> float:
    """Student's t with three degrees of freedom: a twentieth of the runs lies beyond three deviations."""
    return math.exp(0.02 * rng.gauss(0, 1) / math.sqrt(sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3))


def spiky(rng: random.Random) -> float:
    return normal(rng) * (1.5 if rng.random() < 0.02 else 1.0)


def series(rng: random.Random, n: int, noise: Noise = normal, shifts: Sequence[tuple[int, float]] = ()) -> list[float]:
    """`shifts`: from a position on, times a factor."""
    return [100 * noise(rng) * math.prod(factor for start, factor in shifts if i >= start) for i in range(n)]


def starts(values: Sequence[float]) -> list[int]:
    return [level.start for level in segments(values)[1:]]


@pytest.mark.parametrize(("noise", "most"), [(normal, 0.015), (heavy, 0.05), (spiky, 0.05)])
@pytest.mark.parametrize("n", [8, 20, 50, 200])
def test_noise_alone_is_called_a_change_as_seldom_as_the_docs_say(noise: Noise, most: float, n: int) -> None:
    rng = random.Random(n)
    found = sum(bool(starts(series(rng, n, noise))) for _ in range(600))
    assert found / 600 <= most


def test_a_tenth_is_found_where_it_is_and_after_four_runs() -> None:
    rng = random.Random(2)
    for after in (MIN_RUNS, 10, 50):
        found = [starts(series(rng, 100, shifts=[(100 - after, 1.1)])) for _ in range(100)]
        assert sum(len(cuts) == 1 and abs(cuts[0] - (100 - after)) <= 1 for cuts in found) >= 90


def test_what_went_up_and_came_back_is_two_changes() -> None:
    rng = random.Random(3)
    found = [starts(series(rng, 200, shifts=[(90, 1.08), (110, 1 / 1.08)])) for _ in range(50)]
    assert sum(len(cuts) == 2 and abs(cuts[0] - 90) <= 2 and abs(cuts[1] - 110) <= 2 for cuts in found) >= 45


def test_a_level_is_the_geometric_mean_of_its_runs() -> None:
    values = [100.0, 101.0, 99.0, 100.0, 102.0, 150.0, 151.0, 149.0, 150.0, 152.0]
    before, after = segments(values)
    assert (before.start, before.end, after.start, after.end) == (0, 5, 5, 10)
    assert after.value == pytest.approx(math.prod(values[5:]) ** (1 / 5))


def test_one_spike_is_none_however_high() -> None:
    rng = random.Random(4)
    values = series(rng, 60)
    values[30] *= 50
    assert starts(values) == []


def test_scale_does_not_matter_and_the_same_values_give_the_same_levels() -> None:
    values = series(random.Random(5), 120, shifts=[(70, 0.9)])
    assert starts(values) == starts([v * 1e9 for v in values]) == starts(values)
    assert starts(values) == [70]


def test_what_was_read_and_not_measured_changes_with_every_difference() -> None:
    values = [5.0] * 10 + [6.0] + [5.5] * 3
    assert [level.start for level in segments(values, exact=True)] == [0, 10, 11]
    assert [level.value for level in segments(values, exact=True)] == pytest.approx([5.0, 6.0, 5.5])


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [3.0] * 50, [1.0] * 25 + [2.0] * 25, [1e-300, 1e300] * 10])
def test_short_constant_and_extreme_series_have_levels_too(values: list[float]) -> None:
    found = segments(values)
    assert sum(level.end - level.start for level in found) == len(values)
    assert len(found) == (0 if not values else 2 if set(values) == {1.0, 2.0} and len(values) == 50 else 1)


@pytest.mark.flaky(reruns=1)  # other processes on the same core cost it CPU time
def test_two_hundred_runs_of_sixty_cells_take_a_second() -> None:
    rng = random.Random(6)
    cells = [series(rng, 200, shifts=[(60, 1.1), (150, 0.95)] if i % 3 == 0 else ()) for i in range(60)]
    begun = time.process_time()
    for cell in cells:
        segments(cell)
    assert time.process_time() - begun < 3
