"""The best third of a start's slices: what another machine takes hardly moves it, and twins differ less by it."""

from __future__ import annotations

import math
import random
from statistics import fmean, stdev

import msgspec
import pytest
from synthetic import closed, measurement, result

from harness.record.measurement import LevelMeasurement, Missing, Slice
from harness.record.plan import Trial
from harness.record.trial_result import TrialResult
from reports.analysis.observations import loud_loads, service_bound_loads
from reports.metrics.level_stats import (
    cpu_per_request_microseconds,
    quiet,
    quiet_cpu_microseconds,
    quiet_throughput,
    throughput,
)

QUARTER = 250_000_000


def slice_of(number: int, cpu_us: float, *, dropped: str = "", requests: int = 1000) -> Slice:
    return Slice(
        round=number,
        start_ns=0,
        end_ns=QUARTER,
        requests=requests,
        paced_requests=requests,
        paced_ns=int(requests * cpu_us * 1000),
        service_cpu_ns=int(requests * cpu_us * 1000),
        database_cpu_ns=int(requests * cpu_us * 500),
        generator_cpu_ns=0,
        dropped=dropped,
    )


def level(*slices: Slice) -> LevelMeasurement:
    return msgspec.structs.replace(closed(), slices=slices)


def test_the_best_third_is_rounded_up_and_knows_the_direction() -> None:
    assert quiet([4, 1, 3, 2], "lower") == pytest.approx(math.sqrt(2))
    assert quiet([4, 1, 3, 2], "higher") == pytest.approx(math.sqrt(12))
    assert quiet([7.0], "lower") == pytest.approx(7)


def test_slices_that_do_not_count_are_left_out() -> None:
    measured = level(slice_of(1, 50, dropped="steal"), slice_of(2, 100), slice_of(3, 150), slice_of(4, 160))
    assert quiet_cpu_microseconds("service", measured) == pytest.approx(100)
    assert quiet_cpu_microseconds("database", measured) == pytest.approx(50)
    assert quiet_throughput(measured) == pytest.approx(10_000)


def test_a_level_without_slices_has_its_whole_window() -> None:
    assert quiet_cpu_microseconds("service", closed()) == cpu_per_request_microseconds("service", closed())
    assert quiet_throughput(closed()) == throughput(closed())


def test_a_counter_that_did_not_move_has_no_value() -> None:
    assert isinstance(quiet_cpu_microseconds("service", level(slice_of(1, 0))), Missing)


def start(rng: random.Random, slices: int) -> tuple[float, float]:
    """The quiet third and the mean of a start's logarithms, with bursts as they were measured: up to half dearer."""
    logs = [rng.gauss(0, 0.015) + (rng.uniform(0.05, 0.4) if rng.random() < 0.5 else 0) for _ in range(slices)]
    return math.log(quiet([math.exp(log) for log in logs], "lower")), fmean(logs)


def test_twins_differ_less_by_the_quiet_third_than_by_the_mean() -> None:
    rng = random.Random(5)
    quiets, means = [], []
    for _ in range(400):
        (mine, mean), (twin, twin_mean) = start(rng, 11), start(rng, 11)
        quiets.append(mine - twin)
        means.append(mean - twin_mean)
    assert stdev(quiets) < 0.5 * stdev(means)
    assert abs(fmean(quiets)) < 0.003


def trial(target: str, *levels: LevelMeasurement) -> TrialResult:
    return result(Trial(f"1-{target}-x", 1, target, "x"), measurement(*levels))


def test_cpu_per_request_is_quiet_only_where_the_cpu_limits_every_target() -> None:
    bound = msgspec.structs.replace(closed(), bottleneck="service-cpu")
    waits = msgspec.structs.replace(closed(), bottleneck="database")
    assert service_bound_loads([trial("go", bound), trial("rust", bound)]) == {"x@saturate"}
    assert service_bound_loads([trial("go", bound), trial("rust", waits)]) == frozenset()
    # A level that is not valid says nothing.
    unstable = msgspec.structs.replace(waits, verdict="unstable")
    assert service_bound_loads([trial("go", bound), trial("rust", unstable)]) == {"x@saturate"}


def scattering(rng: random.Random, deviation: float) -> LevelMeasurement:
    return level(*(slice_of(number, 100 * math.exp(rng.gauss(0, deviation))) for number in range(1, 11)))


@pytest.mark.parametrize(("deviations", "loud"), [((0.03, 0.03, 0.03), set()), ((0.1, 0.1, 0.1), {"x@saturate"})])
def test_slices_are_loud_where_they_scatter(deviations: tuple[float, ...], loud: set[str]) -> None:
    rng = random.Random(3)
    assert loud_loads([trial("go", scattering(rng, deviation)) for deviation in deviations]) == loud


def test_one_target_that_scatters_by_itself_makes_no_load_loud() -> None:
    rng = random.Random(3)
    steady = [trial(name, scattering(rng, 0.02)) for name in ("go", "rust", "python")]
    assert loud_loads([*steady, trial("java", scattering(rng, 0.3))]) == frozenset()
    invalid = msgspec.structs.replace(scattering(rng, 0.3), verdict="unstable")
    assert loud_loads([trial("java", invalid)]) == frozenset()


def test_a_level_without_slices_is_not_loud() -> None:
    assert loud_loads([trial("go", closed())]) == frozenset()
