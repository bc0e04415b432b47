"""A whole run: header, then one trial after the other, each appended to the record as soon as it has ended."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

import docker
from docker.errors import APIError

from harness.containers.builder import Image
from harness.containers.engine import Say
from harness.containers.images import ROOT
from harness.containers.lifecycle import clean
from harness.errors import EngineError, RunError, UsageError
from harness.evaluation.statements import read_contract
from harness.evaluation.validity import spoilt
from harness.host import machine
from harness.plan.config_file import Config
from harness.plan.levels import PROBE_SETTLE_SECONDS
from harness.plan.schedule import trials_seconds
from harness.plan.targets import BASE, folder_of
from harness.record.measurement import (
    Beside,
    BuildMeasurement,
    Calibration,
    Capacity,
    FloorMeasurement,
    LevelMeasurement,
    Measurement,
    Missing,
    ScaleMeasurement,
    ScalePoint,
    TrialResult,
)
from harness.record.plan import Plan, Target
from harness.record.writer import METHOD, SCHEMA, EngineRecord, ImageRecord, Record, RecordWriter, Run, read_record
from harness.run.description import source_lines
from harness.trials.context import Setup
from harness.trials.dispatch import run_trial
from loadtests.protocol.messages import Window

CONTRACT = ROOT / "services" / "contract"


def new_id(now: datetime, folder: Path) -> str:
    """A run's id: the second of its start, UTC; a letter behind it where two start in one second."""
    stem = now.strftime("%Y%m%dT%H%M%SZ")
    return next(name for name in (stem, *(f"{stem}{letter}" for letter in "bcdefgh")) if not (folder / name).exists())


def describe_run(
    client: docker.DockerClient,
    *,
    run_id: str,
    config: Config,
    configuration_text: str,
    command: Sequence[str],
    plan: Plan,
    targets: Mapping[str, Target],
    images: Mapping[str, Image],
    image_set: str,
    calibration: Calibration,
) -> Run:
    """Everything about a run that is known before its first trial."""
    server = client.version()
    checksum, database_version, settings = _ask_database_image(client, images["database"].id)
    return Run(
        schema=SCHEMA,
        method=METHOD,
        id=run_id,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        fitmap_version=version("fitmap"),
        revision=_revision(),
        command=tuple(command),
        configuration_text=configuration_text,
        configuration=config,
        plan=plan,
        targets=dict(targets),
        host=machine.describe(),
        engine=EngineRecord(
            name=str((server.get("Platform") or {}).get("Name") or "Docker Engine"),
            version=str(server["Version"]),
            api_version=str(server["ApiVersion"]),
            storage_driver=str(client.info().get("Driver")),
        ),
        image_set=image_set,
        images={name: ImageRecord(image.id, image.size_bytes) for name, image in sorted(images.items())},
        database_version=database_version,
        database_settings=settings,
        seed_checksum=checksum,
        calibration=calibration,
        source_lines={
            name: source_lines(ROOT / "services" / folder_of(name), target.sources)
            for name, target in targets.items()
            # What a base was made from is not here.
            if not name.endswith(BASE)
        },
    )


def _ask_database_image(client: docker.DockerClient, image_id: str) -> tuple[str, str, dict[str, str]]:
    """The seed's checksum, the server's version and its configuration, from the image that the trials will use."""
    script = "cat /opt/fitmap/checksum; postgres --version; cat /opt/fitmap/postgresql.conf"
    try:
        output = client.containers.run(
            image_id, entrypoint=["sh", "-c", script], network_mode="none", remove=True, read_only=True
        ).decode()
    except APIError as error:
        raise EngineError(f"the database image does not run: {error.explanation}") from None
    checksum, database_version, *lines = output.splitlines()
    pairs = (line.split("#")[0].partition("=") for line in lines)
    settings = {name.strip(): value.strip().strip("'") for name, mark, value in pairs if mark}
    return checksum, database_version, settings


def _revision() -> str | None:
    """The checkout's commit, with + where files differ from it; None outside a checkout."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def check_resumable(record: Record, images: Mapping[str, Image]) -> None:
    """Raises UsageError when what is measured now would not be what the record measured until now."""
    if record.run.method != METHOD:
        raise UsageError(
            f"run {record.run.id} was measured by method {record.run.method}, this is {METHOD}: start a new run"
        )
    if record.run.host.cpu_model != machine.describe().cpu_model:
        raise UsageError(f"run {record.run.id} began on another machine ({record.run.host.cpu_model}): start a new run")
    changed = [name for name, image in record.run.images.items() if name in images and images[name].id != image.id]
    if changed:
        raise UsageError(
            f"the images of {', '.join(changed)} have changed since run {record.run.id} began: start a new run, "
            "or check out what it was built from"
        )


def run_trials(client: docker.DockerClient, record: Record, say: Say, progress: Callable[[str, Window], None]) -> Record:
    """Run the pending trials of a record; the record as it is on disk afterwards.

    Raises EngineError, PortTaken, RunError; KeyboardInterrupt passes through. In all cases the containers of the trial
    under way are removed, and finished trials are on disk.
    """
    run = record.run
    writer = RecordWriter(record.folder)
    setup = Setup(
        run_id=run.id,
        plan=run.plan,
        config=run.configuration,
        images={name: image.id for name, image in run.images.items()},
        contract=read_contract(CONTRACT / "queries.toml"),
        calibration=run.calibration,
        targets=run.targets,
        image_set=run.image_set,
    )
    clean(client)
    pending = record.pending()
    total = len(run.plan.trials)
    expected = trials_seconds(run.plan, run.targets)
    begun, slower = time.monotonic(), 1.0
    for done, trial in enumerate(pending):
        left = slower * sum(expected[coming.id] for coming in pending[done:])
        place = f"[{total - len(pending) + done + 1}/{total}]"
        label = f"{place} {trial.target} {trial.profile}, {_minutes(left)} left"
        # What the machine spoilt is measured again on the spot, once: the last result of a trial counts, whatever it says.
        for again in ("", " again"):
            result = run_trial(client, setup, trial, writer, partial(progress, label))
            writer.append(result)
            say(f"{place} {trial.target} {trial.profile}{again}: {_summary(result)}")
            if not spoilt(result):
                break
        # Warm-ups are prolonged and engines differ: what is left takes as much longer as what is done did.
        slower = (time.monotonic() - begun) / sum(expected[past.id] for past in pending[: done + 1])
    return read_record(record.folder)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _summary(result: TrialResult) -> str:
    measured = result.measurement
    if isinstance(measured, Missing):
        return f"failed ({result.stage}: {measured.reason})"
    if not isinstance(measured, Measurement):
        parts = [_other_summary(measured)]
    else:
        parts = [_level_summary(level) for level in measured.levels]
    found = measured.capacity if isinstance(measured, Measurement) else None
    if isinstance(found, Capacity):
        high = "" if found.high is None else f" to {found.high:,.0f}"
        parts.append(f"capacity {found.low:,.0f}{high} requests/s, limit {found.limit}")
    text = f"{'; '.join(parts)}: {result.verdict}"
    return f"{text} ({'; '.join(result.problems)})" if result.problems else text


def _other_summary(measured: Beside) -> str:
    if isinstance(measured, FloorMeasurement):
        floor = measured.floor_mib
        found = floor.reason if isinstance(floor, Missing) else f"{floor} MiB"
        return f"memory floor at {measured.rate:g} requests/s {found}, {len(measured.probes)} probes"
    if isinstance(measured, ScaleMeasurement):
        return ", ".join(_point_summary(point) for point in measured.points)
    if isinstance(measured, BuildMeasurement):
        clean = f"clean build {measured.clean.seconds:,.1f} s, " if measured.clean else ""
        return f"{clean}rebuild {measured.rebuilt.seconds:,.1f} s, edit to running {measured.edit_to_running_seconds:,.1f} s"
    kinds = {"warm": False, "cold": True}
    ready = {word: [start.health_seconds for start in measured.starts if start.cold is cold] for word, cold in kinds.items()}
    return "start " + ", ".join(f"{word} {median(seconds):.3f} s" for word, seconds in ready.items() if seconds)


def _point_summary(point: ScalePoint) -> str:
    if isinstance(point.measured, Missing):
        return f"{point.count}: {point.measured.reason}"
    return f"{point.count}: {_level_summary(point.measured.levels[0])}"


def _level_summary(level: LevelMeasurement) -> str:
    requests = sum(route.requests for route in level.routes.values())
    cpu = level.usage["service"].cpu_seconds / max(requests, 1) * 1e6
    mean = sum(route.requests * route.mean_microseconds for route in level.routes.values()) / max(requests, 1)
    rate = requests / level.window_seconds
    return f"{level.level} {rate:,.0f} requests/s, mean {mean / 1000:,.2f} ms, {cpu:,.0f} us CPU, limit {level.bottleneck}"


def loaded_share(record: Record) -> float:
    """Which share of the wall time of trials of kind `load` was spent inside warm-up or measured windows (0 to 1)."""
    loads = [(r, r.measurement) for r in record.results if isinstance(r.measurement, Measurement)]
    loaded = sum(_loaded_seconds(measurement) for _, measurement in loads)
    wall = sum(result.wall_seconds for result, _ in loads)
    return loaded / wall if wall else 0.0


def _loaded_seconds(measurement: Measurement) -> float:
    levels = sum(level.warmup_seconds + level.window_seconds for level in measurement.levels)
    searched = measurement.capacity.probes if isinstance(measurement.capacity, Capacity) else ()
    return levels + sum(probe.seconds + PROBE_SETTLE_SECONDS for probe in searched)


def begin_record(runs: Path, run: Run) -> Record:
    """Make the run's folder. Raises RunError."""
    folder = runs / run.id
    RecordWriter(folder).begin(run)
    return read_record(folder)


def find_records(runs: Path) -> tuple[Path, ...]:
    """The folders of all records, oldest first."""
    return tuple(sorted(path.parent for path in runs.glob("*/run.json")))


def latest(runs: Path) -> Path:
    """The newest record's folder. Raises UsageError."""
    records = find_records(runs)
    if not records:
        raise UsageError(f"no record under {runs}: `fitmap bench` makes one")
    return records[-1]


def locate(runs: Path, given: str | None) -> Path:
    """A record's folder from an id, a path, or nothing (the newest). Raises UsageError."""
    if not given:
        return latest(runs)
    for candidate in (Path(given), runs / given):
        if (candidate / "run.json").exists():
            return candidate
    raise UsageError(f"no record at {given!r} or {shlex.quote(str(runs / given))}: `fitmap list` shows the records")


def check_space(runs: Path) -> None:
    """Raises RunError when the folder can't be made or written, before an hour is spent measuring."""
    try:
        runs.mkdir(parents=True, exist_ok=True)
        probe = runs / ".probe"
        probe.write_bytes(b"\0" * 1_000_000)
        probe.unlink()
    except OSError as error:
        raise RunError(f"{runs} can't be written ({error.strerror}): make room or set another folder with --runs") from None
