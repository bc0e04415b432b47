"""Each rule of validity sees the fault it is there for."""

from __future__ import annotations

from typing import Any

import pytest
from synthetic import measurement

from harness.contract import StatementCount
from harness.validity import judge

GOOD: dict[str, Any] = {"pool_size": 16, "generator_cores": 1, "oom_kills": 0, "exit_status": 0}


def test_a_trial_without_fault_is_valid() -> None:
    assert judge(measurement(), **GOOD) == ("valid", ())


@pytest.mark.parametrize(
    ("measured", "circumstances", "verdict", "words"),
    [
        (measurement(failures=3), {}, "failed", "3 requests failed"),
        (measurement(statements=(StatementCount("product", 10, 9, 1.0),)), {}, "failed", "executed product 9 times"),
        (measurement(busy_seconds=280.0), {}, "failed", "Little's law"),
        (measurement(busy_seconds=340.0), {}, "failed", "Little's law"),
        (measurement(connections_opened=33), {}, "failed", "1 connections had to be opened again"),
        (measurement(), {"oom_kills": 1}, "failed", "want of memory"),
        (measurement(), {"exit_status": 137}, "failed", "status 137"),
        (measurement(generator_busiest=0.81), {}, "generator_limited", "81%"),
        (measurement(steady=False), {}, "unstable", "warming up"),
    ],
)
def test_a_fault_is_seen_and_named(measured: Any, circumstances: dict[str, int], verdict: str, words: str) -> None:
    judged, problems = judge(measured, **{**GOOD, **circumstances})
    assert judged == verdict
    assert words in problems[0]


def test_the_generators_limit_is_per_core() -> None:
    assert judge(measurement(generator_busiest=1.5), **{**GOOD, "generator_cores": 2})[0] == "valid"
