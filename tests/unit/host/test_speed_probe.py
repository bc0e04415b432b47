"""The CPU speed probe: the speed of a window, and a probe that never outlives its trial."""

from __future__ import annotations

from harness.evaluation.usage import MIN_SAMPLES, speeds
from harness.host.speed_probe import SpeedProbe, parse
from harness.record.plan import Placement
from harness.record.samples import SpeedSample

PLACEMENT = Placement("1", "0", "0", ("database", "generator"), "two cores")


def test_each_role_gets_the_samples_of_its_own_cpus_inside_the_window() -> None:
    # CPU 1 is fast but for one sample in ten. CPU 0 takes twice as long. Samples outside the window are far off.
    samples = [SpeedSample(i, 1, 90_000 if i % 10 else 150_000) for i in range(100)]
    samples += [SpeedSample(i, 0, 180_000) for i in range(100)]
    samples += [SpeedSample(i, cpu, 9_000_000) for i in (-1, 100) for cpu in (0, 1)]
    found = speeds(samples, 0, 100, PLACEMENT)
    assert (found["service"].mean_microseconds, found["service"].quick_microseconds) == (96.0, 90.0)
    assert found["database"] == found["generator"]
    assert found["generator"].mean_microseconds == 180.0


def test_too_few_samples_say_nothing() -> None:
    samples = [SpeedSample(i, 1, 90_000) for i in range(MIN_SAMPLES - 1)]
    assert speeds(samples, 0, 100, PLACEMENT) == {}


def test_a_line_that_the_probe_was_killed_in_is_left_out() -> None:
    assert parse("1 0 5\n2 1 6\n3 0") == (SpeedSample(1, 0, 5), SpeedSample(2, 1, 6))
    assert parse("") == ()


def test_where_containers_run_on_another_kernel_nothing_is_probed() -> None:
    with SpeedProbe(PLACEMENT, local=False) as probe:
        pass
    assert probe.samples == ()
