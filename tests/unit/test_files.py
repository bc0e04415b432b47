"""A file is written whole or not at all."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from synthetic import measurement, result, run

from harness.errors import RunError
from harness.files import ROOT, append_line, write_whole
from harness.record.histograms import LevelHistograms
from harness.record.reader import check_space
from harness.record.samples import Counters, Sample
from harness.record.writer import RecordWriter


def test_the_root_is_the_checkout() -> None:
    assert (ROOT / "pyproject.toml").is_file()


def test_the_new_content_replaces_the_old_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupt_leaves_the_old_content_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", b"old")

    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@contextmanager
def small_disk() -> Iterator[None]:
    """No file may be longer than 1,000 bytes: what is beyond is refused in the middle of a write.

    For a part of a test alone: the output of pytest may be a file too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_takes_a_file_or_a_line_whole_or_not_at_all(tmp_path: Path) -> None:
    file, lines = tmp_path / "file", tmp_path / "lines"
    write_whole(file, b"old")
    append_line(lines, b"a" * 899)
    with small_disk():
        with pytest.raises(OSError, match="too large"):
            write_whole(file, b"new" * 1000)
        with pytest.raises(OSError, match="too large"):
            append_line(lines, b"b" * 500)
        assert lines.stat().st_size == 900
        append_line(lines, b"c" * 99)
    assert (file.read_bytes(), lines.read_bytes()) == (b"old", b"a" * 899 + b"\n" + b"c" * 99 + b"\n")
    assert set(tmp_path.iterdir()) == {file, lines}


def test_a_trial_that_a_full_disk_refuses_leaves_no_half_and_the_probe_goes(tmp_path: Path) -> None:
    with small_disk(), pytest.raises(RunError, match="can't be written"):
        check_space(tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []
    writer = RecordWriter(tmp_path)
    (tmp_path / "samples").mkdir()
    (tmp_path / "histograms").mkdir()
    sample = Sample(0, "service", Counters(0, 0, 0, 0, None, None, None))
    with small_disk(), pytest.raises(RunError, match="can't be written"):
        writer.samples("1", [sample] * 1000)
    writer.histograms("1", 0.0, [LevelHistograms("saturate", 0.0, 1.0, ())])
    with small_disk(), pytest.raises(RunError, match="can't be written"):
        writer.append(result(run().plan.trials[0], measurement()))
    assert (tmp_path / "trials.jsonl").read_bytes() == b""
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"trials.jsonl", "1.hlog"}


def test_a_line_does_not_continue_the_half_that_a_killed_process_left(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"half")
    append_line(tmp_path / "lines", b"whole")
    append_line(tmp_path / "lines", b"next")
    assert (tmp_path / "lines").read_bytes() == b"half\nwhole\nnext\n"


def test_a_disk_that_refuses_leaves_the_old_content_and_no_half_of_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
