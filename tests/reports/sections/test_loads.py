"""What is said of loads: rows, sentences, standings, figures and tables, from synthetic records."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hdrh.histogram import HdrHistogram
from report_records import facts

from harness.record.histograms import read_encoded
from harness.record.measurement import Missing
from harness.record.reader import Record
from reports.analysis.analysis import analyse
from reports.analysis.samples import read_curves
from reports.export.view import make_view
from reports.metrics.level_stats import distributions
from reports.metrics.scopes import load_id, loads_of
from reports.sections.latency import latency_figures
from reports.sections.time_breakdown import limit_tables, parts_sections, route_tables
from reports.sections.warmup import warmup_figures


def test_targets_without_a_valid_trial_are_not_ranked_and_it_is_said(mixed: Record) -> None:
    analysis = analyse(mixed)
    for ranking in analysis.rankings:
        entries = {e.target: e for e in ranking.entries}
        if ranking.scope == "cpu@saturate":
            assert entries["java"].group is None
            assert entries["java"].estimate == Missing("no valid trial (generator limited)")
        if ranking.scope == "cpu@50/s" and ranking.metric == "cpu":
            assert entries["java"].group, "another level of the same trials stands"
        if ranking.scope.startswith("db"):
            assert entries["kotlin"].estimate == Missing("no valid trial (failed)")


def test_axes_that_mean_nothing_at_a_load_have_no_row(mixed: Record) -> None:
    found: dict[str, set[str]] = {}
    for ranking in analyse(mixed).rankings:
        found.setdefault(ranking.scope, set()).add(ranking.metric)
    everywhere, latency, tail = {"cpu", "working-set", "anonymous"}, {"p50", "p90"}, {"p99", "p99.9"}
    assert found == {
        # In a closed loop latency is throughput once more.
        "cpu@saturate": everywhere | {"throughput"},
        "cpu@50/s": everywhere | latency,
        "cpu@50/s GET /cpu/collatz": tail,
        "cpu@50/s POST /cpu/summarize": tail,
        "db@saturate": everywhere | {"throughput", "database-cpu"},
        "db@1000/s": everywhere | latency | {"database-cpu"},
        "db@1000/s GET /products/{id}": tail,
        "db@1000/s POST /orders": tail,
        "cpu": {"peak"},
        "db": {"peak"},
        "": {"image", "source-lines", "start"},
    }


def test_what_a_trial_has_once_counts_once(mixed: Record) -> None:
    """Start time and image: one value a trial, whatever its levels, and although the generator limited one of them."""
    start = next(s for s in analyse(mixed).rankings if s.metric == "start")
    trials = {r.trial.id: r.trial.target for r in mixed.results if not isinstance(r.measurement, Missing)}
    counted = {e.target: e.estimate.trials for e in start.entries if not isinstance(e.estimate, Missing)}
    assert counted == {target: list(trials.values()).count(target) for target in set(trials.values())}


def test_loads_say_what_they_are(detailed: Record) -> None:
    loads = {load.id: load for load in loads_of(detailed.run.plan)}
    assert {i: (load.title, load.ranked, load.equal_rates) for i, load in loads.items() if load.profile == "db"} == {
        "db@saturate": ("Database-bound, saturated", True, False),
        "db@1000/s": ("Database-bound, 1,000 requests/s", True, True),
        "db@25%": ("Database-bound, 25 % of own throughput", False, False),
        "db@75%": ("Database-bound, 75 % of own throughput", False, False),
        "db@GET /products/{id}": ("Database-bound, GET /products/{id} alone", False, False),
        "db@POST /orders": ("Database-bound, POST /orders alone", False, False),
    }


def test_details_rank_nobody(detailed: Record) -> None:
    scopes = {load_id(ranking.scope) for ranking in analyse(detailed).rankings}
    assert scopes == {"cpu@saturate", "cpu@50/s", "cpu", "db@saturate", "db@1000/s", "db", ""}


def test_capacity_is_ranked_by_profile_and_a_bound_is_shown_as_one(detailed: Record) -> None:
    found = [s for s in analyse(detailed).rankings if s.metric == "capacity"]
    assert [s.scope for s in found] == ["db"]
    assert found[0].entries[-1].target == "python"
    matrix = make_view(analyse(detailed), detailed.folder).matrices[0]
    cells = {c.target: c.value for g in matrix.groups for r in g.rows if r.title.startswith("Capacity") for c in r.cells}
    assert cells["rust"].startswith("≥ 2,")
    assert cells["go"].startswith("2,")


def test_a_failed_search_is_no_capacity(detailed: Record) -> None:
    replace = msgspec.structs.replace
    none = Missing("no rate met the objective, down to 1 requests/s")
    results = tuple(
        replace(r, measurement=replace(r.measurement, capacity=none)) if r.trial.target == "python" else r
        for r in detailed.results
    )
    found = next(s for s in analyse(replace(detailed, results=results)).rankings if s.metric == "capacity")
    assert found.entries[-1].estimate == none


def test_latency_is_shown_against_the_throughput_that_each_target_had(detailed: Record) -> None:
    p50, p99 = (f for f in latency_figures(analyse(detailed)) if "against throughput" in f.title)
    assert p50.chart and p99.chart
    go = {row[1]: row for row in p50.rows if row[0] == "go"}
    # 3,050 requests/s, and a mean of 1e6 / 3050 / (1 - 0.25) us of which log-normal noise makes the median a little less.
    assert 700 < float(go["25 % of own throughput"][2].split()[0].replace(",", "")) < 800
    assert 380 < float(go["25 % of own throughput"][3].split()[0]) < 450
    assert go["25 % of own throughput"][4] == "3 valid trials"
    assert go["75 % of own throughput"][4] == "not valid: unstable"
    assert [f.title for f in latency_figures(analyse(detailed)) if "CPU-bound" in f.title and "against" in f.title] == []


def test_latency_is_the_response_of_all_routes_of_its_level(detailed: Record) -> None:
    """The file also holds service times and the generator's lag, and the same routes at other levels."""
    trial = next(r for r in detailed.results if r.trial.id.endswith("-go-db"))
    assert not isinstance(trial.measurement, Missing)
    encoded = read_encoded(detailed.folder, trial.trial.id, "response")
    for level in trial.measurement.levels:
        found, by_route = distributions(encoded, level.level, list(level.routes))
        assert not isinstance(found, Missing)
        assert found.total == sum(route.requests for route in level.routes.values())
        assert {route: numbers.requests for route, numbers in level.routes.items()} == {
            route: each.total for route, each in by_route.items() if not isinstance(each, Missing)
        }


def test_time_by_route_has_the_cpu_of_routes_that_ran_alone(detailed: Record) -> None:
    ranked, shares = route_tables(analyse(detailed))
    assert [t.title for t in ranked] == [
        "CPU-bound, saturated", "CPU-bound, 50 requests/s", "Database-bound, saturated", "Database-bound, 1,000 requests/s",
    ]  # fmt: skip
    assert [t.title for t in shares] == ["Database-bound, 25 % of own throughput", "Database-bound, 75 % of own throughput"]
    cpu, db = ranked[0], ranked[2]
    assert "alone" not in cpu.headers[-1]
    assert cpu.rows[0][4] == "none", "these routes execute no statement"
    row = next(row for row in db.rows if row[:2] == ("GET /products/{id}", "go"))
    assert db.headers[-1] == "Service CPU, route alone"
    assert row[4] == "100\u00a0µs"
    # 0.97 of a core at 3,050 requests/s.
    assert float(row[5].split()[0]) == pytest.approx(0.97e6 / 3050, rel=0.05)


def test_what_limits_each_target_is_told_for_all_loads(detailed: Record) -> None:
    grid, reasons = limit_tables(analyse(detailed))
    found = {row[0]: row[1:] for row in grid.rows}
    assert len(found) == len(loads_of(detailed.run.plan)) + 1
    assert found["CPU-bound, saturated"] == ("service CPU",) * 3
    assert found["Database-bound, 1,000 requests/s"] == ("nothing",) * 3
    assert found["Database-bound, capacity search"] == ("load generator", "service CPU", "service CPU")
    told = next(row for row in reasons.rows if row[:2] == ("Database-bound, capacity search", "rust"))
    assert told[3].startswith("at least 2,")
    assert all(row[3] for row in reasons.rows)
    figure = parts_sections(analyse(detailed))[1].figures[0]
    assert figure.headers[-1] == "Limited by"
    assert {row[-1] for row in figure.rows} == {"PostgreSQL CPU"}


def test_percentiles_are_those_of_hdrhistogram_and_stop_where_samples_end() -> None:
    histograms = [HdrHistogram(1, 60_000_000, 3) for _ in range(2)]
    for i in range(20_000):
        histograms[i % 2].record_value(1 + (i * i) % 3_000_000)
    both = HdrHistogram(1, 60_000_000, 3)
    for histogram in histograms:
        both.add(histogram)
    encoded = {f"rate|response|{i}": bytes(histogram.encode()).decode() for i, histogram in enumerate(histograms)}
    merged, _ = distributions(encoded, "rate")
    assert not isinstance(merged, Missing)
    for percent in (1.0, 50.0, 90.0, 99.0, 99.5):
        assert merged.percentile(percent) == both.get_value_at_percentile(percent)
    assert isinstance(merged.percentile(99.6), Missing)


def test_curves_keep_all_cpu_time(mixed: Record) -> None:
    trial = analyse(mixed).representatives["rust", "cpu"]
    curves = read_curves(mixed.folder, trial.trial.id, trial.level.window_start_ns)
    assert not isinstance(curves, Missing)
    service = curves["service"]
    assert min(service.seconds) < 0 < trial.whole.levels[-1].window_start_ns / 1e9 - 5 < max(service.seconds)
    assert sum(service.cores) / len(service.cores) == pytest.approx(0.97, abs=0.02)


def test_curves_of_memory_are_read_from_records_of_each_method(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()

    def memory(header: str, *cells: str) -> tuple[float, ...]:
        lines = [f"{second}000000000,service,{second}00,{row}" for second, row in enumerate(cells)]
        (tmp_path / "samples" / "1.csv").write_text("\n".join((f"monotonic_ns,role,cpu_ns,{header}", *lines)) + "\n")
        curves = read_curves(tmp_path, "1", 0)
        assert not isinstance(curves, Missing)
        return curves["service"].working_set_bytes

    assert memory("memory_bytes,inactive_file_bytes,anonymous_bytes", "9,3,4", "9,3,4", "9,2,4") == (6, 7)
    added = "memory_bytes,inactive_file_bytes,anonymous_bytes,mapped_file_bytes"
    assert memory(added, "9,3,4,1", "9,3,4,1", "9,2,4,8") == (5, 12)
    # What was not measured is not drawn.
    assert memory(added, "9,3,4,", "9,3,4,", "9,2,4,") == ()


def test_time_parts_add_up(mixed: Record) -> None:
    analysis = analyse(mixed)
    parts = [p for p in analysis.parts if p.load == "db@saturate"]
    assert parts
    for part in parts:
        assert part.executor + part.database_cpu_beyond + part.service_cpu + part.rest == pytest.approx(part.response)
        # Three of four requests take 100 us of the executor, one 260.
        assert part.executor == pytest.approx(140, rel=0.001)
    assert {p.load for p in analysis.parts} == {load.id for load in analysis.loads}


def test_the_database_takes_all_of_its_cpu_time_not_the_executors_alone(mixed: Record) -> None:
    parts = {part.target: part for part in analyse(mixed).parts if part.load == "db@1000/s"}
    for target in ("rust", "python"):
        # The database's container used 0.6 of a core at the target's full throughput.
        assert parts[target].database == pytest.approx(0.6e6 / facts(target)[2], rel=0.05)
        assert parts[target].database_cpu_beyond == pytest.approx(parts[target].database - 140)
    idle = [part for part in analyse(mixed).parts if part.load.startswith("cpu@")]
    assert {part.database for part in idle} == {0.0}, "an idle database is no part of a request"


def test_the_warm_up_is_shown_as_a_share_of_what_the_target_then_held(mixed: Record) -> None:
    figures = warmup_figures(analyse(mixed))
    assert [figure.title for figure in figures] == ["Warm-up: CPU-bound, saturated", "Warm-up: Database-bound, saturated"]
    rust = next(row for row in figures[0].rows if row[0] == "rust")
    # Half of its speed in the first second, all of it from the third on, whose middle is at 2.5 s.
    assert rust[1:3] == ("50 %", "2.5 s")
