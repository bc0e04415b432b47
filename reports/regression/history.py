"""The history: an append-only file with one line per run and per acknowledged change. Reads and writes it.

    history.jsonl   {"kind": "run", "schema": 1, "run": ..., "key fields": ..., "cells": {"target|place|metric": value, ...}}
                    {"kind": "accept", "schema": 1, "run": ..., "at": ..., "by": ..., "reason": ...}

A value is the geometric mean over a cell's valid trials: one sample per run. `pandas.read_json(path, lines=True)` reads the
file in one call. Two jobs may write at once: lines are appended to the end of a locked file, whole or not at all. A damaged
line is reported, and the other lines are read.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import pandas as pd
from msgspec import Struct

from harness.errors import RunError, UsageError
from harness.files import append_line
from harness.record.damage import DAMAGED
from harness.wording import counted
from reports.analysis.analysis import Analysis
from reports.analysis.cells import cells, parts_of
from reports.comparison.comparability import Key, content, fingerprint

SCHEMA = 1
#: Verdicts of a gate that keep a run out of the baseline.
NO_BASELINE = ("regressed", "invalid")


class HistoryEntry(Struct, frozen=True, tag="run", tag_field="kind"):
    """A run in the history. `trials`: the number of valid trials per cell. `invalid`: how many trials are not valid."""

    schema: int
    run: str
    started: str
    revision: str | None
    host: str
    image_set: str
    method: int
    content: str
    images: Mapping[str, str]
    cells: Mapping[str, float]
    trials: Mapping[str, int]
    planned: int
    invalid: int
    #: The verdict of a gate on the run; empty if there was no gate.
    verdict: str = ""

    @property
    def key(self) -> Key:
        return Key(self.host, self.image_set, self.method, self.content)


class Accept(Struct, frozen=True, tag="accept", tag_field="kind"):
    """An acknowledged change. Later runs are compared only with runs from `run` on."""

    schema: int
    run: str
    at: str
    by: str
    reason: str


class History(Struct, frozen=True):
    """Runs in order of their start, acknowledged changes, and a warning for each line that can't be read."""

    entries: tuple[HistoryEntry, ...]
    accepts: tuple[Accept, ...]
    warnings: tuple[str, ...]


class _Versioned(Struct, frozen=True):
    schema: int = 0


_LINE = msgspec.json.Decoder(HistoryEntry | Accept)
_VERSION = msgspec.json.Decoder(_Versioned)


def entry_of(analysis: Analysis, verdict: str = "") -> HistoryEntry:
    """The line of a run in the history. `verdict`: that of its gate."""
    run = analysis.run
    kept = cells(analysis)
    return HistoryEntry(
        schema=SCHEMA,
        run=run.id,
        started=run.started,
        revision=run.revision,
        host=fingerprint(run.host),
        image_set=run.image_set,
        method=run.method,
        content=content(run),
        images={name: image.id for name, image in run.images.items()},
        cells={cell.name: cell.mean for cell in kept},
        trials={cell.name: len(cell.values) for cell in kept},
        planned=len(run.plan.trials),
        invalid=len(analysis.not_valid) + len(analysis.pending),
        verdict=verdict,
    )


def append(path: Path, lines: Iterable[HistoryEntry | Accept]) -> tuple[HistoryEntry | Accept, ...]:
    """Appends the lines that the file does not have yet, and returns them. Raises RunError.

    A run that a gate has judged since is appended once more: of two lines of a run the judged one counts.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            there = parse(path.read_bytes(), path.name)
            every: tuple[HistoryEntry | Accept, ...] = (*there.entries, *there.accepts)
            known = {_identity(line): line for line in every}
            fresh = []
            for line in lines:
                if _says_more(line, known.get(_identity(line))):
                    known[_identity(line)] = line
                    fresh.append(line)
            if fresh:
                append_line(path, b"\n".join(map(msgspec.json.encode, fresh)))
            return tuple(fresh)
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room or set another file with --history") from None


def _identity(line: HistoryEntry | Accept) -> object:
    """By this, two lines are the same line when histories are merged."""
    return (line.run, line.host) if isinstance(line, HistoryEntry) else line


def _says_more(line: HistoryEntry | Accept, known: HistoryEntry | Accept | None) -> bool:
    """Whether a line says what a known one of the same run does not: a verdict, or another one."""
    if known is None:
        return True
    return isinstance(line, HistoryEntry) and isinstance(known, HistoryEntry) and line.verdict not in ("", known.verdict)


def read(path: Path) -> History:
    """Reads a history; it is empty if there is no file. Raises UsageError if the file can't be read at all."""
    try:
        return parse(path.read_bytes(), path.name)
    except FileNotFoundError:
        return History((), (), ())
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None


def parse(text: bytes, name: str) -> History:
    """Parses a history. A line that is damaged, not ours or of a newer schema becomes a warning; the others are read.

    Each run counts once, however often histories were merged: it is the last line of it with a verdict, or the last one.
    """
    entries: dict[object, HistoryEntry] = {}
    accepts: dict[Accept, None] = {}
    warnings: list[str] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            version = _VERSION.decode(line).schema
            if version > SCHEMA:
                warnings.append(
                    f"{name}, line {number}: schema {version} is newer than this fitmap reads ({SCHEMA}): skipped"
                )
                continue
            found = _LINE.decode(line)
        except DAMAGED as error:
            warnings.append(f"{name}, line {number}: not a line of a history ({error}): skipped")
            continue
        if isinstance(found, Accept):
            accepts[found] = None
            continue
        # Cells are compared by ratios. A line that was written by hand may hold values that have none.
        if min(found.cells.values(), default=1.0) <= 0:
            kept = {cell: value for cell, value in found.cells.items() if value > 0}
            first = next(cell for cell in found.cells if cell not in kept)
            lost = counted(len(found.cells) - len(kept), "value")
            warnings.append(f"{name}, line {number}: {lost} not above 0 left out ({first})")
            found = msgspec.structs.replace(found, cells=kept)
        if found.verdict or not getattr(entries.get(_identity(found)), "verdict", ""):
            entries[_identity(found)] = found
    ordered = sorted(entries.values(), key=lambda entry: (entry.started, entry.run))
    return History(tuple(ordered), tuple(accepts), tuple(warnings))


def series(history: History, key: Key, before: str | None = None) -> tuple[HistoryEntry, ...]:
    """The runs of a key since the last acknowledged change, oldest first. `before`: only runs that started earlier.

    The acknowledged run is the first of the new baseline. A run whose gate says regressed or invalid is not part of the
    baseline unless it is acknowledged: otherwise a regression that nobody fixes would be normal after some nights.
    """
    mine = [entry for entry in history.entries if entry.key == key and (before is None or entry.started < before)]
    accepted = {accept.run for accept in history.accepts}
    starts = [i for i, entry in enumerate(mine) if entry.run in accepted]
    since = mine[starts[-1] :] if starts else mine
    return tuple(entry for entry in since if entry.verdict not in NO_BASELINE or entry.run in accepted)


def table(history: History) -> pd.DataFrame:
    """A table with one row per run and cell, oldest run first."""
    rows = [
        (entry.run, entry.started, entry.host, entry.image_set, entry.method, entry.content, *parts_of(cell), value,
         entry.trials.get(cell, 0))
        for entry in history.entries
        for cell, value in entry.cells.items()
    ]  # fmt: skip
    columns = ["run", "started", "host", "image_set", "method", "content", "target", "place", "metric", "value", "trials"]
    return pd.DataFrame(rows, columns=columns)
