"""`fitmap gate` and `fitmap compare` on the engine: flagged cells are measured again, base against head."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import docker
import msgspec
import pytest

from harness.containers.engine import connect
from harness.containers.images import project_tag
from harness.containers.lifecycle import leftovers
from harness.record.plan import groups
from harness.record.reader import read_record
from reports.regression.gate_result import read_gate
from reports.regression.history import append, read

CONFIG = """
[ports]
service = 24080
database = 24432
[generator]
port = 24557
[timing]
blocks = 1
together = 1
rounds = 3
warmup_seconds = 2
warmup_limit_seconds = 2
[gate]
pairs = 4
metrics = ["cpu"]
"""
SELECTION = ("--target", "go", "--profile", "cpu", "--route", "GET /cpu/collatz", "--level", "saturate")


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


def fitmap(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "fitmap.toml").write_text(CONFIG)
    command = [
        sys.executable,
        "-m",
        "harness.cli.main",
        "--config",
        str(folder / "fitmap.toml"),
        "--runs",
        str(folder / "runs"),
    ]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=400)


def test_a_flagged_cell_is_measured_again_and_the_exit_status_says_what_came_of_it(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    history = tmp_path / "history.jsonl"
    first = fitmap(tmp_path, "gate", "--no-twin", "--history", str(history), *SELECTION)
    assert (first.returncode, first.stdout.strip().splitlines()[-1:]) == (0, ["learning: 1 learning"]), first.stderr
    (entry,) = read(history).entries
    # Twelve earlier runs that were faster, with another image: Rust's in the place of Go's.
    rust = str(client.images.get(project_tag("rust")).id)
    past = [
        msgspec.structs.replace(
            entry,
            run=f"night-{number:02}",
            started=f"2020-01-{number + 1:02}T00:00:00+00:00",
            images={**entry.images, "go": rust},
            cells={
                name: value * (0.4 + 0.002 * (number % 3)) for name, value in entry.cells.items() if name.endswith("|cpu")
            },
            verdict="fine",
        )
        for number in range(12)
    ]
    history.unlink()
    append(history, past)
    (head,) = (tmp_path / "runs").glob("*/run.json")
    second = fitmap(tmp_path, "gate", str(head.parent), "--history", str(history), *SELECTION)
    assert second.returncode == 1, second.stdout + second.stderr
    assert "go, CPU-bound, saturated: CPU per request" in second.stdout
    (again,) = set((tmp_path / "runs").glob("*/run.json")) - {head}
    # Base, its twin and head ran together, the base on the image of the past.
    record = read_record(again.parent)
    assert [sorted(trial.target for trial in trials) for trials in groups(record.run.plan.trials)] == [
        ["go", "go-base", "go-base-twin"]
    ] * 4
    assert record.run.images["go-base"].id == rust != record.run.images["go"].id
    found = read_gate(head.parent)
    assert found is not None
    assert (found.verdict, found.base) == ("regressed", "night-06")
    # The head's image has a tag that the next build does not move.
    assert any(tag.startswith("fitmap/go:kept-") for tag in client.images.get(record.run.images["go"].id).tags)
    # The run is in the history, but is no baseline.
    assert read(history).entries[-1].verdict == "regressed"
    assert [container.name for container, _ in leftovers(client)] == []
    # Screened once more from its record, without measuring: the flag stays, and the verdict is open.
    third = fitmap(tmp_path, "gate", str(head.parent), "--no-confirm", "--no-add", "--history", str(history))
    assert (third.returncode, "1 flagged" in third.stdout) == (3, True)


@pytest.mark.beside
def test_versions_with_the_same_images_are_not_measured(client: docker.DockerClient, tmp_path: Path) -> None:
    for command in (("compare", ".", "."), ("compare", "HEAD", "HEAD"), ("gate", "--base", ".")):
        done = fitmap(tmp_path, *command, *SELECTION)
        assert (done.returncode, "nothing can differ" in done.stdout) == (0, True), done.stderr
    # The images of a revision are kept no longer than they are needed.
    assert client.images.list(filters={"reference": "fitmap/*:rev-*"}) == []
    assert not (tmp_path / "runs").exists()


@pytest.mark.beside
def test_what_is_neither_record_nor_revision_is_one_sentence(tmp_path: Path) -> None:
    done = fitmap(tmp_path, "compare", "no-such-thing", ".", *SELECTION)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("fitmap: 'no-such-thing' is neither a record nor a git revision")
