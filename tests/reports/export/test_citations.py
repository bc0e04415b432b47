"""Figures that a page cites are the record's, and what the record does not have can't be cited."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli.report import cite
from harness.errors import UsageError
from harness.record.measurement import Missing
from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.claims import claim_results, read_claims
from reports.export.citations import citations, refreshed
from reports.units import quantity

PAGE = """# Ours
Rust takes [?](results.csv "cpu cpu@saturate rust ±") and Go [?](results.csv "cpu cpu@saturate go"),
[?](results.csv "cpu cpu@saturate go / rust ±") as much, an image of [?](results.csv "image run go").
Claimed: [?](results.json "claim rust-more-per-core"). [Elsewhere](other.csv "cpu cpu@saturate go") 3 us.
"""


@pytest.fixture(scope="module")
def analysis(mixed: Record) -> Analysis:
    return analyse(mixed)


def test_each_figure_is_the_records(analysis: Analysis) -> None:
    found = dict(citations(refreshed(PAGE, analysis)))
    go, rust = (analysis.estimate("cpu", "cpu@saturate", target) for target in ("go", "rust"))
    assert go and rust and not isinstance(go, Missing) and not isinstance(rust, Missing)
    assert found["cpu cpu@saturate go"] == quantity(go.median, "microseconds")
    value, low, high = (float(x) for x in re.findall(r"[\d.]+", found["cpu cpu@saturate rust ±"]))
    assert low < value < high and value == pytest.approx(rust.median, rel=0.005)
    ratio, low, high = (float(x) for x in re.findall(r"[\d.]+", found["cpu cpu@saturate go / rust ±"]))
    assert low < ratio < high and ratio == pytest.approx(go.median / rust.median, rel=0.05)
    verdicts = {finding.id: finding.verdict for finding in claim_results(analysis, read_claims())}
    assert found["claim rust-more-per-core"] == verdicts["rust-more-per-core"]


def test_all_else_on_the_page_stays_and_a_second_time_changes_nothing(analysis: Analysis) -> None:
    once = refreshed(PAGE, analysis)
    blank = re.sub(r"\[[^\]]*\](?=\([\w/]*results)", "[?]", once)
    assert blank == PAGE
    assert refreshed(once, analysis) == once


@pytest.mark.parametrize(
    ("cited", "says"),
    [
        ("cpu cpu@saturate", "write METRIC PLACE TARGET"),
        ("cpu cpu@saturate go by rust", "write METRIC PLACE TARGET"),
        ("cpu cpu@saturate cobol", "not in the record"),
        ("beauty cpu@saturate go", "not in the record"),
        ("throughput db@saturate kotlin", "not in the record"),
        ("cpu cpu@saturate go / cobol", "no value"),
        ("claim cobol-is-back", "no such claim"),
    ],
)
def test_what_the_record_does_not_have_cannot_be_cited(analysis: Analysis, cited: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as failure:
        refreshed(f'[1](results.csv "{cited}")', analysis)
    assert cited in str(failure.value)


def test_a_page_is_brought_up_to_date_on_disk(mixed: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    cite(mixed, page)
    assert page.read_text() == refreshed(PAGE, analyse(mixed))
    assert "5 figures cited, 5 changed" in capsys.readouterr().out
    # The ends of the lines stay as they are.
    page.write_bytes(b"\xef\xbb\xbf" + PAGE.replace("\n", "\r\n").encode())
    cite(mixed, page)
    assert page.read_bytes() == b"\xef\xbb\xbf" + refreshed(PAGE, analyse(mixed)).replace("\n", "\r\n").encode()
    with pytest.raises(UsageError, match="can't be read"):
        cite(mixed, tmp_path / "none.md")


def test_a_page_that_cites_several_records_keeps_the_figures_of_the_others(mixed: Record, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('[1](old/results.csv "beauty cpu@saturate go") [?](new/results.csv "cpu cpu@saturate go")')
    for folder, run in (("old", "another"), ("new", "another")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "results.json").write_text(f'{{"run": "{run}"}}')
    with pytest.raises(UsageError, match=f"none of them is run {mixed.run.id}"):
        cite(mixed, page)
    (tmp_path / "new" / "results.json").write_text(f'{{"run": "{mixed.run.id}"}}')
    cite(mixed, page)
    old, new = (text for _, text in citations(page.read_text()))
    assert old == "1" and new.endswith("µs")
