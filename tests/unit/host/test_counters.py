"""The host's CPUs: other work and steal."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic import usage

from harness.evaluation.usage import host_use
from harness.host.counters import read_processors
from harness.record.cpus import parse_cpu_list
from harness.record.measurement import HostUse, Missing
from harness.record.samples import CpuTimes, HostSample

SECOND = 1_000_000_000


def test_the_kernels_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "stat"
    path.write_text("cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 10 1 2 100 5 3 4 6 0 0\ncpu1 1 0 0 50 0 0 0 0 0 0\nintr 5\n")
    times = read_processors(path)
    assert set(times) == {0, 1}
    assert times[0] == CpuTimes(130_000_000, 1_050_000_000, 60_000_000, 1_310_000_000)


def test_this_kernel_counts_forward() -> None:
    before, after = read_processors(), read_processors()
    assert before and all(after[cpu].total_ns >= times.total_ns for cpu, times in before.items())


@pytest.mark.parametrize(("text", "numbers"), [("0", (0,)), ("0-2,5", (0, 1, 2, 5)), ("1,1", (1, 1))])
def test_cpu_lists_are_read(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_cpu_list(text) == numbers


def samples(busy: float, steal: float, seen: float | None = None) -> list[HostSample]:
    """Eleven readings, a second apart. CPU 0 is idle; CPU 1 has these shares. `seen`: the busy share by the ticks."""
    idle, ticks = 1 - busy - steal, busy if seen is None else seen
    return [
        HostSample(
            now,
            {
                0: CpuTimes(0, now, 0, now),
                1: CpuTimes(int(ticks * now), int(idle * now), int(steal * now), now),
            },
        )
        for now in range(0, 11 * SECOND, SECOND)
    ]


def test_what_the_service_did_not_use_of_its_cores_is_other_work() -> None:
    # The service used 1 s of 10: a tenth of its core. The core was busy for three tenths.
    assert host_use(samples(0.3, 0.2), 0, 10 * SECOND, (1,), (0, 1), [usage()]) == HostUse(0.2, 0.1)


@pytest.mark.parametrize(("busy", "seen"), [(0.3, 0.12), (0.12, 0.3)])
def test_other_work_must_show_in_ticks_and_in_idle_time(busy: float, seen: float) -> None:
    """Ticks count work that timers start too often. The time to wake up is not idle time, and is nobody's work."""
    assert host_use(samples(busy, 0.0, seen), 0, 10 * SECOND, (1,), (0, 1), [usage()]) == HostUse(0.02, 0.0)


def test_less_than_the_service_itself_is_never_negative() -> None:
    assert host_use(samples(0.05, 0.0), 0, 10 * SECOND, (1,), (0, 1), [usage()]) == HostUse(0.0, 0.0)


def test_a_host_that_is_not_seen_is_missing() -> None:
    assert isinstance(host_use([], 0, 10 * SECOND, (1,), (1,), [usage()]), Missing)
    assert isinstance(host_use(samples(0.1, 0.0), 0, 10 * SECOND, (7,), (7,), [usage()]), Missing)
