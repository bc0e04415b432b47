"""docs/findings.md: each figure and verdict on the page is that of the record that lies beside it."""

from __future__ import annotations

import re

import pytest

from harness.images import ROOT
from harness.record import Record
from reports.analysis import Analysis, analyse
from reports.changes import changes
from reports.citations import citations, refreshed
from reports.claims import findings, read_claims
from reports.comparison import incomparable, json_of, markdown_of, summary_of
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


def test_the_repeat_is_what_comparing_both_records_gives(published: Record, repeated: Record, analysis: Analysis) -> None:
    assert incomparable(published.run, repeated.run) == []
    found = changes(analyse(repeated), analysis)
    assert (FOLDER / "repeat.md").read_text() == markdown_of(found, every=False) + "\n"
    assert (FOLDER / "repeat.json").read_text() == json_of(found, every=True) + "\n"
    words = " ".join(PAGE.read_text().split())
    told = (*summary_of(found).split("; ")[0].split(": "), *found.agreement.split("; "))
    assert all(sentence in words for sentence in told)
    assert f"that is {len(found.changed) + found.irrelevant}, and chance makes about {found.expected_by_chance:.1f}" in words
    slower = re.search(r"took \d+ % (less|more) time", found.machine)
    assert slower and slower[0] in words


def test_five_claims_differ_in_the_repeat_and_none_turned_round(published: Record, repeated: Record) -> None:
    here, there = ({f.id: f.verdict for f in findings(analyse(each), read_claims())} for each in (published, repeated))
    moved = {name: {here[name], there[name]} for name in here if here[name] != there[name]}
    assert set(moved) == {
        *("jit-reaches-go", "one-process-uses-more-cores", "a-waiter-is-small", "jit-takes-its-time", "jvm-pays-in-memory")
    }
    assert all(verdicts == {"supported", "inconclusive"} for verdicts in moved.values())
    assert "Five claims differ in their verdict" in PAGE.read_text()


def test_each_claim_stands_on_the_page_and_none_is_left_unmeasured(analysis: Analysis) -> None:
    found = {finding.id: finding.verdict for finding in findings(analysis, read_claims())}
    cited = {what.removeprefix("claim ") for what, _ in citations(PAGE.read_text()) if what.startswith("claim ")}
    assert cited == set(found)
    assert "not measured" not in found.values()
