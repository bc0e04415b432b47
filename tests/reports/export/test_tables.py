"""What is made of a record beside the page: tables, pictures, the same bytes everywhere."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from harness.files import ROOT
from harness.record.measurement import Missing
from harness.record.reader import Record
from reports.analysis.analysis import analyse
from reports.analysis.claims import read_claims
from reports.export.files import CARD, CSV, EXPLORE, JSON, REPORT, SUMMARY, write_files
from reports.export.tables import csv_text, json_text
from reports.export.view import make_view


@pytest.fixture(scope="module")
def written(mixed: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "record"
    shutil.copytree(mixed.folder, folder)
    return write_files(Record(folder, mixed.run, mixed.results, mixed.warnings)).parent


def test_the_table_has_every_entry_and_missing_is_empty_with_a_reason(mixed: Record) -> None:
    analysis = analyse(mixed)
    table = pd.read_csv(io.StringIO(csv_text(analysis)))
    assert len(table) == sum(len(ranking.entries) for ranking in analysis.rankings)
    missing = table[table["missing"].notna()]
    assert set(missing["target"]) >= {"kotlin"}
    assert missing[["median", "low", "high", "group"]].isna().all().all()
    assert (table["median"].dropna() > 0).all()
    wins = [s for s in analysis.rankings if s.winner]
    assert table["wins"].sum() == len(wins)


def test_json_is_json_and_has_the_single_trials(mixed: Record) -> None:
    analysis = analyse(mixed)
    view = make_view(analysis, mixed.folder)
    text = json_text(analysis, view.claim_results, view.overview)
    value = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert len(value["trials"]) == len(analysis.measured)
    assert {row["metric"] for row in value["standings"]} >= {"throughput", "p99", "image", "start"}
    assert len(value["claims"]) == len(read_claims())
    assert value["headline"] == list(view.overview.headline.sentences)
    first = value["scorecard"][0]
    assert (first["place"], first["metric"]) == ("cpu@saturate", "cpu")
    assert {cell["target"] for cell in first["cells"]} == set(mixed.run.plan.targets)
    assert {"matters", "parts", "bills"} <= set(value)
    entry = analysis.rankings[0].entries[0]
    assert not isinstance(entry.estimate, Missing)
    row = value["standings"][0]
    assert (row["target"], row["median"]) == (entry.target, pytest.approx(entry.estimate.median))


def test_downloads_in_the_page_are_the_files_beside_it(written: Path) -> None:
    page = (written / REPORT).read_text()
    for name in (CSV, JSON):
        address = re.search(rf'download="{name}.gz" href="data:[a-z/]+;base64,([^"]+)"', page)
        assert address
        assert gzip.decompress(base64.b64decode(address[1])) == (written / name).read_bytes()


def test_every_file_is_there_and_pictures_are_pictures(written: Path) -> None:
    for name in (REPORT, EXPLORE, SUMMARY, CSV, JSON):
        assert (written / name).stat().st_size > 500
    assert not list(written.rglob("*.part"))
    card = (written / CARD).read_bytes()
    assert card.startswith(b"\x89PNG")
    # Width and height stand in the first chunk.
    assert struct.unpack(">II", card[16:24]) == (1200, 630)
    assert len((written / SUMMARY).read_text()) < 60_000


def test_another_process_elsewhere_makes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere"
    again.mkdir()
    for name in ("run.json", "trials.jsonl"):
        shutil.copy(written / name, again / name)
    for name in ("samples", "histograms"):
        shutil.copytree(written / name, again / name)
    # No engine, another hash seed, another zone, another language: nothing of it may show.
    environment = {
        **os.environ,
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        "PYTHONHASHSEED": "77",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
    }
    subprocess.run(
        [sys.executable, "-m", "harness.cli.main", "report", str(again)],
        cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    for path in sorted(p for p in written.rglob("*") if p.is_file()):
        assert path.read_bytes() == (again / path.relative_to(written)).read_bytes(), path.name
