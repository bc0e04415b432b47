"""A trial that the machine spoilt is measured again, once; nothing else is, and the record tells both attempts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from synthetic import QUIET, closed, measurement, opened, result, run

import harness.run.runner
from harness.cli.terminal import Terminal
from harness.evaluation.validity import disturbed_by_host
from harness.plan.schedule import further_group
from harness.record.measurement import HostUse, LevelMeasurement, Measurement, Missing, Slice
from harness.record.plan import Placement, Trial
from harness.record.reader import read_record
from harness.record.trial_result import ScaleMeasurement, ScalePoint, TrialResult
from harness.record.writer import RecordWriter
from harness.run.runner import extended, further_seconds, run_trials

TRIAL = run().plan.trials[0]
STOLEN, TAKEN = (msgspec.structs.replace(QUIET, **{name: 0.06}) for name in ("steal", "other_work"))


def unstable(*levels: LevelMeasurement) -> TrialResult:
    made = result(TRIAL, measurement(*levels))
    return msgspec.structs.replace(made, verdict="unstable", problems=("other work",))


def scaled(*points: Measurement | Missing) -> TrialResult:
    placement = Placement("1", "0", "0", ("database", "generator"), "two cores", "0")
    made = ScaleMeasurement(tuple(ScalePoint(2**i, placement, point) for i, point in enumerate(points)), 16)
    return msgspec.structs.replace(unstable(), measurement=made)


@pytest.mark.parametrize("host", [STOLEN, TAKEN])
def test_what_the_machine_took_spoils_a_trial_at_any_of_its_levels_and_points(host: HostUse) -> None:
    assert disturbed_by_host(unstable(closed(), closed(host=host)))
    assert disturbed_by_host(scaled(measurement(), measurement(closed(host=host))))


def test_a_slice_lost_to_the_host_disturbs_a_trial_and_one_lost_to_a_compiler_does_not() -> None:
    def lost(why: str) -> TrialResult:
        return unstable(msgspec.structs.replace(closed(), slices=(Slice(1, 0, 1, 1, 1, 1, 1, 1, 1, why),)))

    assert disturbed_by_host(lost("other work took 50%"))
    assert not disturbed_by_host(lost("warm-up: it still got faster"))


@pytest.mark.parametrize(
    "other",
    [
        unstable(closed(steady=False)),
        unstable(opened(dropped=100)),
        unstable(closed(throttled=3)),
        unstable(closed(host=Missing("not seen"))),
        scaled(measurement(), Missing("service: gone")),
        result(TRIAL, Missing("service: gone")),
    ],
)
def test_what_the_target_did_is_not_measured_again(other: TrialResult) -> None:
    assert not disturbed_by_host(other)


def test_a_failure_stands_though_the_machine_was_busy_as_well() -> None:
    assert not disturbed_by_host(msgspec.structs.replace(unstable(closed(host=TAKEN)), verdict="failed"))


def ran(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], attempts: Iterator[TrialResult]
) -> list[str]:
    """What is said of a run whose first trial comes out as `attempts`, and all others valid."""

    def fake(client: Any, setup: Any, trial: Trial, writer: Any, on_window: Any) -> TrialResult:
        del client, setup, writer, on_window
        return next(attempts) if trial == TRIAL else result(trial, measurement())

    monkeypatch.setattr(harness.run.runner, "run_trial", fake)
    RecordWriter(folder).begin(run())
    terminal = Terminal()
    run_trials(None, read_record(folder), terminal)  # type: ignore[arg-type]
    return capsys.readouterr().err.splitlines()


def test_the_second_attempt_counts_and_the_first_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = unstable(closed(host=TAKEN)), result(TRIAL, measurement())
    said = ran(tmp_path / "run", monkeypatch, capsys, iter((first, second)))
    record = read_record(tmp_path / "run")
    assert record.superseded == (first,)
    assert [r for r in record.results if r.trial == TRIAL] == [second]
    assert record.pending() == () and record.warnings == ()
    assert len(said) == len(run().plan.trials) + 1
    assert said[0].startswith("[1/6] ") and "unstable (other work)" in said[0]
    assert said[1].startswith(f"[1/6] {TRIAL.target} {TRIAL.profile}, repeated: ")


def test_there_is_no_third_attempt_and_a_second_that_is_spoilt_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = unstable(closed(host=STOLEN))
    ran(tmp_path / "run", monkeypatch, capsys, iter((bad, bad)))
    record = read_record(tmp_path / "run")
    assert record.superseded == (bad,)
    assert bad in record.results


def test_what_is_not_spoilt_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = unstable(closed(steady=False))
    ran(tmp_path / "run", monkeypatch, capsys, iter((slow,)))
    assert read_record(tmp_path / "run").superseded == ()


def test_further_blocks_follow_those_of_the_plan(tmp_path: Path) -> None:
    before = run(alone=False)
    RecordWriter(tmp_path / "run").begin(before)
    record = read_record(tmp_path / "run")
    plan = further_group(before.plan)
    assert further_seconds(record, plan) > 0 == further_seconds(record, before.plan)
    longer = extended(record, plan).run.plan
    assert longer.timing.blocks == 5 and {trial.block for trial in longer.trials} == {1, 2, 3, 4, 5}
    assert len({trial.id for trial in longer.trials}) == len(longer.trials)
    assert longer.trials[: len(before.plan.trials)] == before.plan.trials
    assert {trial.group for trial in longer.trials[len(before.plan.trials) :]} == {3}


def test_a_group_is_measured_as_a_whole_also_when_one_of_its_trials_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = run(alone=False)
    writer = RecordWriter(tmp_path / "run")
    writer.begin(header)
    first, *others = header.plan.trials
    assert first.group == others[0].group
    writer.append(result(first, measurement()))
    measured: list[tuple[Trial, ...]] = []

    def fake(client: Any, setup: Any, trials: tuple[Trial, ...], *_: Any) -> tuple[TrialResult, ...]:
        del client, setup
        measured.append(trials)
        return tuple(result(trial, measurement()) for trial in trials)

    monkeypatch.setattr(harness.run.runner, "run_group", fake)
    record = run_trials(None, read_record(tmp_path / "run"), Terminal())  # type: ignore[arg-type]
    assert [trial for trials in measured for trial in trials] == list(header.plan.trials)
    assert record.pending() == () and [each.trial for each in record.superseded] == [first]
