"""The tail of a mix is that of its dearest statement, so targets are ranked by the tail of each route."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from report_records import PROFILES, make_record
from sliced_records import sliced

from harness.cli.gate import _load
from harness.record.histograms import LevelHistograms
from harness.record.measurement import Measurement, Missing
from harness.record.reader import Record
from harness.record.trial_result import TrialResult
from harness.record.writer import RecordWriter
from loadtests.protocol.histogram import encode, index_of
from loadtests.protocol.messages import RouteResult
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.cells import cells, parts_of
from reports.analysis.claims import Condition, claim_results, read_claims
from reports.analysis.ranking import Ranking
from reports.export.citations import refreshed
from reports.export.tables import frame
from reports.metrics.catalogue import STATEMENTS
from reports.metrics.scopes import load_id
from reports.regression.history import entry_of
from reports.regression.screening import judge
from reports.sections.latency import latency_figures
from reports.sections.win_matrix import make_matrix
from reports.stats.intervals import Estimate

LOAD, LEVEL = "db@1000/s", "1000/s"
PRODUCT, ORDERS = "GET /products/{id}", "POST /orders"
#: The slowest fiftieth of the product reads; a tenth of the orders takes longer, in both languages alike.
SLOW_PRODUCT = {"rust": 2_000, "go": 6_000}
SLOW_ORDER = 30_000
TAILS = {"p99", "p99.9"}


def _result(route: str, requests: int, slow_share: float, slow: int, block: int) -> RouteResult:
    late = int(requests * slow_share)
    # A little noise, the same for both targets of a block.
    counts = {index_of(1_000 + block): requests - late, index_of(slow + 10 * block): late}
    return RouteResult(route, requests, requests, 0, 0, 0, 0, 0, encode(counts), "", "")


def _write(writer: RecordWriter, result: TrialResult) -> None:
    assert isinstance(result.measurement, Measurement)
    level = result.measurement.at(LEVEL)
    assert level
    block = result.trial.block
    made = (
        _result(PRODUCT, level.routes[PRODUCT].requests, 0.02, SLOW_PRODUCT[result.trial.target], block),
        _result(ORDERS, level.routes[ORDERS].requests, 0.1, SLOW_ORDER, block),
    )
    writer.histograms(result.trial.id, 0.0, [LevelHistograms(LEVEL, 0.0, level.window_seconds, made)])


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Go's slow product reads take three times as long as Rust's. The slow orders of both hide that in the mix."""
    folder = tmp_path_factory.mktemp("tails") / "record"
    profile = replace(PROFILES[1], levels=PROFILES[1].levels[1:])
    made = make_record(folder, targets=("rust", "go"), profiles=(profile,))
    writer = RecordWriter(folder)
    for result in made.results:
        _write(writer, result)
    return made


@pytest.fixture(scope="module")
def analysis(record: Record) -> Analysis:
    return analyse(record)


@pytest.fixture(scope="module")
def older(record: Record) -> Analysis:
    return analyse(replace(record, run=replace(record.run, method=6)))


def ranking(analysis: Analysis, metric: str, scope: str) -> Ranking | None:
    return next((r for r in analysis.rankings if (r.metric, r.scope) == (metric, scope)), None)


def test_the_tail_of_a_route_tells_targets_apart_where_that_of_the_mix_does_not(analysis: Analysis, older: Analysis) -> None:
    mix, route = ranking(older, "p99", LOAD), ranking(analysis, "p99", f"{LOAD} {PRODUCT}")
    assert mix and mix.winner is None and mix.note == "tie"
    assert route and route.winner == "rust" and route.lead
    assert route.lead.ahead == pytest.approx(3, rel=0.02)
    assert ranking(analysis, "p99", LOAD) is None
    assert ranking(analysis, "p99.9", LOAD) is None


def test_the_middle_stays_that_of_the_mix(analysis: Analysis) -> None:
    found = {r.scope: {x.metric for x in analysis.rankings if x.scope == r.scope} for r in analysis.rankings}
    assert {"p50", "p90", "cpu"} < found[LOAD] and not TAILS & found[LOAD]
    assert found[f"{LOAD} {PRODUCT}"] == found[f"{LOAD} {ORDERS}"] == TAILS


def test_a_route_with_too_few_requests_says_so(analysis: Analysis) -> None:
    found = ranking(analysis, "p99", f"{LOAD} {ORDERS}")
    assert found and not found.leaders
    for entry in found.entries:
        assert isinstance(entry.estimate, Missing)
        assert re.fullmatch(r"only 35 of 3,500 requests lie beyond it; 100 are the least", entry.estimate.reason)


def test_in_slices_a_start_needs_fewer_requests_of_the_route_as_well(record: Record) -> None:
    found = ranking(analyse(sliced(record, lambda trial, number: 1.0)), "p99", f"{LOAD} {ORDERS}")
    assert found and found.note == "tie"


def test_a_late_generator_takes_the_tail_of_each_route(record: Record) -> None:
    def late(result: TrialResult) -> TrialResult:
        whole = result.measurement
        assert isinstance(whole, Measurement)
        levels = tuple(replace(level, latency_problem="sent late") for level in whole.levels)
        return replace(result, measurement=replace(whole, levels=levels))

    analysis = analyse(replace(record, results=tuple(map(late, record.results))))
    for route in (PRODUCT, ORDERS):
        assert analysis.estimate("p99", f"{LOAD} {route}", "go") == Missing("sent late")


def test_the_generators_delay_is_compared_with_the_tail_of_the_route(record: Record) -> None:
    """0.3 ms late: over a tenth of Rust's 2 ms, under a tenth of Go's 6 ms and of the mix's 30 ms."""

    def late(result: TrialResult) -> TrialResult:
        whole = result.measurement
        assert isinstance(whole, Measurement)
        levels = tuple(replace(level, lag_p99_microseconds=300.0) for level in whole.levels)
        return replace(result, measurement=replace(whole, levels=levels))

    analysis = analyse(replace(record, results=tuple(map(late, record.results))))
    rust, go = (analysis.estimate("p99", f"{LOAD} {PRODUCT}", target) for target in ("rust", "go"))
    assert isinstance(rust, Missing) and rust.reason.startswith("the generator was late by 0.3 ms at p99, over a tenth")
    assert isinstance(go, Estimate)


def test_a_load_of_one_route_and_older_records_rank_the_tail_as_a_whole(older: Analysis, tmp_path: Path) -> None:
    assert not [scope for scope in older.scopes if scope.route]
    level = replace(PROFILES[1].levels[1], routes=(PRODUCT,))
    profile = replace(PROFILES[1], routes=(PRODUCT,), levels=(level,))
    alone = analyse(make_record(tmp_path / "alone", targets=("rust", "go"), profiles=(profile,)))
    assert ranking(alone, "p99", LOAD) and not [scope for scope in alone.scopes if scope.route]


def test_all_other_cells_keep_their_names(analysis: Analysis, older: Analysis) -> None:
    now, before = ({cell.name for cell in cells(each)} for each in (analysis, older))
    assert {parts_of(name)[1:] for name in before - now} == {(LOAD, "p99")}
    assert {parts_of(name)[1:] for name in now - before} == {(f"{LOAD} {PRODUCT}", "p99")}
    assert f"go|{LOAD} {PRODUCT}|p99" in now
    assert f"go|{LOAD}|{STATEMENTS}" in now


def test_a_route_whose_tail_is_lost_is_no_lost_load(analysis: Analysis) -> None:
    past = entry_of(analysis)
    past = replace(past, cells={**past.cells, f"go|{LOAD} {ORDERS}|p99": 30_000.0})
    judged = judge(analysis, [past], analysis.run.configuration.gate, {})
    # It is named, as one value, and the load is not called lost.
    assert [cell.cell for cell in judged if cell.state == "not judged"] == [f"go|{LOAD} {ORDERS}|p99"]
    assert f"go|{LOAD} {PRODUCT}|p99" in {cell.cell for cell in judged}


def test_a_flagged_route_is_measured_again_at_its_load() -> None:
    assert _load(f"{LOAD} {PRODUCT}", "cpu") == ("db", LEVEL)
    assert _load("db@GET /products/{id}/s", "cpu") == ("db", "GET /products/{id}/s")
    assert load_id(LOAD) == load_id(f"{LOAD} {PRODUCT}") == LOAD


def test_the_latency_table_has_the_tail_by_route_and_says_which_has_none(analysis: Analysis, older: Analysis) -> None:
    (figure,) = latency_figures(analysis)
    assert figure.headers == ("Target", "p50", "p75", "p90", "p95", f"p99 of {PRODUCT}")
    assert {row[0]: row[-1].split()[0] for row in figure.rows}.keys() == {"rust", "go"}
    assert f"Not told: {ORDERS} (only 35 of 3,500 requests lie beyond it; 100 are the least)." in figure.reading
    (before,) = latency_figures(older)
    assert before.headers[-3:] == ("p99", "p99.9", "p99.99") and "by the p99 of each route" not in before.reading


def test_routes_stand_in_the_group_of_their_load(analysis: Analysis) -> None:
    groups = {group.title: [row.title for row in group.rows] for group in make_matrix(analysis, "standard").groups}
    assert list(groups) == ["Database-bound, 1,000 requests/s", "Database-bound, whole trial", "Whole run"]
    tails = [title for title in groups["Database-bound, 1,000 requests/s"] if title.startswith("Latency p99")]
    assert tails == [f"Latency p99, {PRODUCT}"]


def test_tables_and_citations_name_the_route(analysis: Analysis) -> None:
    table = frame(analysis)
    rows = table[(table["metric"] == "p99") & (table["target"] == "go")]
    assert list(zip(rows["profile"], rows["level"], strict=True)) == [
        ("db", f"{LEVEL} {PRODUCT}"),
        ("db", f"{LEVEL} {ORDERS}"),
    ]
    cited = refreshed(f'[?](results.csv "p99 {LOAD} {PRODUCT} go / rust")', analysis)
    assert cited.startswith(("[×3.0", "[×2.9"))


def test_a_claim_on_the_tail_is_judged_on_the_route_or_in_older_records_on_the_mix(
    analysis: Analysis, older: Analysis
) -> None:
    test = Condition("p99", f"{LOAD} {PRODUCT}", ("Go",), fallback=LOAD, at_most=10_000.0)
    claim = replace(read_claims()[0], test=(test,))
    ((now,), (before,)) = (claim_results(each, [claim]) for each in (analysis, older))
    assert (now.verdict, before.verdict) == ("supported", "contradicted")
    assert f"Database-bound, 1,000 requests/s, {PRODUCT}: go" in now.figures[0]
