"""`fitmap bench` on the engine: containers start, are measured, and are removed, whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import docker
import msgspec
import pytest
from synthetic import run

from harness.cli.terminal import Terminal
from harness.containers.builder import build_all
from harness.containers.engine import connect
from harness.containers.images import Build, project_tag
from harness.containers.lifecycle import leftovers
from harness.errors import ImageError
from harness.record.measurement import Missing
from harness.record.plan import Trial
from harness.record.reader import begin_record, read_record
from harness.record.run import ImageRecord
from harness.run.progress import Position
from harness.run.runner import measure

FITMAP = [sys.executable, "-m", "harness.cli.main"]
# Ports of its own, so that it does not disturb a `fitmap bench` on the same machine.
CONFIG = """
[ports]
service = 24080
database = 24432
[generator]
port = 24557
[timing]
blocks = 2
together = 1
rounds = 4
warmup_seconds = 2
warmup_limit_seconds = 2
"""

#: One target with its twin at one load: a group takes ten seconds.
BRIEF = ("--target", "go", "--profile", "cpu", "--level", "saturate")


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    config = tmp_path / "fitmap.toml"
    config.write_text(CONFIG)
    return [*FITMAP, "--config", str(config), "--runs", str(tmp_path / "runs"), "bench"]


@pytest.fixture(autouse=True)
def nothing_is_left(client: docker.DockerClient) -> Iterator[None]:
    yield
    assert [container.name for container, _ in leftovers(client)] == []


def finished_trials(runs: Path) -> int:
    return sum(len(read_record(path.parent).results) for path in runs.glob("*/run.json"))


def wait_for_load(client: docker.DockerClient, runs: Path, trials: int) -> None:
    """Waits until `trials` are finished and the services of the next group run, which start last: Go and its twin."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        running = [c for c in client.containers.list() if c.labels.get("fitmap") == "service"]
        # Not the containers of the calibration, which comes first.
        services = [c for c in running if c.labels.get("fitmap.run") != "instruments"]
        if finished_trials(runs) >= trials and len(services) > 1:
            time.sleep(1.0)
            return
        time.sleep(0.1)
    raise AssertionError("no trial was under load within 120 s")


def run_dir(runs: Path) -> Path:
    (header,) = runs.glob("*/run.json")
    return header.parent


def test_a_run_measures_every_trial_and_writes_a_report_and_a_record_for_strangers(
    command: list[str], tmp_path: Path
) -> None:
    options = ("--target", "go", "--level", "saturate", "--blocks", "1")
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    record = read_record(run_dir(tmp_path / "runs"))
    verdicts = {(r.trial.profile, r.verdict) for r in record.results}
    assert {("cpu", "valid"), ("db", "valid")} <= verdicts, [r.problems for r in record.results]
    # A noisy neighbour may disturb the slices of one of the two. That is a verdict, not a fault.
    assert {verdict for _, verdict in verdicts} <= {"valid", "unstable"} and len(record.results) == 4
    assert {result.trial.target for result in record.results} == {"go", "go-twin"}
    report = Path(done.stdout.strip())
    assert report.is_file() and report.parent == record.folder
    for result in record.results:
        assert not isinstance(result.measurement, Missing)
        for level in result.measurement.levels:
            assert all(count.executed == count.expected for count in level.statements if count.expected)
    for result in record.results:
        if result.trial.profile == "db":
            assert not isinstance(result.measurement, Missing)
            assert all(any(count.expected for count in level.statements) for level in result.measurement.levels)
    # docs/reference/record-format.md promises plain JSON lines, CSV and HdrHistogram logs.
    line, *_ = (record.folder / "trials.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(line)["trial"]["target"] == "go"
    (samples,) = (record.folder / "samples").glob("*-go-db.csv")
    assert samples.read_text().startswith("monotonic_ns,role,cpu_ns,memory_bytes")
    (log,) = (record.folder / "histograms").glob("*-go-db.hlog")
    assert log.read_text().startswith("#[Histogram log format version 1.3]")


def test_ctrl_c_and_a_kill_lose_nothing_leave_nothing_and_resume_completes(
    client: docker.DockerClient, command: list[str], tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    process = subprocess.Popen(
        [*command, *BRIEF],
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets background processes ignore this signal, and their children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    # The first group may end meanwhile. The second one may not: it is what Ctrl-C has to meet.
    wait_for_load(client, runs, trials=0)
    second = subprocess.run([*command, *BRIEF], capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 4
    assert "another run is measuring" in second.stderr
    wait_for_load(client, runs, trials=2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "--resume" in err and "Traceback" not in err
    assert [container.name for container, _ in leftovers(client)] == []
    first = read_record(run_dir(runs)).results
    assert len(first) == 2

    process = subprocess.Popen([*command, "--resume"], stderr=subprocess.DEVNULL)
    wait_for_load(client, runs, trials=2)
    process.kill()
    process.wait()
    # Two services, two databases, one load generator, and the one that shows the run to others.
    assert [state for _, state in leftovers(client)] == ["gone"] * 6
    cleaned = subprocess.run([*FITMAP, "clean"], capture_output=True, text=True, check=True)
    assert cleaned.stdout == "removed 6 containers\n"
    assert [container.name for container, _ in leftovers(client)] == []
    assert read_record(run_dir(runs)).results == first

    resumed = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=300, check=False)
    assert resumed.returncode == 0, resumed.stderr
    after = read_record(run_dir(runs))
    assert (len(after.results), after.results[:2]) == (4, first)
    assert after.pending() == ()


@pytest.mark.beside
def test_sigterm_ends_a_run_as_ctrl_c_does(client: docker.DockerClient, command: list[str], tmp_path: Path) -> None:
    process = subprocess.Popen([*command, *BRIEF], stderr=subprocess.PIPE, text=True)
    wait_for_load(client, tmp_path / "runs", trials=0)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    (line,) = [line for line in err.splitlines() if line.startswith("fitmap: ")]
    assert "finished trials are kept" in line and "--resume" in line and "Traceback" not in err
    assert [container.name for container, _ in leftovers(client)] == []


@pytest.mark.beside
def test_a_second_run_is_refused_between_two_trials_too(
    client: docker.DockerClient, command: list[str], tmp_path: Path
) -> None:
    refused: list[subprocess.CompletedProcess[str]] = []

    class Between(Terminal):
        """No container of a trial lives when a trial is about to start."""

        def trial_started(self, _position: Position, _trials: Sequence[Trial]) -> None:
            refused.append(subprocess.run([*command, *BRIEF], capture_output=True, text=True, timeout=120, check=False))
            raise KeyboardInterrupt

    load = str(client.images.get(project_tag("load")).id)
    record = begin_record(tmp_path / "first", msgspec.structs.replace(run(), images={"load": ImageRecord(load, 1)}))
    with pytest.raises(KeyboardInterrupt):
        measure(client, record, time.monotonic(), Between())
    (second,) = refused
    assert second.returncode == 4 and f"another run is measuring on this engine (process {os.getpid()})" in second.stderr


@pytest.mark.beside
def test_a_taken_port_is_one_sentence_that_names_it(command: list[str]) -> None:
    with socket.socket() as listener:
        # Connections of an earlier trial, in TIME_WAIT, are no listeners.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 24080))
        listener.listen()
        done = subprocess.run([*command, *BRIEF], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 4
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("fitmap: ")]
    assert "port 24080" in line and "[ports]" in line


@pytest.mark.beside
def test_a_failing_image_is_one_sentence_that_names_it_and_its_log(client: docker.DockerClient, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY no-such-file /\n")
    build = Build("broken", "fitmap/broken:latest", "build", tmp_path, "Dockerfile", {}, (), False)
    with pytest.raises(ImageError) as error:
        build_all(client, {"broken": build}, print)
    assert "image broken failed to build" in str(error.value)
    assert "no-such-file" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.beside
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
def test_a_full_disk_is_one_sentence_and_costs_no_hour(command: list[str], tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(runs)], check=True)
    try:
        done = subprocess.run([*command, *BRIEF], capture_output=True, text=True, timeout=120, check=False)
    finally:
        subprocess.run(["umount", str(runs)], check=True)
    assert done.returncode == 4
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("fitmap: ")]
    assert "No space left on device" in line


def test_a_service_that_dies_is_a_result_with_its_last_words(
    client: docker.DockerClient, command: list[str], tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    process = subprocess.Popen([*command, *BRIEF, "--blocks", "1"], stderr=subprocess.PIPE, text=True)
    wait_for_load(client, runs, trials=0)
    services = [c for c in client.containers.list() if c.labels.get("fitmap") == "service"]
    next(c for c in services if "-go-cpu" in str(c.name)).kill()
    _, err = process.communicate(timeout=120)
    record = read_record(run_dir(runs))
    first, twin = record.results
    assert first.verdict == "failed", err
    # The others of its group go on.
    assert twin.verdict == "valid", twin.problems
    assert isinstance(first.measurement, Missing)
    assert "status 137" in first.measurement.reason
    assert first.logs["service"]
