"""Writes the record of a run. docs/reference/record-format.md describes all files.

runs/<id>/run.json          the plan and everything about the machine, written before the first trial
runs/<id>/trials.jsonl      one line per finished trial, appended and flushed as soon as it has ended
runs/<id>/samples/<trial>.csv       counters over time
runs/<id>/histograms/<trial>.hlog   HdrHistogram log, one line per route, microseconds
runs/<id>/report.html       made from the rest
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import msgspec
from hdrh.histogram import HdrHistogram

from harness.errors import RunError
from harness.files import append_line, write_whole
from harness.record.histograms import HISTOGRAM_KINDS, LevelHistograms, tag
from harness.record.run import Run
from harness.record.samples import Sample
from harness.record.trial_result import TrialResult

_COUNTERS = ("cpu_ns", "memory_bytes", "inactive_file_bytes", "anonymous_bytes", "mapped_file_bytes")


class RecordWriter:
    """Writes the folder of a run. Every method raises RunError if the disk refuses, or the folder is gone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._began = (folder / "run.json").exists()

    def _refused(self, error: OSError) -> RunError:
        return RunError(
            f"{self.folder} can't be written ({error.strerror}): make room or set another folder with --runs; "
            "finished trials are kept, and `fitmap bench --resume` measures the rest"
        )

    def _check_there(self) -> None:
        """Without the header, what is written would be a second folder that is no record."""
        if self._began and not (self.folder / "run.json").exists():
            raise RunError(
                f"{self.folder} was moved or removed while the run went on: finished trials are where it is now. "
                "Move it back, and `fitmap bench --resume` measures the rest"
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
        self._check_there()
        try:
            append_line(self.folder / "trials.jsonl", msgspec.json.encode(result))
        except OSError as error:
            raise self._refused(error) from None

    def samples(self, trial_id: str, samples: Iterable[Sample]) -> None:
        self._check_there()
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("monotonic_ns", "role", *_COUNTERS))
        for sample in samples:
            # What is not known (None) becomes an empty cell.
            writer.writerow((sample.monotonic_ns, sample.role, *(getattr(sample.counters, name) for name in _COUNTERS)))
        try:
            write_whole(self.folder / "samples" / f"{trial_id}.csv", text.getvalue().encode())
        except OSError as error:
            raise self._refused(error) from None

    def histograms(self, trial_id: str, start_unix_seconds: float, levels: Iterable[LevelHistograms]) -> None:
        """Writes the histograms of all levels as an HdrHistogram log.

        The format is 1.3, that of HdrHistogram's own JHistogramLogWriter.

        Tags are level|kind|route, times seconds since `start_unix_seconds`.
        """
        self._check_there()
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
            write_whole(self.folder / "histograms" / f"{trial_id}.hlog", ("\n".join(lines) + "\n").encode())
        except OSError as error:
            raise self._refused(error) from None
