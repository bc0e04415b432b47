"""The search for capacity, against servers whose capacity is known."""

from __future__ import annotations

import random

import pytest

from loadtests.protocol.capacity_search import MAX_PROBES, TOLERANCE, SearchProbe, bounds, next_rate


def run(
    capacity: float, *, start: float = 50.0, ceiling: float = 0.0, doubt: float = 0.0, seed: int = 1
) -> list[SearchProbe]:
    """Searches a server that holds `capacity`. Within `doubt` of it a probe passes or fails by chance."""
    rng = random.Random(seed)
    probes: list[SearchProbe] = []
    while (rate := next_rate(probes, start, ceiling)) is not None:
        passed = rate * rng.uniform(1 - doubt, 1 + doubt) <= capacity
        probes.append(SearchProbe(rate, passed))
        assert len(probes) <= MAX_PROBES
    return probes


@pytest.mark.parametrize("capacity", [3.0, 49.0, 51.0, 777.0, 12_345.0])
def test_the_interval_holds_the_capacity_and_is_narrow(capacity: float) -> None:
    low, high = bounds(run(capacity))
    assert high is not None
    assert low <= capacity < high
    assert high / low <= 1 + TOLERANCE


def test_both_ends_are_confirmed() -> None:
    probes = run(777.0)
    low, high = bounds(probes)
    assert sum(p.rate == low and p.passed for p in probes) >= 2
    assert sum(p.rate == high and not p.passed for p in probes) >= 2


def test_a_doubtful_edge_still_ends_near_it() -> None:
    for seed in range(50):
        low, high = bounds(run(777.0, doubt=0.03, seed=seed))
        assert high is not None
        assert low * 0.96 <= 777.0 <= high * 1.04


def test_nothing_above_the_generators_ceiling_is_tried() -> None:
    probes = run(10_000.0, ceiling=3000.0)
    assert max(p.rate for p in probes) == 3000.0
    assert bounds(probes) == (3000.0, None)


def test_a_server_that_never_passes_ends_the_search() -> None:
    assert bounds(run(0.0))[0] == 0.0


def test_an_end_that_fails_its_confirmation_moves_the_interval() -> None:
    # 100 passed and 104 failed. Then 100 fails twice: the capacity is below it.
    probes = [SearchProbe(50, True), SearchProbe(100, True), SearchProbe(104, False), SearchProbe(100, False)]
    assert bounds(probes) == (50, 100)
