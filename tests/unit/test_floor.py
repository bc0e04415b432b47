"""The search for the memory floor, and what counts as the service's own fault."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import closed, measurement, opened

from harness.floor import (
    FAILS,
    LEAST_MIB,
    MOST_PROBES,
    PASSES,
    bounds,
    found,
    grid,
    judge,
    judged,
    next_limit,
    sized,
    step_below,
)
from harness.images import ROOT
from harness.measurement import FloorMeasurement, FloorProbe, HostUse, LevelMeasurement, Missing
from harness.targets import find_targets

LIMITS = grid(1024)


def probe(limit: int, passed: bool) -> FloorProbe:
    return FloorProbe(limit, passed, "" if passed else "too little", 1.0 if passed else 0.0)


def search(threshold: int) -> list[FloorProbe]:
    """All probes of a service that holds from a threshold on."""
    probes: list[FloorProbe] = []
    while (limit := next_limit(probes, LIMITS)) is not None:
        probes.append(probe(limit, limit >= threshold))
    return probes


def test_steps_of_the_grid_are_at_most_sixteen_mebibytes_and_fine_where_it_matters() -> None:
    steps = [after - before for before, after in itertools.pairwise(LIMITS)]
    assert LIMITS[0] == LEAST_MIB and LIMITS[-1] == 1024
    assert max(steps) == 16
    assert all(step <= 4 for limit, step in zip(LIMITS, steps, strict=False) if limit < 124)
    assert grid(100)[-1] == 100


@given(st.integers(LEAST_MIB + 1, 1024))
def test_any_threshold_is_found_passed_three_times_and_failed_below(threshold: int) -> None:
    probes = search(threshold)
    floor = found(probes, LIMITS)
    assert floor == next(limit for limit in LIMITS if limit >= threshold)
    assert sum(p.memory_mib == floor and p.passed for p in probes) >= PASSES
    assert isinstance(floor, int)
    below = floor - step_below(floor, LIMITS)
    assert below < threshold and sum(p.memory_mib == below and not p.passed for p in probes) >= FAILS
    assert len(probes) <= 16


@given(st.integers(LEAST_MIB, 1024), st.integers(0, 15))
def test_one_false_failure_does_not_move_the_floor(threshold: int, wrong: int) -> None:
    """A neighbour's disturbance costs probes, and no more."""
    probes: list[FloorProbe] = []
    while (limit := next_limit(probes, LIMITS)) is not None:
        probes.append(probe(limit, limit >= threshold and len(probes) != wrong))
    assert found(probes, LIMITS) == next(limit for limit in LIMITS if limit >= threshold)


def test_neighbours_that_the_cap_left_unconfirmed_are_no_floor() -> None:
    probes = [probe(60, number % 2 == 1) for number in range(MOST_PROBES - 1)] + [probe(64, True)]
    assert next_limit(probes, LIMITS) is None and bounds(probes) == (60, 64)
    assert isinstance(found(probes, LIMITS), Missing)


def test_what_holds_at_the_least_has_its_floor_there() -> None:
    probes = search(1)
    assert found(probes, LIMITS) == LEAST_MIB
    assert step_below(LEAST_MIB, LIMITS) == 0


def test_what_never_holds_has_no_floor_and_says_so() -> None:
    floor = found(search(5000), LIMITS)
    assert isinstance(floor, Missing) and "under 1024 MiB either: too little" in floor.reason
    assert judge(FloorMeasurement({}, 100.0, 0, floor, ())) == ("unstable", (floor.reason,))


def test_a_search_that_does_not_settle_says_between_what() -> None:
    probes = [probe(64, True), probe(32, False)]
    floor = found(probes, LIMITS)
    assert isinstance(floor, Missing) and "between 32 and 64 MiB" in floor.reason


def ended(level: LevelMeasurement, **changes: object) -> tuple[FloorProbe | None, str]:
    return judged(measurement(msgspec.structs.replace(level, **changes)), 64, 0.99)


def test_what_counts_is_the_objective() -> None:
    held, spoilt = ended(opened(), in_time=0.995)
    assert held and held.passed and not spoilt
    late, spoilt = ended(opened(), in_time=0.985)
    assert late and not late.passed and "98.5%" in late.reason and not spoilt


def test_a_kill_or_wrong_answers_are_the_services_own_fault() -> None:
    killed, spoilt = ended(opened(), in_time=1.0, verdict="failed", problems=("killed for want of memory",))
    assert killed and not killed.passed and killed.reason == "killed for want of memory" and not spoilt


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "generator_limited", "problems": ("the generator sent late",)},
        {"verdict": "unstable", "host": HostUse(foreign=0.2, steal=0.0)},
        {"verdict": "unstable", "host": HostUse(foreign=0.0, steal=0.2)},
    ],
)
def test_what_others_spoilt_is_no_failure(changes: dict[str, object]) -> None:
    nothing, spoilt = ended(opened(), in_time=0.5, **changes)
    assert nothing is None and spoilt


def test_that_it_was_still_warming_up_is_no_fault() -> None:
    held, _ = ended(closed(steady=False), in_time=1.0, verdict="unstable", problems=("still warming up",))
    assert held and held.passed


def test_a_runtime_that_sees_no_limit_is_told_nine_tenths_of_it() -> None:
    targets = find_targets(ROOT / "services")
    assert sized(targets["go"], 64) == {"GOMEMLIMIT": "57MiB"}
    assert sized(targets["java"], 64) == {}
