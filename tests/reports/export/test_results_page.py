"""docs/results.md: each figure and verdict on the page is that of one of the two records that lie beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.files import ROOT
from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.claims import claim_results, read_claims
from reports.comparison.between_runs import between, cells_of, tried
from reports.comparison.changes import changes
from reports.comparison.comparability import incomparable
from reports.export.changes import json_of, markdown_of, summary_of
from reports.export.citations import citations, cited_folders, refreshed
from reports.export.html import render_page
from reports.export.markdown import summary
from reports.export.tables import csv_text, json_text
from reports.export.terminal import between_text
from reports.export.view import make_view

PAGE = ROOT / "docs" / "results.md"
FOLDER = ROOT / "docs" / "results"
SLICED = FOLDER / "method-7"


@pytest.fixture(scope="module")
def analysis(published: Record) -> Analysis:
    return analyse(published)


@pytest.fixture(scope="module")
def analyses(analysis: Analysis, interleaved: Record) -> dict[Path, Analysis]:
    """Folder -> what was found in the record that lies in it."""
    return {FOLDER: analysis, SLICED: analyse(interleaved)}


def test_the_results_beside_the_page_are_what_the_records_say(
    published: Record, interleaved: Record, analyses: dict[Path, Analysis]
) -> None:
    for (folder, analysed), record in zip(analyses.items(), (published, interleaved), strict=True):
        assert (folder / "results.csv").read_text() == csv_text(analysed)
        view = make_view(analysed, record.folder)
        assert (folder / "results.json").read_text() == json_text(analysed, view.claim_results, view.overview)
        assert (folder / "summary.md").read_text() == summary(view)
        assert (folder / "report.html").read_text() == render_page(view)


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=lambda page: page.name)
def test_each_figure_on_the_page_is_its_records(page: Path, analyses: dict[Path, Analysis]) -> None:
    text = page.read_text()
    assert len(citations(text)) >= 25
    folders = {(page.parent / cited).resolve(): cited for cited in cited_folders(text)}
    assert folders.keys() == analyses.keys()
    for folder, cited in folders.items():
        assert refreshed(text, analyses[folder], {cited}) == text


def test_the_repeat_is_what_comparing_both_records_gives(published: Record, repeated: Record, analysis: Analysis) -> None:
    assert incomparable(published.run, repeated.run) == []
    found = changes(analyse(repeated), analysis)
    assert (FOLDER / "repeat.md").read_text() == markdown_of(found, every=False) + "\n"
    assert (FOLDER / "repeat.json").read_text() == json_of(found, every=True) + "\n"
    words = " ".join(PAGE.read_text().split()).replace("Of ", "of ")
    told = (*summary_of(found).split("; ")[0].split(": "), *found.agreement.split("; "))
    assert all(sentence in words for sentence in told)
    assert f"that is {len(found.changed) + found.irrelevant}, and chance makes about {found.expected_by_chance:.1f}" in words
    slower = re.search(r"took \d+ % (less|more) time", found.machine)
    assert slower and slower[0] in words


def test_the_third_run_is_what_comparing_it_gives(
    published: Record, repeated: Record, third: Record, analysis: Analysis
) -> None:
    for earlier in (published, repeated):
        assert incomparable(earlier.run, third.run) == []
    within_a_day, over_days = changes(analyse(third), analyse(repeated)), changes(analyse(third), analysis)
    assert (FOLDER / "third.md").read_text() == markdown_of(within_a_day, every=False) + "\n"
    assert (FOLDER / "third.json").read_text() == json_of(within_a_day, every=True) + "\n"
    words = " ".join(PAGE.read_text().split()).replace("Of ", "of ")
    told = (*summary_of(within_a_day).split("; ")[0].split(": "), *within_a_day.agreement.split("; "))
    assert all(sentence in words for sentence in (*told, over_days.agreement.split("; ")[0]))
    outside = len(within_a_day.changed) + within_a_day.irrelevant
    assert f"that is {outside}, and chance makes about {within_a_day.expected_by_chance:.1f}" in words
    assert outside <= within_a_day.expected_by_chance
    rows = between(cells_of([analyse(repeated), analyse(third)]), 95)
    assert (
        f"as measured, {sum(r.outside_measured for r in rows)} of {sum(r.cells for r in rows)} intervals"
        in words.replace("As", "as")
    )
    over = between(cells_of([analysis, analyse(repeated)]), 95)
    assert f"({sum(r.outside for r in over)} of the 42 are measured, the others read)" in words


def test_how_far_the_runs_lie_apart_is_what_all_three_say(published: Record, repeated: Record, third: Record) -> None:
    analyses = [analyse(each) for each in (published, repeated, third)]
    assert (FOLDER / "runs.txt").read_text() == between_text(analyses) + "\n"
    words = " ".join(PAGE.read_text().split())
    cells = cells_of(analyses)
    found = tried(cells, 95)
    assert found and found.widened <= 0.05 * found.intervals < found.trials_alone
    assert (
        f"Of {found.intervals} intervals {found.trials_alone} exclude 1 that know the trials alone, {found.widened} that"
        in words
    )
    named = {row.title: row.critical(95) for row in between(cells, 95)}
    factors = words.partition("nineteen times of twenty: ")[2].partition(". ")[0].split(", ")
    assert len(factors) == 8
    assert all(factor == f"{(title := factor.rpartition(' ')[0])} ×{named[title]:.2f}" for factor in factors)


def test_claims_that_differ_between_runs_are_counted_and_none_turned_round(
    published: Record, repeated: Record, third: Record
) -> None:
    runs = [{f.id: f.verdict for f in claim_results(analyse(each), read_claims())} for each in (published, repeated, third)]
    said = {name: {run[name] for run in runs} for name in runs[0]}
    moved = {name: verdicts - {"not measured"} for name, verdicts in said.items() if len(verdicts - {"not measured"}) > 1}
    assert all(verdicts == {"supported", "inconclusive"} for verdicts in moved.values())
    assert len(moved) == 6 and "six differ between supported and inconclusive" in " ".join(PAGE.read_text().split())


def test_each_claim_stands_on_the_page_and_none_is_left_unmeasured() -> None:
    cited = [(what.removeprefix("claim "), text) for what, text in citations(PAGE.read_text()) if what.startswith("claim ")]
    assert sorted(name for name, _ in cited) == sorted(claim.id for claim in read_claims())
    assert "not measured" not in {verdict for _, verdict in cited}
