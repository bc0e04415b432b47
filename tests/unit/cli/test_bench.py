"""What bench says at the end: what came out, why a target has no valid trial, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from synthetic import measurement, result, run

import harness.cli.bench
from harness.cli.bench import _finish
from harness.cli.live_page import LivePage
from harness.cli.terminal import Terminal
from harness.record.measurement import Missing
from harness.record.plan import Trial
from harness.record.reader import Record
from harness.record.trial_result import TrialResult

STEAL = "the hypervisor took {} of the CPUs (steal, limit 5%)"
Made = Callable[[Trial], TrialResult]


def valid(trial: Trial) -> TrialResult:
    return result(trial, measurement())


def disturbed(trial: Trial) -> TrialResult:
    """Rust's trials: the share of time taken differs from block to block."""
    if trial.target != "rust":
        return valid(trial)
    other = ("it did not settle",) if trial.block == 1 else ()
    return msgspec.structs.replace(
        valid(trial), verdict="unstable", problems=(*other, STEAL.format(f"{7 + trial.block}.5%"))
    )


def crashed(trial: Trial) -> TrialResult:
    return result(trial, Missing("it ended with status 1")) if trial.target == "rust" else valid(trial)


def finished(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], preset: str = "quick"
) -> tuple[int, str, list[str]]:
    """Exit status, standard output and the lines of standard error."""
    monkeypatch.setattr(harness.cli.bench, "write_report", lambda record, terminal: record.folder / "report.html")
    header = run()
    header = msgspec.structs.replace(header, plan=msgspec.structs.replace(header.plan, preset=preset))
    record = Record(Path("runs/1"), header, tuple(made(trial) for trial in header.plan.trials), ())
    with Terminal() as terminal:
        status = _finish(record, LivePage(terminal, opens=False), terminal)
    out, err = capsys.readouterr()
    return status, out, err.splitlines()


def test_a_run_ends_with_its_valid_trials_and_its_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, lines = finished(valid, monkeypatch, capsys)
    assert (status, out) == (0, "runs/1/report.html\n")
    assert lines == ["6 of 6 trials valid", "report: runs/1/report.html"]


def test_a_target_without_a_valid_trial_has_its_main_reason_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, lines = finished(disturbed, monkeypatch, capsys)
    first, advice, why, *last = lines
    assert status == 3
    assert first.startswith("rust on db: no trial is valid at every level (most often: the hypervisor took ")
    assert "fitmap doctor" in advice and "docs/guide/benchmark-machine.md" in advice
    assert why == "the report is complete; exit status 3: a target has no valid trial"
    assert last == ["3 of 6 trials valid", "report: runs/1/report.html"]


def test_a_trial_that_failed_gives_its_own_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, lines = finished(crashed, monkeypatch, capsys)
    assert "(most often: it ended with status 1)" in lines[0]


def test_smoke_says_that_its_figures_are_not_to_be_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, lines = finished(valid, monkeypatch, capsys, preset="smoke")
    assert (status, lines[0]) == (0, "smoke only checks that everything works: its figures are too short to compare")
