"""Bytes that no writer of ours wrote: each costs its own line, and a warning tells which."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from synthetic import measurement, result, run

from harness.cli.settings import request
from harness.errors import UsageError
from harness.record.histograms import read_encoded
from harness.record.reader import read_record
from harness.record.writer import RecordWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record whose configuration has a comment."""
    folder = tmp_path / "run"
    writer = RecordWriter(folder)
    writer.begin(msgspec.structs.replace(run(), configuration_text="# a machine in Zurich\n"))
    for trial in run().plan.trials[:3]:
        writer.append(result(trial, measurement()))
    return folder


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80"])
def test_a_header_with_bytes_that_are_not_utf_8_is_read_and_told(folder: Path, bad: bytes) -> None:
    path = folder / "run.json"
    path.write_bytes(path.read_bytes().replace(b"Zurich", b"Z" + bad + b"rich"))
    record = read_record(folder)
    assert "\ufffd" in record.run.configuration_text
    assert len(record.results) == 3
    assert record.warnings == ("run.json: bytes that are not UTF-8 are shown as \ufffd",)


@pytest.mark.parametrize("bad", [b'"\xff"', b"[" * 100_000, b"\0\0\0\0", b"1e999"])
def test_a_trial_with_bytes_that_are_no_json_costs_its_own_line(folder: Path, bad: bytes) -> None:
    path = folder / "trials.jsonl"
    lines = path.read_bytes().splitlines()
    lines[1] = lines[1].replace(b'"wall_seconds":25.0', b'"wall_seconds":' + bad)
    path.write_bytes(b"\n".join(lines) + b"\n")
    record = read_record(folder)
    assert [r.trial for r in record.results] == [run().plan.trials[0], run().plan.trials[2]]
    (warning,) = record.warnings
    assert "line 2 is damaged" in warning


@pytest.mark.parametrize("bad", [b'{"schema":2,"method":"\xff', b"[" * 100_000, b'{"schema":' + b"[" * 100_000])
def test_a_header_that_can_not_be_read_is_one_sentence(folder: Path, bad: bytes) -> None:
    (folder / "run.json").write_bytes(bad)
    with pytest.raises(UsageError, match="is no valid record"):
        read_record(folder)


def test_trials_that_can_not_be_read_are_not_taken_for_none(folder: Path) -> None:
    """A resumed run would measure all of them again."""
    (folder / "trials.jsonl").unlink()
    (folder / "trials.jsonl").mkdir()
    with pytest.raises(UsageError, match=r"trials\.jsonl can't be read"):
        read_record(folder)


@pytest.mark.parametrize(
    "bad", [b"Tag=", b"Tag=level", b"Tag=level|response", b"Tag=,", b"\xff\xfe", b"Tag=\xff|response|x,1,2,3,HIST", b"\0"]
)
def test_a_line_of_a_histogram_log_that_is_none_costs_no_other(folder: Path, bad: bytes) -> None:
    good = b"Tag=saturate|response|GET:/ping,0.000,1.000,3.000,HISTFAAA"
    (folder / "histograms" / "1.hlog").write_bytes(b"\n".join((b"#[head]", bad, good, bad)))
    assert read_encoded(folder, "1", "response")["saturate|response|GET:/ping"] == "HISTFAAA"


@pytest.mark.parametrize("zeros", [1, 8, 30, 45, 59, 60, 64, 70])
def test_no_block_of_zeros_gives_a_route_the_histogram_of_another(folder: Path, zeros: int) -> None:
    """A line whose end is gone runs into the next one."""
    line = b"Tag=saturate|response|GET:/p%cng,0.000,1.000,3.000,%s\n"
    lines = line % (b"i", b"HISTFIRST") + line % (b"o", b"HISTSECOND")
    for begin in range(len(lines) - zeros):
        (folder / "histograms" / "1.hlog").write_bytes(lines[:begin] + b"\0" * zeros + lines[begin + zeros :])
        first = read_encoded(folder, "1", "response").get("saturate|response|GET:/ping", "")
        assert "SECOND" not in first


def test_a_command_line_with_bytes_that_are_not_utf_8_can_be_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Python keeps such bytes as lone surrogates, and no file can hold these."""
    monkeypatch.setattr("sys.argv", ["fitmap", "bench", "--runs", "caf\udce9"])
    options = type("Options", (), {"config": None, "runs": tmp_path})()
    command = request(options).command  # type: ignore[arg-type]
    assert command[-1] == "caf\ufffd"
    msgspec.json.encode(command)
