"""Warm-up: it does not end with constant speed between two stages of a compiler."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.files import ROOT
from loadtests.protocol.steady_state import cpu_time_falling, throughput_rising

#: Requests per second of a JVM on one core, second by second, as measured: constant at first, then twice as many.
STAGES = [2412, 2649, 2665, 3048, 5302, 5523, 5294, 5604, 5442, 5345]
STEADY = [9872, 8938, 9805, 9350, 8850, 9288, 9556, 9085, 9270, 9606]

WINDOW = """
import json, sys
from loadtests.generator import levels
from loadtests.protocol import messages

class Workers:
    def __init__(self, seconds): self.seconds, self.clock, self.measured = iter(seconds), 0.0, 0
    def begin(self, level, rate, seed): pass
    def measure(self): self.measured += 1
    def window(self, phase):
        self.clock += 1.0
        count = next(self.seconds)
        return (messages.WorkerWindow(phase, count, 0, 10**9),)
    def end(self): return ()

seconds, limit = json.loads(sys.argv[1])
workers = Workers(seconds)
levels.time = type("Clock", (), {"monotonic": lambda: workers.clock, "monotonic_ns": lambda: int(workers.clock * 1e9)})
level = messages.TimedLevel(name="saturate", kind="closed", connections=32, routes=(), warmup_seconds=6,
                            warmup_limit_seconds=limit, measure_seconds=10)
m = levels.window(level, 0.0, 1, workers, lambda event: None)
print(json.dumps([workers.measured, m.warmup_seconds, m.steady, m.steady_reason, (m.end_ns - m.start_ns) / 1e9]))
"""


def window(seconds: list[int], limit: float) -> tuple[int, float, bool, str, float]:
    """Runs in a process of its own, as Locust patches the standard library. Each window takes one second of its clock."""
    done = subprocess.run(
        [sys.executable, "-c", WINDOW, json.dumps([seconds, limit])],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    times, warmup, steady, reason, length = json.loads(done.stdout)
    return times, warmup, steady, reason, length


def test_a_window_in_which_the_target_got_faster_is_seen() -> None:
    assert throughput_rising(STAGES, response=False)[0]
    # A jump within the first seconds, which makes their scatter large.
    assert throughput_rising([3547, 4002, 6296, 8305, 6542, 6511, 6558, 6356, 6425, 6565], response=False)[0]
    assert throughput_rising([100 / v for v in STAGES], response=True)[0]


@pytest.mark.parametrize(
    "values",
    [
        STEADY,
        # A shared machine that gets slower again: no warm-up.
        [7735, 6434, 6328, 5738, 7314, 6458, 7329, 6160, 4649, 4266],
        [7645, 7784, 7829, 7637, 6860, 7563, 6243, 6968, 7195, 7839],
        [100, 200, 300, 400, 500],
    ],
)
def test_noise_a_fall_and_a_short_window_are_no_warm_up(values: list[int]) -> None:
    assert not throughput_rising(values, response=False)[0]


@pytest.mark.parametrize(
    "shares",
    [
        # Of a core, second by second at steady throughput, as measured: Java on `service`, Kotlin on `db` and `downstream`.
        [98, 98, 94, 64, 59, 54],
        [74, 47, 40, 32, 42, 33],
        [97, 97, 96, 92, 71, 59],
    ],
)
def test_a_compiler_shows_in_cpu_per_request_where_something_else_is_the_limit(shares: list[int]) -> None:
    assert cpu_time_falling(shares)[0]
    assert not throughput_rising([2700, 2690, 2710, 2700, 2695, 2705], response=False)[0]


@pytest.mark.parametrize(
    "shares",
    [
        # Code that was compiled ahead, as measured: Go, Rust and Python on `db`.
        [43, 43, 52, 39, 45, 40],
        [31, 31, 31, 27, 27, 25],
        [65, 64, 61, 66, 59, 57],
        [20, 20, 20, 30, 30, 30],
        [98, 60, 50],
    ],
)
def test_scatter_a_rise_and_a_short_window_are_no_compiler(shares: list[int]) -> None:
    assert not cpu_time_falling(shares)[0]


def test_it_is_measured_again_until_it_is_steady() -> None:
    plateau = [2442] * 6
    times, warmup, steady, _, length = window(plateau + STAGES + STEADY, 30)
    assert (times, warmup, steady, length) == (2, 16, True, 10)


def test_a_steady_window_is_measured_once() -> None:
    assert window([9000] * 6 + STEADY, 30)[:3] == (1, 6, True)


def test_what_still_climbs_at_the_limit_is_not_steady() -> None:
    times, _, steady, reason, _ = window([1000] * 6 + STAGES + [v * 3 for v in STAGES], 17)
    assert (times, steady) == (2, False)
    assert "of the measured window were faster than its first" in reason


def test_where_no_warm_up_may_be_prolonged_none_is_judged() -> None:
    assert window([2442] * 6 + STAGES, 6)[:3] == (1, 6, True)
