"""Synthetic records that several tests look at, and none changes."""

from __future__ import annotations

import pytest
from report_records import DETAILED, make_record

from harness.measurement import Verdict
from harness.record import Record
from reports.html import write_report


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


@pytest.fixture(scope="session")
def page(mixed: Record) -> str:
    return write_report(mixed).read_text()
