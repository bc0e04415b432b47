"""The record: what is appended is there, what is damaged is named, nothing else is lost."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hdrh.histogram import HdrHistogram
from synthetic import measurement, result, run

from harness.errors import RunError, UsageError
from harness.record.histograms import LevelHistograms, read_histograms
from harness.record.measurement import Missing
from harness.record.reader import find_records, latest, locate, read_record
from harness.record.writer import RecordWriter
from loadtests.protocol.messages import RouteResult


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    RecordWriter(tmp_path / "run").begin(run())
    return tmp_path / "run"


def test_a_new_record_is_read_back_as_it_was_written(folder: Path) -> None:
    record = read_record(folder)
    assert record.run == run()
    assert record.results == ()
    assert record.pending() == run().plan.trials


def test_an_appended_result_is_read_back_and_no_longer_pending(folder: Path) -> None:
    trial = run().plan.trials[0]
    RecordWriter(folder).append(result(trial, measurement()))
    record = read_record(folder)
    assert record.results == (result(trial, measurement()),)
    assert trial not in record.pending()


def test_a_record_that_was_moved_gets_no_second_folder(folder: Path) -> None:
    """It would hold what was measured after the move, and be no record."""
    first, second = run().plan.trials[:2]
    writer = RecordWriter(folder)
    writer.append(result(first, measurement()))
    moved = folder.rename(folder.with_name("moved"))
    for write in (
        lambda: writer.samples(second.id, ()),
        lambda: writer.histograms(second.id, 0.0, ()),
        lambda: writer.append(result(second, measurement())),
    ):
        with pytest.raises(RunError, match="was moved or removed while the run went on.* Move it back"):
            write()
    assert not folder.exists()
    assert [r.trial for r in read_record(moved).results] == [first]


def test_a_failed_trial_keeps_its_reason_and_has_no_numbers(folder: Path) -> None:
    RecordWriter(folder).append(result(run().plan.trials[0], Missing("the service ended by itself")))
    (read,) = read_record(folder).results
    assert read.verdict == "failed"
    assert isinstance(read.measurement, Missing)
    assert read.measurement.reason == "the service ended by itself"


def test_a_line_cut_off_by_a_kill_is_named_and_the_rest_is_kept(folder: Path) -> None:
    first, second = run().plan.trials[:2]
    RecordWriter(folder).append(result(first, measurement()))
    RecordWriter(folder).append(result(second, measurement()))
    path = folder / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-200])
    record = read_record(folder)
    assert [r.trial for r in record.results] == [first]
    assert second in record.pending()
    assert "line 2 is damaged" in record.warnings[0]


def test_a_result_after_a_damaged_line_is_not_swallowed_by_it(folder: Path) -> None:
    """A killed harness leaves half a line; the resumed one appends behind it."""
    first, second = run().plan.trials[:2]
    (folder / "trials.jsonl").write_bytes(b'{"trial": {"id": "half')
    RecordWriter(folder).append(result(second, measurement()))
    record = read_record(folder)
    assert [r.trial for r in record.results] == [second]
    assert first in record.pending()


def test_another_schema_is_refused_with_what_to_do(folder: Path) -> None:
    value = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**value, "schema": 99}))
    with pytest.raises(UsageError, match="schema 99"):
        read_record(folder)


def test_an_invalid_header_is_refused_with_the_place(folder: Path) -> None:
    value = json.loads((folder / "run.json").read_text())
    value["plan"]["seed"] = "one"
    (folder / "run.json").write_text(json.dumps(value))
    with pytest.raises(UsageError, match=r"plan\.seed"):
        read_record(folder)


def test_a_folder_without_a_record_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fitmap list"):
        read_record(tmp_path)


def test_the_newest_record_is_that_of_the_last_run_whatever_its_folder_is_called(tmp_path: Path) -> None:
    """A record that was unpacked from an artifact, or copied to be kept."""
    for name, started in (
        ("zebra", "2026-01-01T00:00:00+00:00"),
        ("aardvark", "2026-01-03T00:00:00+00:00"),
        ("20260102T000000Z", "2026-01-02T23:30:00-02:00"),
    ):
        RecordWriter(tmp_path / name).begin(msgspec.structs.replace(run(), id=name, started=started))
    (tmp_path / "zzz").mkdir()
    (tmp_path / "zzz" / "run.json").write_bytes(b"\xff")
    assert [path.name for path in find_records(tmp_path)] == ["zzz", "zebra", "aardvark", "20260102T000000Z"]
    assert latest(tmp_path).name == "20260102T000000Z"
    assert locate(tmp_path, None).name == "20260102T000000Z"


def test_a_full_disk_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="No space left on device.*make room"):
        RecordWriter(folder).append(result(run().plan.trials[0], measurement()))


def test_histograms_are_standard_logs_with_a_tag_per_route(folder: Path) -> None:
    histogram = HdrHistogram(1, 60_000_000, 3)
    for value in (100, 200, 300):
        histogram.record_value(value)
    encoded = histogram.encode().decode()
    routes = (
        RouteResult("GET /products/{id}", 3, 3, 0, 0, 0, 0, 600, encoded, lag=encoded),
        RouteResult("POST /orders", 0, 0, 0, 0, 0, 0, 0, ""),
    )
    RecordWriter(folder).histograms("001-go-db", 1000.0, [LevelHistograms("500/s", 3.0, 12.0, routes)])
    read = read_histograms(folder, "001-go-db")
    assert list(read) == ["500/s|response|GET:/products/{id}", "500/s|lag|GET:/products/{id}"]
    assert [histogram.get_total_count() for histogram in read.values()] == [3, 3]
    assert read_histograms(folder, "no-such-trial") == {}
