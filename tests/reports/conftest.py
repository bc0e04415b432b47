"""Synthetic records that several tests look at, and none changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Pages, start_chromium, write_pages
from hypothesis import settings
from report_records import DETAILED, make_record
from selenium import webdriver

from harness.files import ROOT
from harness.record.measurement import Verdict
from harness.record.reader import Record, read_record
from reports.analysis.analysis import analyse
from reports.export.html import render_report

# The machine may be busy: how long an example takes says nothing of whether it is right.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Failed, limited and missing trials beside good ones."""
    folder = tmp_path_factory.mktemp("synthetic") / "record"
    verdicts: dict[str, Verdict] = {"-kotlin-db": "failed", "-java-cpu@saturate": "generator_limited"}
    return make_record(folder, blocks=4, verdicts=verdicts, leave_out=1)


@pytest.fixture(scope="session")
def detailed(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Every kind of level: shares of the own throughput, routes alone, and a search for capacity."""
    folder = tmp_path_factory.mktemp("synthetic") / "detailed"
    verdicts: dict[str, Verdict] = {"-go-db@75%": "unstable"}
    return make_record(folder, targets=("rust", "go", "python"), verdicts=verdicts, profiles=DETAILED)


def unpacked(archive: Path, folder: Path) -> Record:
    shutil.unpack_archive(archive, folder)
    (found,) = folder.iterdir()
    return read_record(found)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A run of five languages, preset quick, on a shared virtual machine of two cores: nothing of it is made up."""
    return unpacked(Path(__file__).with_name("real-record.tar.xz"), tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Run B of docs/results.md: preset full, method 6."""
    return unpacked(ROOT / "docs" / "results" / "record.tar.xz", tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def interleaved(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Run A of docs/results.md: four profiles that are measured in slices."""
    return unpacked(ROOT / "docs" / "results" / "method-7" / "record.tar.xz", tmp_path_factory.mktemp("interleaved"))


@pytest.fixture(scope="session")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The same once more, three days later."""
    return unpacked(ROOT / "docs" / "results" / "repeat.tar.xz", tmp_path_factory.mktemp("repeated"))


@pytest.fixture(scope="session")
def third(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """And once more, an hour after the repeat."""
    return unpacked(ROOT / "docs" / "results" / "third.tar.xz", tmp_path_factory.mktemp("third"))


@pytest.fixture(scope="session")
def page(mixed: Record) -> str:
    return render_report(analyse(mixed), mixed.folder)


@pytest.fixture(scope="session")
def pages(real: Record) -> Pages:
    """Both pages of the real run, on disk."""
    return write_pages(real)


@pytest.fixture(scope="session")
def detailed_pages(detailed: Record) -> Pages:
    """Both pages of a made-up record with every kind of level, an unstable one among them."""
    return write_pages(detailed)


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    driver = start_chromium()
    yield driver
    driver.quit()
