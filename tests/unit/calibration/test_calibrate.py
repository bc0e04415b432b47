"""The conclusions of calibration and self-test from their measurements."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from synthetic import CALIBRATION

import harness.calibration.calibrate
from harness.calibration.calibrate import (
    PERCENTS,
    SHARES,
    assess,
    calibrate,
    delay_checks,
    delay_problem,
    open_ceiling,
    stall_p95_theory_milliseconds,
)
from harness.calibration.reference_servers import Driven
from harness.calibration.self_test import serial_capacity
from harness.evaluation.inputs import GeneratorOutput, LevelOutput
from harness.record.plan import Placement
from harness.record.run import Calibration
from loadtests.calibration import routes
from loadtests.protocol import histogram, messages

HELLO = messages.Hello(0, 0, "boot", 1, {})
READY = messages.ServiceReady(0, {}, 0, ())


def encoded(*values: int) -> str:
    counts = histogram.new_counts()
    for value in values:
        counts[histogram.index_of(value)] += 1
    return histogram.encode(counts)


def route(name: str, service: Iterable[int], lag: int = 10, still_open: int = 0) -> messages.RouteResult:
    answered = tuple(service)
    total = len(answered) + still_open
    times = encoded(*answered)
    return messages.RouteResult(name, total, len(answered), 0, 0, 0, still_open, sum(answered), times, times, encoded(lag))


def driven(
    levels: dict[str, tuple[float, tuple[messages.RouteResult, ...]]], injected: dict[str, dict[str, float]]
) -> Driven:
    output = tuple(
        LevelOutput(
            ((),),
            (messages.Measured(name, 0, 10**9, 1.0, True, "", 32, rate, 0.0, found),),
            messages.LevelEnd(name, {}, {}),
        )
        for name, (rate, found) in levels.items()
    )
    return Driven(GeneratorOutput(HELLO, READY, output, messages.Done((), 32), 0.0, 1.0), (), injected)


def delays(extra_us: int) -> Driven:
    """A server that answers after 1 ms. The generator measures `extra_us` more than the server reports."""
    control, delayed = route(routes.delay(0), [70] * 100), route(routes.delay(1), [1070 + extra_us] * 100)
    return driven({"delays": (1000.0, (control, delayed))}, {routes.delay(1): {"p50": 1.0, "p99": 1.0}})


def test_a_delay_is_recovered_without_the_path() -> None:
    (check,) = delay_checks(delays(0), (1,))
    assert (check.path, check.p50, check.p99) == pytest.approx((0.07, 1.0, 1.0), abs=0.002)
    assert [delay_problem(check, percent) for percent in PERCENTS] == [None, None]


@pytest.mark.parametrize(("extra", "good"), [(120, True), (140, False), (-140, False)])
def test_a_delay_that_is_off_by_more_than_3_percent_and_a_tenth_of_a_millisecond_is_a_problem(
    extra: int, good: bool
) -> None:
    (check,) = delay_checks(delays(extra), (1,))
    assert [delay_problem(check, percent) is None for percent in PERCENTS] == [good, good]


def driven_runs(*, p99: int = 1070, lag: int = 10, still_open: int = 0, median: int = 1070) -> tuple[Driven, Driven]:
    """The two runs of a calibration in which the given values are off: times in microseconds."""
    delayed = [median] * 98 + [p99] * 2
    null = {f"{share:.0%}": (share * 20_000, (route(routes.NULL, [70] * 100, lag, still_open),)) for share in SHARES}
    null |= {"closed": (0.0, (route(routes.NULL, [70] * 100),)), "path": (0.0, (route(routes.NULL, [70] * 100),))}
    control, stall = route(routes.delay(0), [70] * 100), route(routes.STALL, [70] * 80 + [250_000] * 20)
    checked = [route(routes.delay(1), delayed), route(routes.delay(10), [10_070] * 100)]
    known = {"delays": (1000.0, (control, *checked)), "stall": (1000.0, (stall,))}
    injected = {routes.delay(ms): {"p50": float(ms), "p99": float(ms)} for ms in (1, 10)}
    return driven(null, {}), driven(known, injected)


def assessed(**off: int) -> Calibration:
    """The calibration from these runs."""
    return assess(*driven_runs(**off), "load", "here")


def test_a_late_tail_is_no_reason_to_distrust_the_generator() -> None:
    assert (assessed().problems, assessed().tail_problems) == ((), ())
    for found in (assessed(p99=2070), assessed(lag=800)):
        assert found.problems == () and len(found.tail_problems) == 1
        assert found.open_complete == 20_000 * SHARES[-1]


def test_a_wrong_median_or_requests_that_are_never_sent_are_one() -> None:
    assert "p50 was measured as 2.00 ms" in assessed(median=2070, p99=2070).problems[0]
    (problem,) = assessed(still_open=1).problems
    assert problem.startswith("the open loop sends all requests only up to 0 per second")


def test_the_open_ceiling_is_the_highest_rate_that_was_sent_on_time() -> None:
    lags = dict(zip(SHARES, (100, 800, 300, 400, 900), strict=True))
    levels = {f"{share:.0%}": (share * 1000, (route(routes.NULL, [70], lag),)) for share, lag in lags.items()}
    rate, lag = open_ceiling(driven(levels, {}), SHARES)
    assert rate == pytest.approx(1000 * SHARES[3])
    assert lag == pytest.approx(400, rel=0.01)


def test_a_rate_of_which_part_was_never_sent_is_not_held() -> None:
    levels = {f"{share:.0%}": (share * 1000, (route(routes.NULL, [70] * 100, still_open=1),)) for share in SHARES}
    assert open_ceiling(driven(levels, {}), SHARES) == (0.0, 0.0)


def test_a_stall_of_half_a_second_in_five_is_a_quarter_of_a_second_at_p95() -> None:
    assert stall_p95_theory_milliseconds() == 250


def test_the_capacity_of_a_queue_is_below_its_rate_of_service_and_grows_with_patience() -> None:
    strict = serial_capacity(messages.Objective(99.0, 10.0), service_ms=1.0)
    loose = serial_capacity(messages.Objective(99.0, 100.0), service_ms=1.0)
    # Heavy traffic: P(response > t) is about exp(-2 (1 - rho) t / (rho s)); 1 % at 10 ms gives rho = 0.81.
    assert strict == pytest.approx(810, rel=0.04)
    assert strict < loose < 1000


def test_a_kept_calibration_out_of_bounds_is_a_warning_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = datetime.now(UTC).isoformat()
    kept = tmp_path / "key.json"
    kept.write_bytes(msgspec.json.encode(msgspec.structs.replace(CALIBRATION, made=made, problems=("a stall is hidden",))))
    monkeypatch.setattr(harness.calibration.calibrate, "_key", lambda bench: "key")
    bench: Any = type("Bench", (), {"placement": Placement("1", "0", "0", (), "two cores")})
    said: list[str] = []
    calibrate(None, bench, said.append, tmp_path)  # type: ignore[arg-type]
    (line,) = said
    assert line.startswith("WARNING: the load generator's calibration is out of bounds: a stall is hidden. ")
    assert f"delete {kept}, and run again" in line


def test_only_the_part_of_a_calibration_that_is_out_of_bounds_is_made_once_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    null, known = driven_runs()
    disturbed, _ = driven_runs(lag=800)
    nulls, knowns = [disturbed, null], [known]
    monkeypatch.setattr(harness.calibration.calibrate, "_key", lambda bench: "key")
    for name, runs in (("null_run", nulls), ("known_run", knowns)):
        monkeypatch.setattr(harness.calibration.calibrate, name, lambda *_, runs=runs: runs.pop(0))
    bench: Any = type("Bench", (), {"placement": Placement("1", "0", "0", (), "two cores"), "image": "load"})
    said: list[str] = []
    found = calibrate(None, bench, said.append, tmp_path)  # type: ignore[arg-type]
    assert not nulls and not knowns and not found.problems and not found.tail_problems
    assert "on time only up to" in said[1] and "once more" in said[1]
    assert not any("WARNING" in line for line in said)
