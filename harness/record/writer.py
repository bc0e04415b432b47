"""What a run leaves on disk: the only thing that both sides share. docs/reference/record-format.md tells it all.

runs/<id>/run.json          the plan and everything about the machine, written before the first trial
runs/<id>/trials.jsonl      one line a finished trial, appended and flushed as soon as it has ended
runs/<id>/samples/<trial>.csv       counters over time
runs/<id>/histograms/<trial>.hlog   HdrHistogram log, one line a route, microseconds
runs/<id>/report.html       made from the rest
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from msgspec import Struct

from harness.errors import RunError, UsageError
from harness.host.machine import Host
from harness.plan.config_file import Config
from harness.record.measurement import Calibration, Sample, TrialResult
from harness.record.plan import Plan, Target, Trial
from loadtests.protocol.histogram import new
from loadtests.protocol.messages import RouteResult

#: Changes when a reader of an older version would misread a record.
SCHEMA = 2
#: Changes when numbers move though nothing measured did (CHANGELOG, "Method"). Records of different methods never compare.
METHOD = 6


class ImageRecord(Struct, frozen=True):
    """An image that took part: the engine's id of it and its size."""

    id: str
    size_bytes: int


class EngineRecord(Struct, frozen=True):
    """The container engine."""

    name: str
    version: str
    api_version: str
    storage_driver: str


class Run(Struct, frozen=True):
    """run.json. `configuration_text` is fitmap.toml as it was (empty: there was none); `configuration` what came of it
    with preset and command line: what a resumed run goes on with, and what the report judges by.
    """

    schema: int
    method: int
    id: str
    started: str
    fitmap_version: str
    revision: str | None
    command: tuple[str, ...]
    configuration_text: str
    configuration: Config
    plan: Plan
    targets: Mapping[str, Target]
    host: Host
    engine: EngineRecord
    image_set: str
    images: Mapping[str, ImageRecord]
    database_version: str
    database_settings: Mapping[str, str]
    seed_checksum: str
    calibration: Calibration
    #: Target -> lines of code. Empty in records of before they were counted.
    source_lines: Mapping[str, int] = {}


_SAMPLE_COLUMNS = (
    "monotonic_ns",
    "role",
    "cpu_ns",
    "memory_bytes",
    "inactive_file_bytes",
    "anonymous_bytes",
)


def _write_atomically(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(path.suffix + ".part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _ends_with_newline(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


class RecordWriter:
    """Writes a run's folder. Every method raises RunError when the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _refused(self, error: OSError) -> RunError:
        return RunError(
            f"{self.folder} can't be written ({error.strerror}): make room or set another folder with --runs; "
            "trials that were finished are kept, `fitmap bench --resume` goes on"
        )

    def begin(self, run: Run) -> None:
        try:
            for name in ("samples", "histograms"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            _write_atomically(self.folder / "run.json", msgspec.json.format(msgspec.json.encode(run), indent=1))
            (self.folder / "trials.jsonl").touch()
        except OSError as error:
            raise self._refused(error) from None

    def append(self, result: TrialResult) -> None:
        """Append a finished trial; it is on the disk when this returns."""
        try:
            with (self.folder / "trials.jsonl").open("ab+") as file:
                # A killed harness may have left half a line, which must not swallow this one.
                if file.tell() and not _ends_with_newline(file):
                    file.write(b"\n")
                file.write(msgspec.json.encode(result) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._refused(error) from None

    def samples(self, trial_id: str, samples: Iterable[Sample]) -> None:
        try:
            with (self.folder / "samples" / f"{trial_id}.csv").open("w", newline="") as file:
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
        """The histograms of all levels as an HdrHistogram log (format 1.3 of HdrHistogram's own JHistogramLogWriter).

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
            (self.folder / "histograms" / f"{trial_id}.hlog").write_text("\n".join(lines) + "\n")
        except OSError as error:
            raise self._refused(error) from None


class LevelHistograms(Struct, frozen=True):
    """A level's histograms with the time of its window: `start` in seconds since the trial's load began."""

    level: str
    start: float
    seconds: float
    routes: tuple[RouteResult, ...]


HISTOGRAM_KINDS = ("response", "service", "lag")


def tag(level: str, kind: str, route: str) -> str:
    """The tag of a histogram in the log, which may hold neither space nor comma."""
    return f"{level}|{kind}|{route}".replace(" ", ":")


class Record(Struct, frozen=True):
    """A run as read back. `complaints`: what of the folder could not be read, in words. `superseded`: what came of trials
    before they were measured again, which does not count.
    """

    folder: Path
    run: Run
    results: tuple[TrialResult, ...]
    complaints: tuple[str, ...]
    superseded: tuple[TrialResult, ...] = ()

    def pending(self) -> tuple[Trial, ...]:
        """The trials of the plan that have no result yet, in the plan's order."""
        done = {result.trial.id for result in self.results}
        return tuple(trial for trial in self.run.plan.trials if trial.id not in done)


def read_record(folder: Path) -> Record:
    """Read and validate a record. A damaged last line (a harness that was killed) is left out and named.

    Raises UsageError when run.json is missing, of another schema, or invalid.
    """
    path = folder / "run.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{folder} holds no record ({path.name}: {error.strerror}): `fitmap list` shows the records"
        ) from None
    try:
        schema = msgspec.json.decode(data, type=_SchemaOnly).schema
        if schema != SCHEMA:
            raise UsageError(f"{path} has schema {schema}, this fitmap reads {SCHEMA}: use the fitmap that wrote it")
        run = msgspec.json.decode(data, type=Run)
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path} is no valid record: {error}") from None
    results: dict[str, TrialResult] = {}
    superseded: list[TrialResult] = []
    complaints: list[str] = []
    planned = {trial.id for trial in run.plan.trials}
    for number, line in enumerate(_lines(folder / "trials.jsonl"), 1):
        try:
            result = msgspec.json.decode(line, type=TrialResult)
        except msgspec.MsgspecError as error:
            complaints.append(f"trials.jsonl line {number} is damaged and left out ({error})")
            continue
        if result.trial.id not in planned:
            complaints.append(f"trials.jsonl line {number}: trial {result.trial.id} is not in the plan")
        else:
            if earlier := results.get(result.trial.id):
                superseded.append(earlier)
            results[result.trial.id] = result
    return Record(folder, run, tuple(results.values()), tuple(complaints), tuple(superseded))


class _SchemaOnly(Struct):
    schema: int


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split(b"\n") if line]
    except OSError:
        return []


def read_histograms(folder: Path, trial_id: str) -> dict[str, HdrHistogram]:
    """Tag (level|kind|route) -> histogram of a measured window, microseconds. Empty where there is none."""
    path = folder / "histograms" / f"{trial_id}.hlog"
    if not path.exists():
        return {}
    reader = HistogramLogReader(str(path), new())
    found: dict[str, HdrHistogram] = {}
    while histogram := reader.get_next_interval_histogram():
        found[histogram.get_tag()] = histogram
    reader.close()
    return found
