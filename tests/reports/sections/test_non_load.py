"""Starts and builds in the report: axes with winners, a section with charts and tables, claims, a place on the fit map."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from non_load_records import BUILD, FACTS, STARTUP, made_startup
from report_records import PROFILES, SOURCE_LINES, SYNTHETIC, make_record

from harness.record.measurement import Missing
from harness.record.reader import Record
from harness.record.trial_result import BuildStep, Built
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.cells import cells
from reports.analysis.claims import claim_results, read_claims
from reports.export.html import render_report
from reports.export.markdown import summary
from reports.export.tables import frame, json_text
from reports.export.view import make_view, non_load_sections
from reports.metrics.catalogue import BY_ID
from reports.sections.build import sources_at

AXES = {"start-warm", "start-cold", "first-answer", "time-to-steady", "edit", "rebuild", "clean-build", "dependencies"}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Loads, starts and builds in one run."""
    return make_record(tmp_path_factory.mktemp("beside"), blocks=4, noise=0.002, profiles=(*PROFILES, STARTUP, BUILD))


@pytest.fixture(scope="module")
def analysis(record: Record) -> Analysis:
    return analyse(record)


def test_every_axis_has_a_standing_at_its_profile(analysis: Analysis) -> None:
    found = {s.metric: s for s in analysis.rankings if s.scope in ("startup", "build")}
    assert set(found) == AXES
    assert {metric: ranking.winner for metric, ranking in found.items() if metric in ("start-warm", "start-cold")} == {
        "start-warm": "rust", "start-cold": "rust",
    }  # fmt: skip
    assert found["edit"].winner == found["rebuild"].winner == "python"
    # Once a run: there is a value, and no interval that could make a winner.
    assert found["clean-build"].winner is None
    assert found["dependencies"].winner == "go"
    # Three of them are steady at once: that is a tie, not a win by a hair.
    assert set(found["time-to-steady"].leaders) == {"rust", "go", "python"}


def test_values_are_what_was_measured(analysis: Analysis) -> None:
    def middle(metric: str, scope: str, target: str) -> float:
        found = analysis.estimate(metric, scope, target)
        assert found is not None and not isinstance(found, Missing)
        return found.median

    assert middle("start-warm", "startup", "java") == pytest.approx(SYNTHETIC["java"][5], rel=0.05)
    assert middle("start-cold", "startup", "java") == pytest.approx(SYNTHETIC["java"][5] * 1.5, rel=0.05)
    assert middle("time-to-steady", "startup", "java") == FACTS["java"][0] + 1
    assert middle("clean-build", "build", "rust") == pytest.approx(FACTS["rust"][1], rel=0.02)
    assert middle("dependencies", "build", "kotlin") == 54


def test_builds_count_for_image_and_sources_and_take_nothing_from_the_start(analysis: Analysis) -> None:
    """An axis of the whole run is judged over trials that say something about it."""
    run = {s.metric: s for s in analysis.rankings if s.scope == ""}
    assert {"start", "image", "source-lines"} <= set(run)
    assert all(not isinstance(entry.estimate, Missing) for ranking in run.values() for entry in ranking.entries)


def test_a_run_of_builds_alone_has_a_whole_report(tmp_path: Path) -> None:
    alone = make_record(tmp_path, profiles=(STARTUP, BUILD))
    analysis = analyse(alone)
    assert {s.metric for s in analysis.rankings} == AXES | {"image", "source-lines"}
    text = render_report(analysis, alone.folder)
    assert "30 of 30 planned trials are valid" in text
    assert 'id="beside"' in text and not re.search(r"\bnan\b", text)
    assert summary(make_view(analysis, alone.folder))


def test_the_section_has_a_chart_an_axis_the_course_and_tables(analysis: Analysis) -> None:
    startup, build = non_load_sections(analysis)
    assert [figure.id.rpartition("-")[2] for figure in startup.figures][-1] == "course"
    assert len(startup.figures) == 5 and len(build.figures) == 4
    assert all(figure.chart for section in (startup, build) for figure in section.figures)
    (starts,) = startup.tables
    (builds,) = build.tables
    assert [row[0] for row in starts.rows] == [row[0] for row in builds.rows] == list(analysis.run.plan.targets)
    rust = builds.rows[0]
    assert (
        float(rust[2].removesuffix("\u00a0s")) == pytest.approx(60, rel=0.02)
        and rust[9] == f"{SOURCE_LINES['rust']:,}"
        and rust[10:12] == ("11", "109")
    )
    assert startup.figures[-1].rows[2][3] == "7.00 s" and startup.figures[-1].rows[0][3].startswith("at once")


def test_the_page_names_the_section_once_and_its_charts_have_their_own_ids(analysis: Analysis, record: Record) -> None:
    text = render_report(analysis, record.folder)
    assert text.count('<div id="beside">') == 1
    # In its own section, and not once more among the axes of loads.
    assert text.count("Start, cold page cache (lower is better)</h5>") == 1
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_a_cache_that_could_not_be_made_cold_is_missing_with_its_reason(tmp_path: Path) -> None:
    made = make_record(tmp_path, targets=("go", "rust"), profiles=(STARTUP,))
    results = tuple(
        msgspec.structs.replace(r, measurement=made_startup(r.trial, 0.1, 1000.0, 0.01, cold=False)) for r in made.results
    )
    analysis = analyse(msgspec.structs.replace(made, results=results))
    found = analysis.estimate("start-cold", "startup", "go")
    assert isinstance(found, Missing) and "root alone" in found.reason
    assert isinstance(analysis.estimate("start-warm", "startup", "go"), Missing) is False
    assert "root alone" in render_report(analysis, made.folder)


def test_a_failed_start_is_named_and_ranked_nowhere(tmp_path: Path) -> None:
    made = make_record(tmp_path, targets=("go", "rust"), verdicts={"-go-startup": "failed"}, profiles=(STARTUP,))
    analysis = analyse(made)
    assert isinstance(analysis.estimate("start-warm", "startup", "go"), Missing)
    assert "ended at once with status 1" in render_report(analysis, made.folder)


def test_claims_on_starts_and_builds_are_judged(analysis: Analysis) -> None:
    found = {finding.id: finding.verdict for finding in claim_results(analysis, read_claims())}
    assert found["jit-takes-its-time"] == "supported"
    assert found["rust-pays-in-the-build"] == "supported"
    assert found["go-rebuilds-at-once"] == "supported"
    assert found["rust-brings-the-most-along"] == "supported"


def test_downloads_history_and_gate_have_the_axes(analysis: Analysis, record: Record) -> None:
    assert set(frame(analysis)["metric"]) >= AXES
    view = make_view(analysis, record.folder)
    assert '"load": "build"' in json_text(analysis, view.claim_results, view.overview)
    assert {cell.metric for cell in cells(analysis)} >= AXES


def test_before_the_sources_is_what_the_rebuild_had() -> None:
    steps = (("ARG", 0.1), ("FROM", 0.1), ("RUN", 5.0), ("COPY", 0.5), ("RUN", 2.0))
    clean = Built(7.7, tuple(BuildStep(f"{word} x", seconds, False) for word, seconds in steps))
    cached = (False, False, True, False, False)
    rebuilt = Built(3.0, tuple(BuildStep(s.instruction, 0.1, c) for s, c in zip(clean.steps, cached, strict=True)))
    assert sources_at(clean, rebuilt) == pytest.approx(5.2)
    assert sources_at(clean, clean) == pytest.approx(0.2)


def test_every_axis_reads_well_in_a_sentence() -> None:
    for metric in AXES:
        assert BY_ID[metric].kind in ("startup", "build") and BY_ID[metric].meaning.endswith(".")
