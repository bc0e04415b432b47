"""The load generator's own readings of CPU counters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import loadtests.generator.counters
from loadtests.generator.counters import (
    IDLE_LIMIT_SECONDS,
    IDLE_STEP_SECONDS,
    TICK_NS,
    HostShares,
    counters_of,
    cpu_times,
    host_shares,
    wait_until_idle,
)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_cgroup_v1_counts_nanoseconds(tmp_path: Path) -> None:
    write(tmp_path / "cpuacct" / "docker" / "abc123" / "cpuacct.usage", "1234567890\n")
    write(tmp_path / "cpuacct" / "docker" / "other" / "cpuacct.usage", "1\n")
    counter = counters_of(["abc123"], tmp_path)["abc123"]
    assert counter.read() == 1_234_567_890


def test_cgroup_v2_counts_microseconds_under_either_driver(tmp_path: Path) -> None:
    text = "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n"
    write(tmp_path / "system.slice" / "docker-abc123.scope" / "cpu.stat", text)
    write(tmp_path / "system.slice" / "docker-abc123.scope" / "inner" / "cpu.stat", "usage_usec 1\n")
    write(tmp_path / "docker" / "def456" / "cpu.stat", text)
    found = counters_of(["abc123", "def456"], tmp_path)
    assert {name: counter.read() for name, counter in found.items()} == {"abc123": 2_500_000, "def456": 2_500_000}


def test_a_container_without_a_control_group_is_named_in_one_sentence(tmp_path: Path) -> None:
    write(tmp_path / "docker" / "abc123" / "cpu.stat", "usage_usec 1\n")
    with pytest.raises(LookupError, match="no control group of 1 of the group's containers"):
        counters_of(["abc123", "def456"], tmp_path)


@pytest.mark.parametrize(("busy_steps", "waited"), [(0, 1), (3, 4), (1000, round(IDLE_LIMIT_SECONDS / IDLE_STEP_SECONDS))])
def test_a_backlog_is_waited_for_and_not_for_ever(monkeypatch: pytest.MonkeyPatch, busy_steps: int, waited: int) -> None:
    slept: list[float] = []
    monkeypatch.setattr(loadtests.generator.counters.gevent, "sleep", slept.append)
    # A compiler uses half a CPU, the timers of idle services a fiftieth.
    wait_until_idle(
        lambda: int(sum(0.5 if step < busy_steps else 0.02 for step in range(len(slept))) * IDLE_STEP_SECONDS * 1e9)
    )
    assert len(slept) == waited


def test_a_container_that_has_ended_keeps_its_last_reading(tmp_path: Path) -> None:
    write(tmp_path / "docker" / "abc123" / "cpu.stat", "usage_usec 7\n")
    counter = counters_of(["abc123"], tmp_path)["abc123"]
    assert counter.read() == 7000
    # As when the kernel has removed the group: the open file can't be read any more.
    os.close(counter._descriptor)
    assert counter.read() == 7000


def test_the_times_of_some_cpus_are_summed(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu 9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 10 0 0 90 0 0 0 0 0 0\ncpu2 1 1 1 1 1 1 1 1\n")
    assert cpu_times((0, 1), stat) == [11, 2, 3, 94, 5, 6, 7, 8]


def test_what_others_took_are_shares_of_all_time() -> None:
    after = [40, 0, 10, 40, 0, 0, 0, 10]
    own_ns = 20 * TICK_NS
    assert host_shares([0] * 8, after, own_ns) == HostShares(other_work=pytest.approx(0.3), steal=pytest.approx(0.1))
    # Busy ticks that are no time which is not idle: timers start work in step with the tick.
    assert host_shares([0] * 8, [40, 0, 10, 70, 0, 0, 0, 0], own_ns).other_work == pytest.approx(30 / 120)
    assert host_shares([0] * 8, [0] * 8, 0) == HostShares(0.0, 0.0)
    assert host_shares([0] * 8, [10, 0, 0, 90, 0, 0, 0, 0], own_ns).other_work == 0.0
