"""Faults of what a run left: damaged, moved, on a disk that refuses, or written by two at once. They need no engine.

Their moment is the report, or what comes after it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from faults import cut, zeroed
from hands import Undo, fill, read_only, small_disk
from report_records import make_record, renamed
from timed import timed

from harness.files import ROOT
from harness.record.reader import Record, read_record
from harness.record.trial_result import TrialResult
from reports.analysis.analysis import analyse
from reports.regression.history import read

pytestmark = pytest.mark.quick
MOMENT = "report"
SPACE = "No space left on device"
LOCKED = "Read-only file system"
WRITERS = 4
Disk = Callable[[Path], Undo]
DISKS = [pytest.param("full", fill, SPACE, id="full"), pytest.param("read-only", read_only, LOCKED, id="read-only")]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli.main", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fitmap(*arguments: object) -> tuple[int, str]:
    """The exit status of a command, and what it said."""
    process = start(*arguments)
    _, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    return process.returncode, said


def sentence(said: str) -> str:
    """The one sentence about a failure."""
    (found,) = [line for line in said.splitlines() if line.startswith("fitmap: ")]
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A record that nothing damaged."""
    return make_record(tmp_path_factory.mktemp("whole") / "runs" / "whole", targets=("rust", "go"))


@pytest.fixture
def record(whole: Record, tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    return renamed(whole, tmp_path / "runs" / "run", whole.run.id)


def trials(folder: Path) -> Mapping[str, TrialResult]:
    return {result.trial.id: result for result in read_record(folder).results}


def figures(record: Record) -> Mapping[tuple[str, str, str], object]:
    """Each figure of each valid trial."""
    return {
        (each.result.trial.id, each.load.id, metric): value
        for each in analyse(record).measured
        for metric, value in each.values.items()
        if isinstance(value, float)
    }


@pytest.mark.parametrize("how", [zeroed, cut])
def test_a_damaged_header_is_a_sentence_and_costs_no_trial(record: Path, how: Callable[[Path], None]) -> None:
    with timed(f"header of the record {WORDS[how]}", MOMENT):
        before = (record / "trials.jsonl").read_bytes()
        how(record / "run.json")
        status, said = fitmap("report", record)
        assert status == 2 and "run.json is no valid record" in sentence(said) and "restore it from a copy" in said
        assert (record / "trials.jsonl").read_bytes() == before


WORDS = {zeroed: "corrupted", cut: "truncated"}


@pytest.mark.parametrize("how", [zeroed, cut])
def test_damaged_trials_cost_their_own_lines_and_a_warning_counts_them(
    whole: Record, record: Path, how: Callable[[Path], None]
) -> None:
    with timed(f"trials of the record {WORDS[how]}", MOMENT):
        lines = (record / "trials.jsonl").read_bytes().count(b"\n")
        how(record / "trials.jsonl")
        status, said = fitmap("report", record)
        assert status == 0 and "is damaged and left out" in said
        expected = {result.trial.id: result for result in whole.results}
        left = trials(record)
        # Half of them were cut off, or one has the zeros.
        assert len(left) >= (lines - 1 if how is zeroed else lines // 2)
        assert all(result == expected[name] for name, result in left.items())
        assert figures(read_record(record)).items() <= figures(whole).items()


@pytest.mark.parametrize("how", [zeroed, cut])
@pytest.mark.parametrize("kind", ["samples", "histograms"])
def test_damaged_samples_and_histograms_change_no_figure(
    whole: Record, record: Path, kind: str, how: Callable[[Path], None]
) -> None:
    word = "corrupted or truncated" if kind == "samples" else WORDS[how]
    with timed(f"{kind} {word}", MOMENT):
        for path in (record / kind).iterdir():
            how(path)
        assert fitmap("report", record)[0] == 0
        assert trials(record) == {result.trial.id: result for result in whole.results}
        before, after = figures(whole), figures(read_record(record))
        assert after == before if kind == "samples" else after.items() <= before.items()


def test_a_record_that_was_moved_is_found_where_it_is(whole: Record, record: Path) -> None:
    with timed("record moved", MOMENT):
        moved = record.rename(record.parents[1] / "elsewhere")
        status, said = fitmap("--runs", record.parent, "report", "run")
        assert status == 2 and "`fitmap list` shows the records" in sentence(said)
        assert fitmap("report", moved)[0] == 0
        assert figures(read_record(moved)) == figures(whole)


@pytest.mark.parametrize(("word", "refuse", "words"), DISKS)
def test_a_history_on_a_disk_that_refuses_keeps_its_lines(
    whole: Record, record: Path, tmp_path: Path, word: str, refuse: Disk, words: str
) -> None:
    with timed(f"disk of the history {word}", MOMENT), small_disk(tmp_path / "disk"):
        history = tmp_path / "disk" / "history.jsonl"
        assert fitmap("history", "--history", history, "add", whole.folder)[0] == 0
        before = history.read_bytes()
        renamed(whole, tmp_path / "runs" / "second", "second")
        with contextlib.ExitStack() as stack:
            stack.callback(refuse(history.parent))
            status, said = fitmap("history", "--history", history, "add", tmp_path / "runs" / "second")
        assert status == 4 and words in sentence(said) and "make room or set another file" in said
        assert history.read_bytes() == before
        assert fitmap("history", "--history", history, "add", tmp_path / "runs" / "second")[0] == 0
        assert len(read(history).entries) == 2


@pytest.mark.parametrize(("word", "refuse", "words"), DISKS)
def test_a_site_on_a_disk_that_refuses_is_whole_after_the_next_time(
    whole: Record, record: Path, tmp_path: Path, word: str, refuse: Disk, words: str
) -> None:
    with timed(f"disk of the site {word}", MOMENT), small_disk(tmp_path / "disk"):
        history, site = tmp_path / "history.jsonl", tmp_path / "disk" / "site"
        assert fitmap("history", "--history", history, "add", whole.folder)[0] == 0
        publish = ("--runs", whole.folder.parent, "publish", site, "--history", history)
        with contextlib.ExitStack() as stack:
            stack.callback(refuse(site.parent))
            status, said = fitmap(*publish)
        assert status == 4 and words in sentence(said) and "publish again" in said
        assert fitmap(*publish)[0] == 0
        assert (site / "index.html").is_file()


def test_a_history_that_several_write_at_once_has_all_lines(whole: Record, tmp_path: Path) -> None:
    with timed("history written by two", MOMENT):
        history = tmp_path / "history.jsonl"
        folders = [renamed(whole, tmp_path / f"run-{number}", f"run-{number}") for number in range(WRITERS)]
        writing = [start("history", "--history", history, "add", folder) for folder in folders]
        for process in writing:
            _, said = process.communicate(timeout=120)
            assert process.returncode == 0, said
        found = read(history)
        assert sorted(entry.run for entry in found.entries) == [folder.name for folder in folders]
        assert not found.warnings
