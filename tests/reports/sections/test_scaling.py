"""Floors, cores and replicas in the report: axes, sections, words, claims, and the law that is fitted to them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_records import PROFILES, make_record
from scale_records import FLOOR, OUT, SCALES, UP

from harness.record.measurement import Missing
from harness.record.reader import Record
from harness.record.trial_result import FloorMeasurement, ScaleMeasurement, ScalePoint
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.cells import cells
from reports.analysis.claims import claim_results, read_claims
from reports.export.html import render_report
from reports.export.markdown import summary
from reports.export.tables import frame
from reports.export.view import make_view, non_load_sections
from reports.metrics.catalogue import BY_ID
from reports.sections.environment import target_facts
from reports.sections.scaling import points_of
from reports.stats.scalability_law import fit

AXES = {
    "memory-floor": {"memory-floor"},
    "scale-up": {"speed-up", "parallel-cost"},
    "scale-out": {"split-throughput", "split-cost", "replica-memory"},
}
MIB = 2.0**20


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make_record(tmp_path_factory.mktemp("scale"), blocks=4, noise=0.002, profiles=(*PROFILES, FLOOR, UP, OUT))


@pytest.fixture(scope="module")
def analysis(record: Record) -> Analysis:
    return analyse(record)


def middle(analysis: Analysis, metric: str, scope: str, target: str) -> float:
    found = analysis.estimate(metric, scope, target)
    assert found is not None and not isinstance(found, Missing)
    return found.median


def test_every_axis_has_a_standing_at_its_profile(analysis: Analysis) -> None:
    for scope, metrics in AXES.items():
        assert {s.metric for s in analysis.rankings if s.scope == scope} == metrics
    floors = next(s for s in analysis.rankings if s.metric == "memory-floor")
    # Of one trial each, without intervals: a floor is confirmed by its own search.
    assert floors.winner == "rust"
    # Python would win, because its few requests leave it most of the shared core.
    assert next(s for s in analysis.rankings if s.metric == "speed-up").winner is None


def test_values_are_what_was_measured(analysis: Analysis) -> None:
    for target, (floor, up, out) in SCALES.items():
        assert middle(analysis, "memory-floor", "memory-floor", target) == floor * MIB
        assert middle(analysis, "split-throughput", "scale-out", target) == pytest.approx(out**2, rel=0.03)
        assert middle(analysis, "parallel-cost", "scale-up", target) == pytest.approx(1 / up, rel=0.03)


def test_a_speed_up_on_cores_of_its_own_is_ranked(tmp_path: Path) -> None:
    made = make_record(tmp_path, noise=0.002, profiles=(UP,))

    def apart(measured: object) -> object:
        assert isinstance(measured, ScaleMeasurement)
        points = (
            msgspec.structs.replace(point, placement=msgspec.structs.replace(point.placement, shared=()))
            for point in measured.points
        )
        return msgspec.structs.replace(measured, points=tuple(points))

    results = tuple(msgspec.structs.replace(r, measurement=apart(r.measurement)) for r in made.results)
    analysis = analyse(msgspec.structs.replace(made, results=results))
    for target, (_, up, _) in SCALES.items():
        assert middle(analysis, "speed-up", "scale-up", target) == pytest.approx(up, rel=0.03)
    assert next(s for s in analysis.rankings if s.metric == "speed-up").winner == "python"


def test_sections_have_charts_tables_and_say_what_is_shared(analysis: Analysis) -> None:
    sections = {section.title: section for section in non_load_sections(analysis)}
    floor, up, out = (sections[profile.title] for profile in (FLOOR, UP, OUT))
    assert [figure.title for section in (floor, up, out) for figure in section.figures if not figure.chart] == []
    assert "shares one with database and load generator" in up.note
    assert "fitted to 4 points or more" in up.note and "Here there is 1" in up.note
    assert "From 2 replicas on, they share cores" in out.note
    assert "with one replica already" in out.note and "16 database connections" in out.note
    targets = list(analysis.run.plan.targets)
    assert {row[0] for row in floor.tables[0].rows} == set(targets)
    assert [row[:2] for row in up.tables[0].rows[:2]] == [(targets[0], "1"), (targets[0], "2, shared")]
    assert [row[1] for row in out.tables[0].rows[:3]] == ["1", "2, sharing", "4, sharing"]


def test_a_floor_is_told_with_what_fails_below_and_what_it_costs(analysis: Analysis) -> None:
    section = next(section for section in non_load_sections(analysis) if section.title == FLOOR.title)
    java = next(row for row in section.tables[0].rows if row[0] == "java")
    assert java[1:4] == ("96.0\u00a0MiB", "92.0\u00a0MiB", "service: killed for want of memory")
    # Ten instances of 96 MiB at 100 requests/s.
    assert java[7] == "0.938\u00a0GiB" and java[8] == "3.04\u00a0$"
    assert len(section.tables[1].rows) == 6 * len(SCALES)


def test_a_floor_that_was_not_found_is_ranked_nowhere_and_says_why(tmp_path: Path) -> None:
    made = make_record(tmp_path, targets=("go", "rust"), profiles=(FLOOR,), blocks=1)

    def lost(measured: object) -> object:
        assert isinstance(measured, FloorMeasurement)
        return msgspec.structs.replace(measured, floor_mib=Missing("it does not hold under 1024 MiB either"))

    results = tuple(
        msgspec.structs.replace(r, measurement=lost(r.measurement)) if r.trial.target == "go" else r for r in made.results
    )
    analysis = analyse(msgspec.structs.replace(made, results=results))
    assert isinstance(analysis.estimate("memory-floor", "memory-floor", "go"), Missing)
    assert "does not hold under 1024 MiB" in render_report(analysis, made.folder)


def test_a_point_that_failed_leaves_the_others_and_ranks_nowhere(tmp_path: Path) -> None:
    made = make_record(tmp_path, targets=("go", "rust"), profiles=(OUT,))

    def lost(measured: object) -> object:
        assert isinstance(measured, ScaleMeasurement)
        *first, last = measured.points
        gone = ScalePoint(last.count, last.placement, Missing("service: gone"))
        return msgspec.structs.replace(measured, points=(*first, gone))

    results = tuple(
        msgspec.structs.replace(r, measurement=lost(r.measurement)) if r.trial.target == "go" else r for r in made.results
    )
    broken = analyse(msgspec.structs.replace(made, results=results))
    found = broken.estimate("replica-memory", "scale-out", "go")
    assert isinstance(found, Missing) and "4: service: gone" in found.reason
    (section,) = non_load_sections(broken)
    assert [row[1] for row in section.tables[0].rows if row[0] == "go"] == ["1", "2, sharing"]


def test_claims_are_judged(analysis: Analysis) -> None:
    verdicts = {finding.id: finding.verdict for finding in claim_results(analysis, read_claims())}
    assert verdicts["jvm-needs-memory"] == "supported"
    assert verdicts["go-fits-in-little"] == "supported"
    assert verdicts["one-process-uses-more-cores"] == "supported"
    assert verdicts["jvm-replicas-cost-memory"] == "supported"


def test_page_downloads_history_and_gate_have_the_axes(analysis: Analysis, record: Record) -> None:
    every = set().union(*AXES.values())
    assert set(frame(analysis)["metric"]) >= every
    # On a shared core nobody is ranked by it.
    assert {cell.metric for cell in cells(analysis)} >= every - {"speed-up"}
    text = render_report(analysis, record.folder)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert "Throughput on more cores" in text and "Throughput with more replicas" in text
    assert summary(make_view(analysis, record.folder))


def test_a_record_of_these_kinds_alone_tells_what_services_said_of_themselves(tmp_path: Path) -> None:
    analysis = analyse(make_record(tmp_path, targets=("go",), profiles=(UP,)))
    assert "target go" in dict(target_facts(analysis, "go").facts)["Reported by the service itself"]


def test_every_axis_reads_well_in_a_sentence() -> None:
    for kind, metrics in AXES.items():
        assert all(BY_ID[metric].kind == kind and BY_ID[metric].meaning.endswith(".") for metric in metrics)


def usl(n: int, lam: float, sigma: float, kappa: float) -> float:
    return lam * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))


@given(st.floats(10, 1e5), st.floats(0, 0.5), st.floats(0, 0.05))
def test_the_law_is_recovered_from_exact_points(lam: float, sigma: float, kappa: float) -> None:
    law = fit([(n, usl(n, lam, sigma, kappa)) for n in (1, 2, 4, 8, 16, 32)])
    assert law is not None
    assert law.lambda_ == pytest.approx(lam, rel=1e-3)
    assert law.sigma == pytest.approx(sigma, abs=1e-3) and law.kappa == pytest.approx(kappa, abs=1e-3)
    if kappa > 1e-3:
        assert law.peak == pytest.approx(max(1.0, ((1 - sigma) / kappa) ** 0.5), rel=0.05)


def test_better_than_linear_is_no_negative_parameter() -> None:
    law = fit([(n, usl(n, 1000.0, 0.05, -0.0005)) for n in (1, 2, 4, 8, 16)])
    assert law is not None and law.kappa == 0 and law.sigma > 0 and law.peak is None


def test_three_points_are_not_fitted() -> None:
    assert fit([(1, 100.0), (2, 190.0), (4, 350.0)]) is None
    assert fit([(1, 100.0), (2, 190.0), (2, 190.0), (4, 350.0)]) is None


def test_points_gather_trials_by_count(analysis: Analysis) -> None:
    trials = [s.whole for s in analysis.singles if s.trial.target == "go" and isinstance(s.whole, ScaleMeasurement)]
    points = points_of([trial for trial in trials if len(trial.points) == 3])
    assert [(at.count, len(at.levels)) for at in points] == [(1, 4), (2, 4), (4, 4)]
