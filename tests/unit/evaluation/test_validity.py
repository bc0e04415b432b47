"""Each rule of validity finds its fault. tests/engine/test_gates.py makes the faults in real trials."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from synthetic import CALIBRATION, closed, opened

from harness.evaluation.validity import LevelContext, judge
from harness.record.measurement import HostUse, LevelMeasurement, Missing, Slice, StatementCount

CONTEXT = LevelContext(generator_cores=1, objective_milliseconds=50.0, calibration=CALIBRATION)


def changed(**changes: Any) -> LevelContext:
    return msgspec.structs.replace(CONTEXT, **changes)


def in_slices(level: LevelMeasurement) -> LevelMeasurement:
    return msgspec.structs.replace(level, slices=(Slice(0, 0, 10**9, 1000, 0, 0, 10**6, 10**6, 10**6),))


@pytest.mark.parametrize("level", [closed(), opened(), closed(host=Missing("not seen")), closed(throttled=None)])
def test_a_level_without_fault_is_valid(level: LevelMeasurement) -> None:
    assert judge(level, CONTEXT) == ("valid", ())


@pytest.mark.parametrize(
    ("level", "context", "verdict", "words"),
    [
        (closed(failures=3), CONTEXT, "failed", "3 requests failed"),
        (opened(timed_out=1), CONTEXT, "failed", "1 requests failed"),
        (closed(statements=(StatementCount("product", 10, 9, 1.0),)), CONTEXT, "failed", "executed product 9 times"),
        (closed(), changed(outside=("SET executed",)), "failed", "SET executed"),
        (closed(busy_seconds=280.0), CONTEXT, "failed", "Little's law"),
        (closed(busy_seconds=340.0), CONTEXT, "failed", "Little's law"),
        (closed(requests=0), CONTEXT, "failed", "no request was answered"),
        (opened(requests=990), CONTEXT, "failed", "1,000 requests were scheduled, but 990 are accounted for"),
        (closed(), changed(reopened=1), "failed", "1 connections had to be opened again"),
        (closed(), changed(trial_faults=("killed for lack of memory",)), "failed", "lack of memory"),
        (closed(generator_busiest=0.81), CONTEXT, "generator_limited", "81%"),
        (opened(generator_busiest=0.76), CONTEXT, "generator_limited", "76%"),
        (closed(requests=350_001, busy_seconds=320.0), CONTEXT, "generator_limited", "over 70% of the 50,000"),
        (opened(rate=14_001), CONTEXT, "generator_limited", "over 70% of the 20,000"),
        (opened(lag=5_001), CONTEXT, "generator_limited", "read answers late"),
        (opened(dropped=1), CONTEXT, "unstable", "1 of 1,000 arrivals were dropped"),
        (opened(open=6), CONTEXT, "unstable", "does not hold 100 requests/s"),
        (closed(steady=False), CONTEXT, "unstable", "warming up"),
        (closed(host=HostUse(0.0, 0.06)), CONTEXT, "unstable", "steal"),
        (closed(host=HostUse(0.06, 0.0)), CONTEXT, "unstable", "other work took 6%"),
        (closed(throttled=1), CONTEXT, "unstable", "service was throttled"),
        (closed(stopped=6.0), CONTEXT, "unstable", "the service was stopped, or not watched, for 6.0 s"),
    ],
)
def test_a_fault_is_seen_and_named(level: LevelMeasurement, context: LevelContext, verdict: str, words: str) -> None:
    given, problems = judge(level, context)
    assert given == verdict
    assert words in problems[0]


def test_wrong_answers_outside_the_window_are_named_with_the_statement_counts_that_they_explain() -> None:
    wrong = changed(failure_samples=("GET /products/{id}: {} is not product 1",))
    _, problems = judge(closed(statements=(StatementCount("product", 10, 19, 1.0),)), wrong)
    assert "executed product 19 times" in problems[0]
    assert problems[1].startswith("requests failed or were answered wrongly outside the window: GET /products/{id}")
    assert judge(closed(), wrong) == ("valid", ())


def test_the_generators_limit_is_per_core() -> None:
    assert judge(closed(generator_busiest=1.5), changed(generator_cores=2))[0] == "valid"


def test_in_slices_a_late_generator_costs_the_tail_and_not_the_level() -> None:
    assert judge(in_slices(opened(lag=9_000)), CONTEXT)[0] == "valid"
    assert judge(in_slices(opened(lag=51_000)), CONTEXT)[0] == "generator_limited"
    # A ceiling that holds for requests on time does not limit it either.
    late = msgspec.structs.replace(CALIBRATION, open_ceiling=100.0, open_complete=5000.0)
    assert judge(opened(rate=500.0), changed(calibration=late))[0] == "generator_limited"
    assert judge(in_slices(opened(rate=500.0)), changed(calibration=late))[0] == "valid"


def test_a_loose_objective_allows_a_greater_lag_and_a_strict_one_never_less_than_half_a_millisecond() -> None:
    assert judge(opened(lag=9_000), changed(objective_milliseconds=100.0))[0] == "valid"
    assert judge(opened(lag=490), changed(objective_milliseconds=1.0))[0] == "valid"
    assert judge(opened(lag=510), changed(objective_milliseconds=1.0))[0] == "generator_limited"
