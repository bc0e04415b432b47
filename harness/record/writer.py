"""Writes the record of a run. docs/reference/record-format.md describes all files.

runs/<id>/run.json          the plan and everything about the machine, written before the first trial
runs/<id>/trials.jsonl      one line per finished trial, appended and flushed as soon as it has ended
runs/<id>/samples/<trial>.csv       counters over time
runs/<id>/histograms/<trial>.hlog   HdrHistogram log, one line per route, microseconds
runs/<id>/report.html       made from the rest
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec
from hdrh.histogram import HdrHistogram

from harness.errors import RunError
from harness.files import write_whole
from harness.record.histograms import HISTOGRAM_KINDS, LevelHistograms, tag
from harness.record.run import Run
from harness.record.samples import Sample
from harness.record.trial_result import TrialResult

_SAMPLE_COLUMNS = (
    "monotonic_ns",
    "role",
    "cpu_ns",
    "memory_bytes",
    "inactive_file_bytes",
    "anonymous_bytes",
)


def _ends_with_newline(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


class RecordWriter:
    """Writes the folder of a run. Every method raises RunError if the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _refused(self, error: OSError) -> RunError:
        return RunError(
            f"{self.folder} can't be written ({error.strerror}): make room or set another folder with --runs; "
            "finished trials are kept, and `fitmap bench --resume` measures the rest"
        )

    def begin(self, run: Run) -> None:
        try:
            for name in ("samples", "histograms"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / "run.json", msgspec.json.format(msgspec.json.encode(run), indent=1))
            (self.folder / "trials.jsonl").touch()
        except OSError as error:
            raise self._refused(error) from None

    def append(self, result: TrialResult) -> None:
        """Appends a finished trial. It is on the disk when this returns."""
        try:
            with (self.folder / "trials.jsonl").open("ab+") as file:
                # A killed harness may have left half a line: the new one must not continue it.
                if file.tell() and not _ends_with_newline(file):
                    file.write(b"\n")
                file.write(msgspec.json.encode(result) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._refused(error) from None

    def samples(self, trial_id: str, samples: Iterable[Sample]) -> None:
        try:
            with (self.folder / "samples" / f"{trial_id}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(_SAMPLE_COLUMNS)
                for sample in samples:
                    c = sample.counters
                    writer.writerow(
                        (
                            sample.monotonic_ns,
                            sample.role,
                            c.cpu_ns,
                            c.memory_bytes,
                            c.inactive_file_bytes,
                            c.anonymous_bytes,
                        )
                    )
        except OSError as error:
            raise self._refused(error) from None

    def histograms(self, trial_id: str, start_unix_seconds: float, levels: Iterable[LevelHistograms]) -> None:
        """Writes the histograms of all levels as an HdrHistogram log.

        The format is 1.3, that of HdrHistogram's own JHistogramLogWriter.

        Tags are level|kind|route, times seconds since `start_unix_seconds`.
        """
        lines = [
            "#[Histogram log format version 1.3]",
            f"#[StartTime: {start_unix_seconds:.3f} (seconds since epoch)]",
            f"#[BaseTime: {start_unix_seconds:.3f} (seconds since epoch)]",
            '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
        ]
        for level in levels:
            for route in level.routes:
                for kind in HISTOGRAM_KINDS:
                    if encoded := getattr(route, kind):
                        highest = HdrHistogram.decode(encoded).get_max_value()
                        name = tag(level.level, kind, route.route)
                        lines.append(f"Tag={name},{level.start:.3f},{level.seconds:.3f},{highest:.3f},{encoded}")
        try:
            (self.folder / "histograms" / f"{trial_id}.hlog").write_text("\n".join(lines) + "\n", encoding="utf-8")
        except OSError as error:
            raise self._refused(error) from None
