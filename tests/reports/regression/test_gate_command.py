"""`fitmap gate RECORD`, from record and history to the exit status. Nothing is measured again, and no engine is asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from report_records import PROFILES, make_record

from harness.cli import gate as command_module
from harness.cli.main import main
from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.regression.gate_result import EvaluatedCell, read_gate
from reports.regression.history import HistoryEntry, append, entry_of, read, series

IMAGE = "go||image"


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_module, "try_connect", lambda: None)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make_record(tmp_path_factory.mktemp("both") / "record", targets=("go", "rust"), blocks=3, profiles=PROFILES)


@pytest.fixture
def record(both: Record, tmp_path: Path) -> Path:
    return Path(shutil.copytree(both.folder, tmp_path / "record"))


@pytest.fixture
def entry(both: Record) -> HistoryEntry:
    return entry_of(analyse(both))


def earlier(entry: HistoryEntry, count: int = 12, **changes: object) -> list[HistoryEntry]:
    """Runs before a run, like it."""
    return [
        msgspec.structs.replace(entry, run=f"run-{n:03}", started=f"2019-01-01T00:00:{n:02}", **changes)
        for n in range(count)
    ]


def fitmap(capsys: pytest.CaptureFixture[str], history: Path, *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([words[0], "--history", str(history), *words[1:]])
    out, _ = capsys.readouterr()
    return int(ended.value.code or 0), out


def test_a_run_like_those_before_is_fine(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, record: Path, entry: HistoryEntry
) -> None:
    history = tmp_path / "history.jsonl"
    append(history, earlier(entry))
    assert fitmap(capsys, history, "gate", str(record))[0] == 0
    assert read(history).entries[-1].verdict == "fine"


def test_a_target_that_is_gone_is_inconclusive(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, entry: HistoryEntry
) -> None:
    history = tmp_path / "history.jsonl"
    append(history, earlier(entry))
    alone = make_record(tmp_path / "alone", targets=("go",), blocks=3, profiles=PROFILES)
    status, out = fitmap(capsys, history, "gate", str(alone.folder))
    assert status == 3
    assert "rust: no value: inconclusive (run run-011 measured it, and this run did not" in out


def test_a_run_that_was_added_first_is_no_baseline_once_it_regressed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, record: Path, entry: HistoryEntry
) -> None:
    history = tmp_path / "history.jsonl"
    smaller = {**entry.cells, IMAGE: entry.cells[IMAGE] / 2}
    append(history, earlier(entry, cells=smaller))
    assert "1 of 1 lines were new" in fitmap(capsys, history, "history", "add", str(record))[1]
    assert len(series(read(history), entry.key)) == 13
    assert fitmap(capsys, history, "gate", str(record))[0] == 1
    assert len(read(history).entries) == 13
    assert [each.run for each in series(read(history), entry.key)] == [f"run-{n:03}" for n in range(12)]


def test_a_series_that_begins_without_meaning_to_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, record: Path, entry: HistoryEntry
) -> None:
    """A route left a profile: nothing can be compared, and the gate passes as it does for the first run of all."""
    for changes, said in (
        ({"content": "other"}, "no earlier run measured the same (run run-011 had other profiles, routes"),
        ({"method": 1}, "no earlier run is of this machine, image set and method"),
    ):
        history = tmp_path / f"{'-'.join(changes)}.jsonl"
        append(history, earlier(entry, **changes))
        status, out = fitmap(capsys, history, "gate", str(record))
        assert (status, said in out) == (0, True)
        gate = read_gate(record)
        assert gate is not None and said in gate.reasons[0]
    empty = tmp_path / "empty.jsonl"
    assert "first of its series" not in fitmap(capsys, empty, "gate", str(record))[1]


def test_cells_with_different_bases_are_measured_one_base_after_the_other_and_corrected_together(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    both: Record,
    record: Path,
    entry: HistoryEntry,
) -> None:
    history = tmp_path / "history.jsonl"
    append(history, earlier(entry, images={}))
    judge, seen = command_module.judge, []
    bases = {"go|cpu@saturate|cpu": "run-002", "go|cpu@saturate|throughput": "run-009", "go|db@saturate|cpu": "run-002"}

    def flagged(*given: object) -> tuple[EvaluatedCell, ...]:
        return tuple(
            msgspec.structs.replace(cell, state="flagged", base=bases[cell.cell]) if cell.cell in bases else cell
            for cell in judge(*given)  # type: ignore[arg-type]
        )

    def again(_options: object, _record: object, base: HistoryEntry, cells: list[EvaluatedCell], _: object) -> Record:
        seen.append((base.run, sorted(cell.cell for cell in cells)))
        return both

    def confirmed(measured: list[tuple[list[EvaluatedCell], Analysis]]) -> tuple[EvaluatedCell, ...]:
        assert len(measured) == 2
        return tuple(msgspec.structs.replace(cell, state="not regressed") for cells, _ in measured for cell in cells)

    fakes: dict[str, Callable[..., object]] = {"judge": flagged, "_again": again, "confirmed": confirmed}
    for name, fake in {**fakes, "apart": lambda *_, **__: None, "gate_cells": lambda *_: ()}.items():
        monkeypatch.setattr(command_module, name, fake)
    assert fitmap(capsys, history, "gate", str(record))[0] == 0
    assert sorted(seen) == [
        ("run-002", ["go|cpu@saturate|cpu", "go|db@saturate|cpu"]),
        ("run-009", ["go|cpu@saturate|throughput"]),
    ]
    gate = read_gate(record)
    assert gate is not None and sorted((gate.base or "").split(", ")) == ["run-002", "run-009"]
