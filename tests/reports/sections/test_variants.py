"""What a version brings and what tuning buys, as the page, the summary and the tables say it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from variant_records import TARGETS, variants_record, without

from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.variants import Comparison, comparisons
from reports.export.html import render_page
from reports.export.markdown import summary
from reports.export.tables import csv_text, json_text
from reports.export.view import View, make_view
from reports.metrics.scopes import Scope
from reports.sections.variants import VariantSection, sentence
from reports.stats.intervals import Estimate, Ratio

VARIANTS = tuple(name for name in TARGETS if "." in name)
FACTORS = {"go.slow": 1.05, "go.tuned": 0.8}
MOST_WORDS = 24


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return variants_record(tmp_path_factory.mktemp("variants") / "record", FACTORS)


@pytest.fixture(scope="module")
def analysis(record: Record) -> Analysis:
    return analyse(record)


@pytest.fixture(scope="module")
def view(analysis: Analysis, record: Record) -> View:
    return make_view(analysis, record.folder)


@pytest.fixture(scope="module")
def alone(record: Record) -> View:
    bare = without(record, VARIANTS)
    return make_view(analyse(bare), bare.folder)


def said(section: VariantSection) -> list[str]:
    return ["".join(span.text for span in each) for each in section.said]


def test_each_variant_has_a_sentence(view: View) -> None:
    versions, tuning = view.variants
    assert (versions.title, tuning.title) == ("What a version brings", "What tuning buys")
    label, slow = said(versions)
    assert label == "go.label against go: not told apart on 1 of 10 axes, no relevant difference on the others."
    assert re.fullmatch(r"go\.slow against go: worse on 6 of 10 axes, most in .* \(×(1\.05|0\.95\d)\)\.", slow), slow
    (tuned,) = said(tuning)
    assert re.fullmatch(r"go\.tuned against go: better on 6 of 10 axes, most in .* \(×(0\.(79|80)\d|1\.2\d)\)\.", tuned), (
        tuned
    )


SCOPE = Scope("Whole run", "?")


def row(metric: str, verdict: str, ratio: float | None) -> Comparison:
    value = Estimate(1.0, 1.0, 1.0, 6, "none")
    interval = None if ratio is None else Ratio(ratio, ratio, ratio, 6)
    return Comparison("java.jdk21", "java", metric, SCOPE, (value, value), interval, verdict)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((row("cpu", "no difference", 1.0),), "no difference on 1 axis."),
        (
            (row("cpu", "no difference", 1.0), row("start", "below the relevance bound", 1.02)),
            "no relevant difference on 2 axes.",
        ),
        ((row("cpu", "not told apart", 1.3),), "not told apart on 1 axis."),
        (
            (row("cpu", "not told apart", 1.3), row("start", "no difference", 1.0)),
            "not told apart on 1 of 2 axes, no relevant difference on the others.",
        ),
        (
            (row("cpu", "better", 0.9), row("start", "worse", 1.4), row("p99", "worse", 1.2)),
            "better on 1 and worse on 2 of 3 axes, most in Start time (×1.40).",
        ),
        (
            (row("throughput", "worse", 0.5), row("cpu", "too few starts", None)),
            "worse on 1 of 1 axis, most in Throughput (×0.500).",
        ),
        ((row("cpu", "too few starts", None),), "too few starts of both to tell."),
    ],
)  # fmt: skip
def test_a_sentence_says_what_the_rows_say(rows: tuple[Comparison, ...], words: str) -> None:
    text = "".join(span.text for span in sentence("java.jdk21", "java", rows))
    assert text.removeprefix("java.jdk21 against java: ") == words
    assert len(text.split()) <= MOST_WORDS


def test_sentences_are_short(view: View) -> None:
    assert all(len(text.split()) <= MOST_WORDS for section in view.variants for text in said(section))


def test_the_tables_tell_ratio_interval_and_what_is_changed(view: View) -> None:
    versions, tuning = view.variants
    cells = {(row[0], row[1], row[2]): row[3:] for row in versions.table.rows}
    assert re.fullmatch(
        r"no difference \(0\.9\d+–1\.0\d*\)", cells["go.label", "CPU per request", "CPU-bound, saturated"][2]
    )
    *_, ratio, verdict = cells["go.slow", "CPU per request", "CPU-bound, saturated"]
    assert re.fullmatch(r"×1\.0[45]\d? \(1\.0\d–1\.0\d\)", ratio) and verdict == "worse"
    assert versions.count == "2 variants: 6 of 20 ratios differ"
    assert tuning.about.rows == (("go.tuned", "What does tuning buy?", "GOGC=200; +12 -3 lines in 1 file", "0.0", "0.0"),)
    assert tuning.departures.rows == (("go.tuned", "GOGC", "200", "Half as many collections."),)


def test_the_page_has_both_sections_and_the_same_standings(view: View, alone: View) -> None:
    page, bare = render_page(view), render_page(alone)
    assert page.index('<div id="versions">') < page.index('<div id="tuning">')
    assert "versions" not in re.findall(r'<div id="([a-z]+)">', bare)
    answers = [
        re.sub(r"\d+ of \d+ trials valid", "", re.split(r"<main>|<section class=\"deep\"", text)[1]) for text in (page, bare)
    ]
    assert answers[0] == answers[1]
    matrices = [re.search(r'<div id="axes">(.*?)</details>', text, re.DOTALL) for text in (page, bare)]
    assert matrices[0] and matrices[1] and matrices[0][1] == matrices[1][1]
    headlines = [re.search(r"<h1>.*?</h1>", text) for text in (page, bare)]
    assert headlines[0] and headlines[1] and headlines[0][0] == headlines[1][0]
    for mine, other in zip(view.claim_results, alone.claim_results, strict=True):
        assert msgspec.to_builtins(mine) == msgspec.to_builtins(other)
    assert msgspec.to_builtins(view.advice) == msgspec.to_builtins(alone.advice)


def test_no_sentence_lets_a_variant_win(view: View) -> None:
    overview = render_page(view).split('<section class="deep"')[0]
    assert not [name for name in VARIANTS if name in overview]
    assert all(column.target not in VARIANTS for card in view.overview.cards for column in card.columns)
    for section in view.variants:
        assert not re.search(r"\b(wins?|leads?|best|fastest)\b", " ".join(said(section)))


def test_the_summary_folds_both_tables(view: View) -> None:
    text = summary(view)
    for title in ("What a version brings", "What tuning buys"):
        assert f"<details><summary>{title}</summary>" in text
    assert "go.slow" in text


def test_csv_begins_with_the_standings_and_ends_with_the_variants(analysis: Analysis, record: Record) -> None:
    text, bare = csv_text(analysis), csv_text(analyse(without(record, VARIANTS)))
    assert text.startswith(bare) and len(text) > len(bare)
    table = pd.read_csv(io.StringIO(text))
    mine = table[table["target"].isin(VARIANTS)]
    assert set(mine["base"]) == {"go"} and mine["group"].isna().all() and not mine["wins"].any()
    assert set(table["language"]) == {"Go", "Rust", "Java"} and set(table["runtime"].astype(str)) == {"0.0"}
    assert set(table["stack"]) == {"a framework, a driver"}
    assert set(mine[mine["target"] == "go.tuned"]["class"]) == {"tuned"}
    ratios = mine[mine["ratio"].notna()]
    assert len(ratios) == sum(len(each.rows) for each in comparisons(analysis))
    slow = ratios[(ratios["target"] == "go.slow") & (ratios["metric"] == "cpu") & (ratios["level"] == "saturate")]
    assert ((slow["ratio_low"] < 1.05) & (slow["ratio_high"] > 1.05)).all()


def test_json_has_the_manifests_of_the_variants_and_the_same_standings(analysis: Analysis, view: View, alone: View) -> None:
    value = json.loads(json_text(analysis, view.claim_results, view.overview))
    assert set(value["variants"]) == set(VARIANTS)
    assert value["variants"]["go.tuned"]["environment"] == {"GOGC": "200"}
    assert {row["target"] for row in value["unranked"]} == set(VARIANTS)
    assert not [row for row in value["standings"] if row["target"] in VARIANTS]
    assert {"language", "stack", "runtime", "base"} <= set(value["standings"][0])


def test_a_record_without_variants_has_no_such_part(alone: View, record: Record) -> None:
    assert alone.variants == ()
    bare = analyse(without(record, VARIANTS))
    assert not {"variants", "unranked"} & set(json.loads(json_text(bare, alone.claim_results, alone.overview)))


def test_a_hostile_question_stays_text(record: Record, tmp_path: Path) -> None:
    targets = dict(record.run.targets)
    slow = targets["go.slow"]
    assert slow.variant
    hostile = msgspec.structs.replace(slow.variant, question="<script>alert(1)</script> | [x](y)")
    targets["go.slow"] = msgspec.structs.replace(slow, variant=hostile)
    found = msgspec.structs.replace(record, run=msgspec.structs.replace(record.run, targets=targets))
    made = make_view(analyse(found), record.folder)
    assert "<script>alert" not in render_page(made)
    assert "<script>alert" not in summary(made)
