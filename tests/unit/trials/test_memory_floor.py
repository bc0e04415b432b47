"""The search for the memory floor, and what counts as the service's own fault."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import CALIBRATION, closed, measurement, opened

from harness.containers.lifecycle import TrialContainers
from harness.evaluation.statements import read_contract
from harness.files import ROOT
from harness.plan.config_file import PRESETS
from harness.plan.placement import place
from harness.plan.profiles import find_profiles
from harness.plan.schedule import make_plan
from harness.plan.targets import find_targets
from harness.record.config import Config
from harness.record.cpus import Cpu
from harness.record.measurement import HostUse, LevelMeasurement, Measurement, Missing
from harness.record.trial_result import FloorMeasurement, FloorProbe
from harness.record.writer import RecordWriter
from harness.trials import load as load_trial
from harness.trials.context import Setup
from harness.trials.load import Deployment
from harness.trials.memory_floor import (
    FAILS,
    MAX_PROBES,
    MIN_MIB,
    PASSES,
    bounds,
    floor_of,
    grid,
    judge,
    judged,
    measure,
    next_limit,
    sized,
    step_below,
)

LIMITS = grid(1024)
TARGETS = find_targets(ROOT / "services")


def probe(limit: int, passed: bool) -> FloorProbe:
    return FloorProbe(limit, passed, "" if passed else "too little", 1.0 if passed else 0.0)


def search(threshold: int) -> list[FloorProbe]:
    """All probes of a service that holds at a threshold and above."""
    probes: list[FloorProbe] = []
    while (limit := next_limit(probes, LIMITS)) is not None:
        probes.append(probe(limit, limit >= threshold))
    return probes


def test_steps_of_the_grid_are_at_most_sixteen_mebibytes_and_fine_where_it_matters() -> None:
    steps = [after - before for before, after in itertools.pairwise(LIMITS)]
    assert LIMITS[0] == MIN_MIB and LIMITS[-1] == 1024
    assert max(steps) == 16
    assert all(step <= 4 for limit, step in zip(LIMITS, steps, strict=False) if limit < 124)
    assert grid(100)[-1] == 100


@given(st.integers(MIN_MIB + 1, 1024))
def test_any_threshold_is_found_passed_three_times_and_failed_below(threshold: int) -> None:
    probes = search(threshold)
    floor = floor_of(probes, LIMITS)
    assert floor == next(limit for limit in LIMITS if limit >= threshold)
    assert sum(p.memory_mib == floor and p.passed for p in probes) >= PASSES
    assert isinstance(floor, int)
    below = floor - step_below(floor, LIMITS)
    assert below < threshold and sum(p.memory_mib == below and not p.passed for p in probes) >= FAILS
    assert len(probes) <= 16


@given(st.integers(MIN_MIB, 1024), st.integers(0, 15))
def test_one_false_failure_does_not_move_the_floor(threshold: int, wrong: int) -> None:
    """A noisy neighbour costs additional probes, and nothing else."""
    probes: list[FloorProbe] = []
    while (limit := next_limit(probes, LIMITS)) is not None:
        probes.append(probe(limit, limit >= threshold and len(probes) != wrong))
    assert floor_of(probes, LIMITS) == next(limit for limit in LIMITS if limit >= threshold)


def test_neighbours_that_the_cap_left_unconfirmed_are_no_floor() -> None:
    probes = [probe(60, number % 2 == 1) for number in range(MAX_PROBES - 1)] + [probe(64, True)]
    assert next_limit(probes, LIMITS) is None and bounds(probes) == (60, 64)
    assert isinstance(floor_of(probes, LIMITS), Missing)


def test_what_holds_at_the_least_has_its_floor_there() -> None:
    probes = search(1)
    assert floor_of(probes, LIMITS) == MIN_MIB
    assert step_below(MIN_MIB, LIMITS) == 0


def test_what_never_holds_has_no_floor_and_says_so() -> None:
    floor = floor_of(search(5000), LIMITS)
    assert isinstance(floor, Missing) and "even under 1024 MiB: too little" in floor.reason
    assert judge(FloorMeasurement({}, 100.0, 0, floor, ())) == ("unstable", (floor.reason,))


def test_an_unfinished_search_names_its_bounds() -> None:
    probes = [probe(64, True), probe(32, False)]
    floor = floor_of(probes, LIMITS)
    assert isinstance(floor, Missing) and "between 32 and 64 MiB" in floor.reason


def ended(level: LevelMeasurement, **changes: object) -> FloorProbe | Missing:
    return judged(measurement(msgspec.structs.replace(level, **changes)), 64, 0.99)


def test_what_counts_is_the_objective() -> None:
    held, late = ended(opened(), in_time=0.995), ended(opened(), in_time=0.985)
    assert isinstance(held, FloorProbe) and held.passed and not held.reason
    assert isinstance(late, FloorProbe) and not late.passed and "98.5%" in late.reason


def test_a_kill_or_wrong_answers_are_the_services_own_fault() -> None:
    killed = ended(opened(), in_time=1.0, verdict="failed", problems=("killed for lack of memory",))
    assert isinstance(killed, FloorProbe) and not killed.passed and killed.reason == "killed for lack of memory"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": "generator_limited", "problems": ("the generator sent requests late",)}, "requests late"),
        ({"verdict": "unstable", "host": HostUse(other_work=0.2, steal=0.0)}, "other work took 20%"),
        ({"verdict": "unstable", "host": HostUse(other_work=0.0, steal=0.2)}, "the hypervisor took 20%"),
    ],
)
def test_a_disturbed_window_is_no_failure(changes: dict[str, object], reason: str) -> None:
    disturbed = ended(opened(), in_time=0.5, **changes)
    assert isinstance(disturbed, Missing) and reason in disturbed.reason


def test_that_it_was_still_warming_up_is_no_fault() -> None:
    held = ended(closed(steady=False), in_time=1.0, verdict="unstable", problems=("still warming up",))
    assert isinstance(held, FloorProbe) and held.passed


def test_a_runtime_that_does_not_see_the_limit_gets_nine_tenths_of_it_by_a_variable() -> None:
    assert sized(TARGETS["go"], 64) == {"GOMEMLIMIT": "57MiB"}
    assert sized(TARGETS["java"], 64) == {}


class Parts(TrialContainers):
    """Parts without containers."""

    def __init__(self) -> None:
        """No engine."""

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        yield


def searched(monkeypatch: pytest.MonkeyPatch, answers: Callable[[int, int], LevelMeasurement]) -> FloorMeasurement:
    """A whole search with Go and made-up load measurements. `answers` gets the limit and the number of the attempt."""
    tries = itertools.count()

    def load(*given: object) -> Measurement:
        deployment = given[-1]
        assert isinstance(deployment, Deployment)
        assert deployment.environment == sized(TARGETS["go"], deployment.limits.service_memory_mib)
        return measurement(answers(deployment.limits.service_memory_mib, next(tries)))

    monkeypatch.setattr(load_trial, "measure", load)
    profile = find_profiles(ROOT / "loadtests")["memory-floor"]
    plan = make_plan(
        seed=1, preset="full", timing=PRESETS["full"], targets=("go",), profiles=(profile,),
        placement=place((Cpu(0, 0, 0), Cpu(1, 0, 1))),
    )  # fmt: skip
    contract = read_contract(ROOT / "services" / "contract" / "queries.toml")
    setup = Setup("floor", plan, Config(), {}, contract, CALIBRATION, TARGETS)
    return measure(setup, plan.trials[0], Parts(), RecordWriter(Path("nowhere")), lambda _: None)


def test_a_disturbed_probe_is_made_again_and_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third window is disturbed: the floor is the same as without disturbance."""

    def answers(limit: int, number: int) -> LevelMeasurement:
        level = msgspec.structs.replace(opened(), in_time=1.0 if limit >= 20 else 0.5)
        return msgspec.structs.replace(level, host=HostUse(other_work=0.2, steal=0.0)) if number % 3 == 0 else level

    found = searched(monkeypatch, answers)
    assert (found.floor_mib, found.step_mib, found.rate, found.meta) == (20, 4, 100.0, {"target": "go"})
    assert all(probe.passed == (probe.memory_mib >= 20) for probe in found.probes)


def test_a_search_that_is_disturbed_again_and_again_keeps_its_probes_and_has_no_floor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quiet = msgspec.structs.replace(opened(), in_time=1.0)
    noisy = msgspec.structs.replace(quiet, host=HostUse(other_work=0.2, steal=0.0))
    found = searched(monkeypatch, lambda _limit, number: quiet if number < 2 else noisy)
    assert isinstance(found.floor_mib, Missing) and "disturbed 3 times: other work took 20%" in found.floor_mib.reason
    assert len(found.probes) == 2
    assert judge(found)[0] == "unstable"
