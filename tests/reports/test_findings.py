"""docs/findings.md: each figure and verdict on the page is that of the record that lies beside it."""

from __future__ import annotations

import pytest

from harness.images import ROOT
from harness.record import Record
from reports.analysis import Analysis, analyse
from reports.citations import citations, refreshed
from reports.claims import findings, read_claims
from reports.export import csv_text, json_text
from reports.markdown import summary
from reports.view import make_view

PAGE = ROOT / "docs" / "findings.md"
FOLDER = ROOT / "docs" / "findings"


@pytest.fixture(scope="module")
def analysis(published: Record) -> Analysis:
    return analyse(published)


def test_the_results_beside_the_page_are_what_the_record_says(published: Record, analysis: Analysis) -> None:
    assert (FOLDER / "results.csv").read_text() == csv_text(analysis)
    assert (FOLDER / "results.json").read_text() == json_text(analysis, findings(analysis, read_claims()))
    assert (FOLDER / "summary.md").read_text() == summary(make_view(analysis, published.folder))


def test_each_figure_on_the_page_is_the_records(analysis: Analysis) -> None:
    assert refreshed(PAGE.read_text(), analysis) == PAGE.read_text()


def test_each_claim_stands_on_the_page_and_none_is_left_unmeasured(analysis: Analysis) -> None:
    found = {finding.id: finding.verdict for finding in findings(analysis, read_claims())}
    cited = {what.removeprefix("claim ") for what, _ in citations(PAGE.read_text()) if what.startswith("claim ")}
    assert cited == set(found)
    assert "not measured" not in found.values()
