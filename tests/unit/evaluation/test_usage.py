"""Use of CPU and memory in a window, from samples."""

from __future__ import annotations

import pytest

from harness.evaluation.usage import (
    anonymous_between,
    busiest_second,
    cores_between,
    cpu_ns_at,
    cpu_per_request,
    stopped_seconds,
    usage,
)
from harness.record.measurement import Missing
from harness.record.samples import Counters, Sample
from loadtests.protocol.messages import Window

SECOND = 1_000_000_000


def sample(seconds: float, cpu_seconds: float, mapped: int | None = 20, peak: int | None = 120) -> Sample:
    counters = Counters(int(cpu_seconds * SECOND), 100, 30, 50, peak, 0, 0, mapped)
    return Sample(int(seconds * SECOND), "service", counters)


# Half a core for two seconds, then a whole core.
SERIES = [sample(t / 10, t / 20 if t <= 20 else 1 + (t - 20) / 10) for t in range(41)]


def test_cpu_between_samples_lies_on_the_line() -> None:
    assert cpu_ns_at(SERIES, int(0.55 * SECOND)) == pytest.approx(0.275 * SECOND)
    assert cpu_ns_at(SERIES, 4 * SECOND) == 3 * SECOND


@pytest.mark.parametrize("instant", [-1, 4 * SECOND + 1])
def test_cpu_outside_the_samples_is_refused(instant: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        cpu_ns_at(SERIES, instant)


def anonymous(seconds: float, held: int) -> Sample:
    return Sample(int(seconds * SECOND), "service", Counters(0, 100, 30, held, 120, 0, 0))


def test_the_idle_base_is_the_median_of_the_rest_before_the_first_request() -> None:
    grown = [anonymous(0.5, 1000), anonymous(1.0, 40), anonymous(1.4, 50), anonymous(1.8, 60), anonymous(2.0, 9000)]
    assert anonymous_between(grown, SECOND, 2 * SECOND) == 50
    assert isinstance(anonymous_between(grown, 3 * SECOND, 4 * SECOND), Missing)


def test_usage_is_the_difference_over_the_window_alone() -> None:
    used = usage(SERIES, 1 * SECOND, 3 * SECOND)
    assert used.cpu_seconds == pytest.approx(0.5 + 1.0)
    assert used.working_set_bytes == 70
    assert used.peak_bytes == 120


def test_the_time_in_which_a_process_was_stopped_or_nobody_watched_is_counted() -> None:
    def seen(seconds: float, stopped: bool) -> Sample:
        return Sample(int(seconds * SECOND), "service", Counters(0, 1, 1, 1, 1, 0, 0, 1, stopped))

    fine = [seen(at / 2, stopped=False) for at in range(20)]
    assert stopped_seconds(fine, SECOND, 9 * SECOND) == usage(fine, SECOND, 9 * SECOND).stopped_seconds == 0
    stopped = [seen(at / 2, stopped=6 <= at < 10) for at in range(20)]
    assert stopped_seconds(stopped, SECOND, 9 * SECOND) == usage(stopped, SECOND, 9 * SECOND).stopped_seconds == 2.0
    assert stopped_seconds(stopped, 4 * SECOND, 9 * SECOND) == 0.5
    assert stopped_seconds(stopped, 5 * SECOND, 9 * SECOND) == 0
    # The harness was stopped too.
    asleep = [sample for sample in fine if not 2 < sample.monotonic_ns / SECOND < 8]
    assert stopped_seconds(asleep, SECOND, 9 * SECOND) == 6.0
    late = [sample for sample in fine if not 2 < sample.monotonic_ns / SECOND < 4]
    assert stopped_seconds(late, SECOND, 9 * SECOND) == 0


def test_the_busiest_second_is_found() -> None:
    assert busiest_second(SERIES, 0, 4 * SECOND) == pytest.approx(1.0)
    assert busiest_second(SERIES, 0, 2 * SECOND) == pytest.approx(0.5)


def test_a_kernel_without_a_peak_counter_gives_a_reason_not_a_zero() -> None:
    used = usage([sample(t, t, peak=None) for t in range(5)], SECOND, 3 * SECOND)
    assert isinstance(used.peak_bytes, Missing)


def test_one_outlier_does_not_move_the_working_set() -> None:
    series = [sample(t, t, mapped=10_000 if t == 2 else 20) for t in range(6)]
    assert usage(series, 0, 5 * SECOND).working_set_bytes == 70


def test_the_working_set_does_not_depend_on_which_container_read_a_file_first() -> None:
    """The kernel charges 60 bytes of file pages to the first of two equal services, and none to the second."""

    def used(charged: int) -> float | Missing:
        counters = Counters(0, 50 + charged, charged // 2, 50, 120, 0, 0, 45)
        return usage([Sample(t * SECOND, "service", counters) for t in range(3)], 0, 2 * SECOND).working_set_bytes

    assert used(60) == used(0) == 95


def test_a_working_set_without_the_processes_is_missing_with_a_reason() -> None:
    found = usage([sample(t, t, mapped=None) for t in range(5)], SECOND, 3 * SECOND).working_set_bytes
    assert isinstance(found, Missing) and "/proc does not show" in found.reason
    known = [sample(t, t, mapped=None if t == 2 else 20) for t in range(5)]
    assert usage(known, SECOND, 3 * SECOND).working_set_bytes == 70


def test_cpu_per_request_is_computed_window_by_window_on_the_samples_clock() -> None:
    """The generator's clock is ahead by five seconds. A second without a request is left out."""
    ahead = 5 * SECOND
    windows = [Window("measure", ahead + i * SECOND, ahead + (i + 1) * SECOND, n, 0) for i, n in enumerate((10, 0, 10, 20))]
    per_request = cpu_per_request(SERIES, windows, -ahead)
    assert per_request == pytest.approx([0.05 * SECOND, 0.1 * SECOND, 0.05 * SECOND])


def test_cores_at_rest_are_what_was_used_between_two_instants() -> None:
    assert cores_between(SERIES, SECOND, 2 * SECOND) == pytest.approx(0.5)
    assert cores_between(SERIES, int(1.5 * SECOND), int(2.5 * SECOND)) == pytest.approx(0.75)
