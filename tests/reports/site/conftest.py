"""Sites that several tests look at."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from report_records import make_record
from site_desk import HOSTILE, REPORT_BYTES, Desk, fill

from harness.record.run import Run
from reports.regression.history import SCHEMA, Accept, append


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_record(tmp_path_factory.mktemp("publish") / "record", targets=("go", "python"), blocks=3).run


@pytest.fixture
def desk(tmp_path: Path, run: Run) -> Desk:
    return Desk(tmp_path, run)


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory, run: Run) -> tuple[Desk, float]:
    """Two hundred runs of 61 cells, 40 of them with reports of full size; and the CPU time of the site, in seconds."""
    desk = Desk(tmp_path_factory.mktemp("big"), run)
    fill(
        desk,
        200,
        ("go", "python", "rust"),
        40,
        b"<!doctype html><a href=explore.html>as real ones do</a>".ljust(REPORT_BYTES),
    )
    begun = time.process_time()
    assert desk.publish() == 0
    return desk, time.process_time() - begun


@pytest.fixture
def hostile(desk: Desk) -> Desk:
    """Names that want out, or to be code."""
    cells = {
        f"{HOSTILE}|{HOSTILE}|{HOSTILE}": 5.0,
        "../../../etc|x|cpu": 7.0,
        "Go|cpu|p99": 1.0,
        "go|cpu|p99": 1.0,
        "no cell": 1.0,
    }
    names = ["../escape", HOSTILE, "/tmp/x", ".", "con\\..\\x", "", "a" * 5000]
    entries = [desk.entry(i, cells, run=name, revision=HOSTILE) for i, name in enumerate(names)]
    entries.append(desk.entry(50, cells, started=HOSTILE))
    append(desk.history, [*entries, *(Accept(SCHEMA, e.run, HOSTILE, HOSTILE, HOSTILE) for e in entries)])
    # A record in every respect, but not in the folder of records.
    desk.record(entries[0], b"secret")
    assert desk.publish() == 0
    return desk
