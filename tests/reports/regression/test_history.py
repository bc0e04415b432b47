"""The history: nothing that was written is lost, whatever else happens to the file, and unlike runs never meet."""

from __future__ import annotations

import io
import multiprocessing
import random
import resource
import shutil
import time
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from report_records import make_record, renamed

from harness.cli.main import main
from harness.errors import RunError
from harness.record.reader import Record
from reports.analysis.analysis import analyse
from reports.analysis.cells import MetricInfo
from reports.regression.history import SCHEMA, Accept, History, HistoryEntry, append, entry_of, read, series
from reports.regression.screening import MIN_RUNS, screen, screen_cell

#: A cell whose noise nothing explains.
PLAIN = MetricInfo("anything", "microseconds", "lower")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make_record(tmp_path_factory.mktemp("history") / "record", targets=("go", "python"), blocks=3)


@pytest.fixture(scope="module")
def entry(record: Record) -> HistoryEntry:
    return entry_of(analyse(record))


def numbered(entry: HistoryEntry, number: int) -> HistoryEntry:
    return msgspec.structs.replace(entry, run=f"run-{number:05}", started=f"2026-01-01T00:00:00.{number:05}")


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_cell_is_the_geometric_mean_of_its_valid_trials(record: Record, entry: HistoryEntry) -> None:
    analysis = analyse(record)
    values = [m.values["throughput"] for m in analysis.measured if m.trial.target == "go" and m.load.id == "cpu@saturate"]
    numbers = [v for v in values if isinstance(v, float)]
    assert entry.cells["go|cpu@saturate|throughput"] == pytest.approx(pd.Series(numbers).prod() ** (1 / 3))
    assert entry.trials["go|cpu@saturate|throughput"] == 3


def test_what_is_damaged_foreign_or_newer_is_told_and_costs_nothing_else(tmp_path: Path, entry: HistoryEntry) -> None:
    path = tmp_path / "history.jsonl"
    append(path, [numbered(entry, 1)])
    good = path.read_bytes()
    newer = msgspec.json.encode(msgspec.to_builtins(numbered(entry, 2)) | {"schema": SCHEMA + 1, "kind": "run"})
    path.write_bytes(good + b"PK\x03\x04 not ours\n" + newer + b"\n" + good[: len(good) // 2])
    append(path, [numbered(entry, 3)])
    history = read(path)
    assert [e.run for e in history.entries] == ["run-00001", "run-00003"]
    assert len(history.warnings) == 3
    assert "line 2: not a line of a history" in history.warnings[0]
    assert f"schema {SCHEMA + 1} is newer" in history.warnings[1]
    assert "line 4" in history.warnings[2]


def test_lines_that_a_merge_doubled_count_once(tmp_path: Path, entry: HistoryEntry) -> None:
    """`git merge` with the driver `union` keeps the lines of both sides."""
    path = tmp_path / "history.jsonl"
    runs = [numbered(entry, number) for number in range(3)]
    accept = Accept(SCHEMA, "run-00001", "now", "someone", "a new JDK")
    append(path, [*runs, accept])
    path.write_bytes(path.read_bytes() * 2)
    history = read(path)
    assert history.entries == tuple(runs)
    assert history.accepts == (accept,)
    assert history.warnings == ()


def test_a_run_that_was_added_before_it_was_judged_gets_its_verdict(tmp_path: Path, entry: HistoryEntry) -> None:
    """Otherwise a run that regressed would stay part of the baseline."""
    path = tmp_path / "history.jsonl"
    append(path, [numbered(entry, number) for number in range(3)])
    judged = msgspec.structs.replace(numbered(entry, 2), verdict="regressed")
    assert append(path, [judged]) == (judged,)
    assert append(path, [judged, numbered(entry, 2)]) == ()
    assert [e.run for e in series(read(path), entry.key)] == ["run-00000", "run-00001"]
    # However the lines are ordered by a merge.
    path.write_bytes(b"\n".join(reversed(path.read_bytes().splitlines())) + b"\n")
    assert [e.run for e in series(read(path), entry.key)] == ["run-00000", "run-00001"]
    # Judged again, the last verdict counts.
    fine = msgspec.structs.replace(judged, verdict="fine")
    assert append(path, [fine]) == (fine,)
    assert len(series(read(path), entry.key)) == 3


def test_bytes_that_are_not_utf_8_cost_their_own_line(tmp_path: Path, entry: HistoryEntry) -> None:
    path = tmp_path / "history.jsonl"
    append(path, [numbered(entry, number) for number in range(3)])
    lines = path.read_bytes().splitlines()
    for bad in (b'"\xff"', b"[" * 100_000):
        path.write_bytes(b"\n".join((lines[0], lines[1].replace(b'"local"', bad), lines[2])) + b"\n")
        history = read(path)
        assert [e.run for e in history.entries] == ["run-00000", "run-00002"]
        (warning,) = history.warnings
        assert "line 2: not a line of a history" in warning
        # The file takes further lines.
        assert append(path, [numbered(entry, 1)])


def test_a_full_disk_takes_a_line_whole_or_not_at_all(tmp_path: Path, entry: HistoryEntry) -> None:
    path = tmp_path / "history.jsonl"
    append(path, [numbered(entry, 1)])
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What is beyond is refused in the middle of a write. For this part alone: pytest's output may be a file too.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(RunError, match="can't be written"):
            append(path, [numbered(entry, 2), numbered(entry, 3)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    # A job that was killed is another matter: it may leave half a line.
    path.write_bytes(before + b"half")
    assert len(append(path, [numbered(entry, 2), numbered(entry, 3)])) == 2
    history = read(path)
    assert [each.run for each in history.entries] == ["run-00001", "run-00002", "run-00003"]
    assert len(history.warnings) == 1 and path.read_bytes().count(b"\n") == 4


def test_a_value_that_no_ratio_can_be_made_of_is_told_and_left_out(tmp_path: Path, entry: HistoryEntry) -> None:
    cell = "go|cpu@saturate|throughput"
    path = tmp_path / "history.jsonl"
    runs = [numbered(entry, i) for i in range(MIN_RUNS + 1)]
    lines = [msgspec.structs.replace(run, cells={**run.cells, cell: 0.0}) if i == 3 else run for i, run in enumerate(runs)]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    history = read(path)
    assert len(history.entries) == len(lines)
    assert history.warnings == (f"history.jsonl, line 4: 1 value not above 0 left out ({cell})",)
    past = [run.cells for run in history.entries]
    assert screen_cell(cell, PLAIN, entry.cells, past, 0.05).runs == MIN_RUNS
    assert screen_cell("go|cpu@saturate|cpu", PLAIN, entry.cells, past, 0.05).runs == MIN_RUNS + 1


def _write(path: Path, entry: HistoryEntry, numbers: range) -> None:
    for number in numbers:
        append(path, [numbered(entry, number)])


def test_two_writers_at_once_lose_nothing(tmp_path: Path, entry: HistoryEntry) -> None:
    path = tmp_path / "history.jsonl"
    context = multiprocessing.get_context("fork")
    # Twenty of the runs are told by both, and kept once.
    jobs = [context.Process(target=_write, args=(path, entry, numbers)) for numbers in (range(60), range(100, 39, -1))]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    history = read(path)
    assert (len(history.entries), history.warnings) == (101, ())


def test_the_same_run_is_kept_once(tmp_path: Path, entry: HistoryEntry) -> None:
    path = tmp_path / "history.jsonl"
    assert len(append(path, [entry, entry])) == 1
    assert append(path, [entry]) == ()
    assert len(read(path).entries) == 1


def test_the_same_acknowledgement_is_kept_once_however_often_histories_are_merged(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    first = Accept(SCHEMA, "run-00001", "2026-01-01T00:00:00", "someone", "a new JDK")
    second = msgspec.structs.replace(first, at="2026-01-02T00:00:00")
    assert append(path, [first]) == (first,)
    assert append(path, [first, second, second]) == (second,)
    assert read(path).accepts == (first, second)


def test_runs_are_compared_within_one_key_and_since_the_last_acknowledged_change(entry: HistoryEntry) -> None:
    mine = [numbered(entry, i) for i in range(5)]
    strange = [
        msgspec.structs.replace(numbered(entry, 9), host="another"),
        msgspec.structs.replace(numbered(entry, 8), method=1),
    ]
    history = History((*mine, *strange), (Accept(SCHEMA, "run-00002", "now", "someone", "a new JDK"),), ())
    assert [e.run for e in series(history, entry.key)] == ["run-00002", "run-00003", "run-00004"]
    assert [e.run for e in series(history, entry.key, before=mine[4].started)] == ["run-00002", "run-00003"]


def test_pandas_reads_it_in_one_call_and_ten_thousand_runs_list_and_screen_in_two_seconds(
    tmp_path: Path, entry: HistoryEntry
) -> None:
    path = tmp_path / "history.jsonl"
    rng = random.Random(1)
    lines = []
    for number in range(10_000):
        cells = {cell: value * rng.uniform(0.97, 1.03) for cell, value in entry.cells.items()}
        lines.append(msgspec.json.encode(msgspec.structs.replace(numbered(entry, number), cells=cells)))
    path.write_bytes(b"\n".join(lines) + b"\n")
    begun = time.process_time()
    history = read(path)
    last = history.entries[-1]
    cells = [run.cells for run in series(history, last.key, before=last.started)]
    for cell in last.cells:
        assert screen_cell(cell, PLAIN, last.cells, cells, 0.05).runs == 30
    assert time.process_time() - begun < 2
    assert len(history.entries) == 10_000
    frame = pd.read_json(io.BytesIO(b"\n".join(lines[:100])), lines=True)
    assert len(frame) == 100


def test_a_screen_learns_then_flags_what_noise_does_not_explain() -> None:
    rng = random.Random(2)
    past = [100 * rng.lognormvariate(0, 0.02) for _ in range(MIN_RUNS - 1)]
    assert screen(past, 300.0, "lower", 0.05).learning
    past += [100 * rng.lognormvariate(0, 0.02) for _ in range(10)]
    assert screen(past, 112.0, "lower", 0.05).flagged
    assert not screen(past, 88.0, "lower", 0.05).flagged
    assert screen(past, 88.0, "higher", 0.05).flagged
    assert not screen(past, 103.0, "lower", 0.05).flagged
    # Beyond the noise, and below what anyone minds.
    quiet = [100 + 0.01 * i for i in range(20)]
    assert not screen(quiet, 104.0, "lower", 0.05).flagged


def test_noise_alone_is_flagged_no_more_often_than_the_interval_says() -> None:
    rng = random.Random(3)
    flagged = 0
    for _ in range(4000):
        values = [rng.lognormvariate(0, 0.03) for _ in range(21)]
        flagged += screen(values[:20], values[20], "lower", 0.0).flagged
    assert 0.002 < flagged / 4000 < 0.009


def test_from_a_record_to_a_list_a_table_and_an_acknowledgement(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, record: Record, entry: HistoryEntry
) -> None:
    at = ("history", "--history", str(tmp_path / "history.jsonl"))
    assert command(capsys, *at, "list")[1].startswith("no run in")
    assert "1 of 1 lines were new" in command(capsys, *at, "add", str(record.folder))[1]
    # A folder of records, as a CI artifact is unpacked; the record is known already.
    assert "0 of 1 lines were new" in command(capsys, *at, "add", str(record.folder.parent))[1]
    status, out, _ = command(capsys, *at, "list")
    assert (status, "12 of 12 trials valid" in out, "series 1" in out) == (0, True, True)
    assert "learning" in command(capsys, *at, "show")[1]
    frame = pd.read_csv(io.StringIO(command(capsys, *at, "export")[1]))
    assert len(frame) == len(entry.cells)
    assert "are the baseline now" in command(capsys, *at, "accept", entry.run, "--reason", "a new JDK")[1]
    assert "accepted: a new JDK" in command(capsys, *at, "list")[1]
    status, _, err = command(capsys, *at, "accept", "nothing", "--reason", "x")
    assert (status, "no run nothing" in err) == (2, True)
    # Another history is a source as well.
    other = ("history", "--history", str(tmp_path / "other.jsonl"))
    assert "2 of 2 lines were new" in command(capsys, *other, "add", str(tmp_path / "history.jsonl"))[1]


def test_a_comparison_shows_what_changed_and_refuses_unlike_records(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, record: Record
) -> None:
    same = str(renamed(record, tmp_path / "same", "another"))
    status, out, _ = command(capsys, "compare", str(record.folder), same, "--all")
    assert (status, "0 worse, 0 better" in out, "no difference shown" in out) == (0, True, True)
    longer = make_record(tmp_path / "longer", targets=("go", "python"), blocks=4)
    status, _, err = command(capsys, "compare", same, str(longer.folder))
    assert status == 2
    assert "can't be compared: something else was measured (blocks or times)" in err
    assert '"summary"' in command(capsys, "compare", str(record.folder), same, "--format", "json")[1]
    assert "| where |" in command(capsys, "compare", str(record.folder), same, "--format", "markdown", "--all")[1]


def test_a_run_is_not_compared_with_itself(capsys: pytest.CaptureFixture[str], tmp_path: Path, record: Record) -> None:
    """It would show no difference, whatever the noise is: the newest record is the default of the other side."""
    copy = shutil.copytree(record.folder, tmp_path / "a-copy")
    runs = ("--runs", str(tmp_path))
    for words in (
        ("compare", str(record.folder), str(record.folder)),
        ("compare", str(record.folder), str(copy)),
        ("compare", str(record.folder)),
        ("report", str(copy), "--baseline", str(record.folder)),
        ("repeatability", str(copy), str(record.folder)),
    ):
        status, _, err = command(capsys, *runs, *words)
        assert status == 2, words
        assert "is compared with itself: name another record" in err
    assert not (copy / "report.html").exists()
