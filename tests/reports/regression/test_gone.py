"""What the baseline has and a run lacks is told: a target, a load, a single value."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from report_records import PROFILES, make_record

from harness.record.config import GateSection
from harness.record.measurement import Measurement
from harness.record.reader import Record, read_record
from harness.record.trial_result import TrialResult
from reports.analysis.analysis import Analysis, analyse
from reports.export.gate_markdown import gate_markdown
from reports.export.junit import junit_xml
from reports.regression.gate import decide
from reports.regression.gate_result import EvaluatedCell
from reports.regression.history import HistoryEntry, entry_of
from reports.regression.screening import judge

GATE = GateSection()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make_record(tmp_path_factory.mktemp("gone") / "record", targets=("go", "rust"), blocks=3, profiles=PROFILES)


@pytest.fixture(scope="module")
def past(both: Record) -> list[HistoryEntry]:
    entry = entry_of(analyse(both))
    return [msgspec.structs.replace(entry, run=f"run-{n:03}", started=f"2019-01-01T00:00:{n:02}") for n in range(12)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The next run, in which rust is gone."""
    return make_record(tmp_path_factory.mktemp("alone") / "record", targets=("go",), blocks=3, profiles=PROFILES)


def lost(judged: tuple[EvaluatedCell, ...]) -> list[EvaluatedCell]:
    return [cell for cell in judged if cell.now is None]


def named(record: Record, *targets: str) -> Analysis:
    """The record as of a run whose targets were named."""
    configuration = record.run.configuration
    run = msgspec.structs.replace(configuration.run, targets=targets)
    return analyse(
        msgspec.structs.replace(
            record, run=msgspec.structs.replace(record.run, configuration=msgspec.structs.replace(configuration, run=run))
        )
    )


def test_a_target_that_is_gone_does_not_pass(alone: Record, past: list[HistoryEntry]) -> None:
    judged = judge(analyse(alone), past, GATE, {})
    (cell,) = lost(judged)
    assert (cell.target, cell.state) == ("rust", "inconclusive")
    gate = decide(alone.run, judged, [], None)
    assert (gate.verdict, gate.exit_status) == ("inconclusive", 3)
    said = "rust: no value: inconclusive (run run-011 measured it, and this run did not: accept this run if that is meant)"
    assert said in gate.reasons
    assert "rust" in gate_markdown(gate) and b"rust" in junit_xml(gate)


def test_it_is_told_until_it_is_accepted(alone: Record, past: list[HistoryEntry]) -> None:
    """The first run without it is part of the baseline. The next one is told all the same."""
    without = msgspec.structs.replace(entry_of(analyse(alone)), run="without", started="2019-01-01T00:01:00")
    assert [cell.target for cell in lost(judge(analyse(alone), [*past, without], GATE, {}))] == ["rust"]
    # Once that run is accepted the baseline begins with it.
    assert lost(judge(analyse(alone), [without], GATE, {})) == []


def test_targets_that_a_user_left_out_are_named_and_do_not_fail(alone: Record, past: list[HistoryEntry]) -> None:
    judged = judge(named(alone, "go"), past, GATE, {})
    assert [(cell.target, cell.state) for cell in lost(judged)] == [("rust", "not judged")]
    assert decide(alone.run, judged, [], None).exit_status == 0


def test_a_value_that_is_gone_is_named_with_its_reason(both: Record, past: list[HistoryEntry]) -> None:
    """The kernel counted no CPU time of go under one load. Its other values are there."""

    def changed(result: TrialResult) -> TrialResult:
        whole = result.measurement
        if not isinstance(whole, Measurement) or (result.trial.target, result.trial.profile) != ("go", "cpu"):
            return result
        levels = tuple(
            msgspec.structs.replace(
                level,
                usage={**level.usage, "service": msgspec.structs.replace(level.usage["service"], cpu_seconds=0.0)},
            )
            if level.level == "saturate"
            else level
            for level in whole.levels
        )
        return msgspec.structs.replace(result, measurement=msgspec.structs.replace(whole, levels=levels))

    record = msgspec.structs.replace(both, results=tuple(changed(result) for result in both.results))
    judged = judge(analyse(record), past, GATE, {})
    (cell,) = lost(judged)
    assert (cell.cell, cell.state, cell.reason) == ("go|cpu@saturate|cpu", "not judged", "the counter did not move")
    gate = decide(record.run, judged, [], None)
    assert gate.exit_status == 0
    assert any("the counter did not move" in reason for reason in gate.reasons)


def test_a_route_whose_latencies_are_gone_is_named(
    both: Record, past: list[HistoryEntry], tmp_path: Path, cut: Callable[[Path], None]
) -> None:
    record = read_record(Path(shutil.copytree(both.folder, tmp_path / "record")))
    for path in (record.folder / "histograms").glob("*-go-db.hlog"):
        cut(path)
    judged = judge(analyse(record), past, GATE, {})
    (cell,) = lost(judged)
    assert cell.cell == "go|db@1000/s GET /products/{id}|p99"
    assert cell.reason == "the trial left no histogram of it"


@pytest.fixture
def cut() -> Callable[[Path], None]:
    """Cuts a histogram log off in the middle of its first line."""

    def half(path: Path) -> None:
        lines = path.read_text().splitlines(keepends=True)
        first = next(i for i, line in enumerate(lines) if line.startswith("Tag="))
        path.write_text("".join(lines[:first]) + lines[first][:60])

    return half
