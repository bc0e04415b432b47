"""Reads records, and finds them."""

from __future__ import annotations

import math
import shlex
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.errors import RunError, UsageError
from harness.files import write_whole
from harness.record.damage import DAMAGED
from harness.record.garbage import uncollected
from harness.record.plan import Trial
from harness.record.run import SCHEMA, Run
from harness.record.trial_result import TrialResult
from harness.record.writer import RecordWriter


class Record(Struct, frozen=True):
    """A run as it was read.

    `warnings`: what could not be read. `superseded`: results of trials that were repeated; they do not count.
    """

    folder: Path
    run: Run
    results: tuple[TrialResult, ...]
    warnings: tuple[str, ...]
    superseded: tuple[TrialResult, ...] = ()

    def pending(self) -> tuple[Trial, ...]:
        """The trials of the plan that have no result yet, in the plan's order."""
        done = {result.trial.id for result in self.results}
        return tuple(trial for trial in self.run.plan.trials if trial.id not in done)


@uncollected()
def read_record(folder: Path) -> Record:
    """Reads and validates a record. Raises UsageError.

    A damaged line, such as the last one after the harness was killed, is left out with a warning. The error is raised if
    run.json is missing, invalid, or has another schema, and if trials.jsonl is there and can't be read.
    """
    path = folder / "run.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{folder} holds no record ({path.name}: {error.strerror}): `fitmap list` shows the records"
        ) from None
    warnings: list[str] = []
    try:
        data.decode()
    except UnicodeDecodeError:
        # All but these characters is as it was. Texts hold them, such as a comment in fitmap.toml.
        data = data.decode(errors="replace").encode()
        warnings.append(f"{path.name}: bytes that are not UTF-8 are shown as \ufffd")
    try:
        schema = msgspec.json.decode(data, type=_SchemaOnly).schema
        if schema != SCHEMA:
            raise UsageError(
                f"{path} has schema {schema}, but this version of fitmap reads {SCHEMA}: use the version that wrote it"
            )
        run = msgspec.json.decode(data, type=Run)
    except DAMAGED as error:
        raise UsageError(f"{path} is no valid record ({error}): restore it from a copy, or measure again") from None
    results: dict[str, TrialResult] = {}
    superseded: list[TrialResult] = []
    planned = {trial.id for trial in run.plan.trials}
    decode = msgspec.json.Decoder(TrialResult).decode
    for number, line in enumerate(_lines(folder / "trials.jsonl"), 1):
        try:
            result = decode(line)
        except DAMAGED as error:
            warnings.append(f"trials.jsonl line {number} is damaged and left out ({error})")
            continue
        if result.trial.id not in planned:
            warnings.append(f"trials.jsonl line {number}: trial {result.trial.id} is not in the plan")
        else:
            if earlier := results.get(result.trial.id):
                superseded.append(earlier)
            results[result.trial.id] = result
    return Record(folder, run, tuple(results.values()), tuple(warnings), tuple(superseded))


class _SchemaOnly(Struct):
    schema: int


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split(b"\n") if line]
    except FileNotFoundError:
        return []
    except OSError as error:
        # Without its trials the run would look as if nothing had been measured, and be measured again.
        raise UsageError(f"{path} can't be read: {error.strerror}") from None


def new_id(now: datetime, folder: Path) -> str:
    """The id of a run: its start in UTC, with a letter if two start in one second."""
    stem = now.strftime("%Y%m%dT%H%M%SZ")
    return next(name for name in (stem, *(f"{stem}{letter}" for letter in "bcdefgh")) if not (folder / name).exists())


def begin_record(runs: Path, run: Run) -> Record:
    """Makes the folder of a run. Raises RunError."""
    folder = runs / run.id
    RecordWriter(folder).begin(run)
    return read_record(folder)


class _Started(Struct):
    started: str = ""


def find_records(runs: Path) -> tuple[Path, ...]:
    """The folders of all records, by the start of their runs, oldest first. Those that can't be read come first.

    Folders may have any name: a record that was copied or unpacked is as old as its run.
    """
    return tuple(sorted((path.parent for path in runs.glob("*/run.json")), key=lambda folder: (_start(folder), folder.name)))


def _start(folder: Path) -> float:
    try:
        text = msgspec.json.decode((folder / "run.json").read_bytes(), type=_Started).started
        start = datetime.fromisoformat(text)
    except (OSError, ValueError, *DAMAGED):
        return -math.inf
    return (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()


def latest(runs: Path) -> Path:
    """The newest record's folder. Raises UsageError."""
    records = find_records(runs)
    if not records:
        raise UsageError(f"no record under {runs}: `fitmap bench` makes one")
    return records[-1]


def locate(runs: Path, given: str | None) -> Path:
    """The folder of a record by id or path; by default the newest. Raises UsageError."""
    if not given:
        return latest(runs)
    for candidate in (Path(given), runs / given):
        if (candidate / "run.json").exists():
            return candidate
    raise UsageError(f"no record at {given!r} or {shlex.quote(str(runs / given))}: `fitmap list` shows the records")


def check_space(runs: Path) -> None:
    """Raises RunError if the folder can't be written, before time is spent measuring."""
    try:
        probe = runs / ".probe"
        write_whole(probe, b"\0" * 1_000_000)
        probe.unlink()
    except OSError as error:
        raise RunError(f"{runs} can't be written ({error.strerror}): make room or set another folder with --runs") from None
