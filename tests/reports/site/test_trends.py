"""The pages of a history of two hundred runs: their size, links, trends and list."""

from __future__ import annotations

import altair as alt
from site_desk import Desk, dead_links

from reports.charts.theme import whole
from reports.regression.history import append, read
from reports.site.trend_chart import trend_spec
from reports.site.trends import series_of


def test_two_hundred_runs_stay_under_twenty_megabytes_and_half_a_minute(big: tuple[Desk, float]) -> None:
    desk, seconds = big
    size = sum(map(len, desk.files().values()))
    assert size < 20e6
    assert seconds < 30
    assert sum(name.endswith("/report.html") for name in desk.files()) >= 10


def test_every_link_leads_somewhere(big: tuple[Desk, float]) -> None:
    assert dead_links(big[0].site) == []


def test_what_changed_is_found_named_and_first(big: tuple[Desk, float]) -> None:
    desk, _ = big
    (series,) = series_of(read(desk.history), {})
    changed = [trend for trend in series.trends if trend.changes]
    assert {trend.target for trend in changed} <= {"python", "go", "rust"}
    assert all(any(abs(c.at - 133) <= 2 for c in trend.changes) for trend in series.of_target("python"))
    assert sum(bool(t.changes) for t in series.trends if t.target != "python") <= 2
    ways = {trend.metric: trend.changes[0].way for trend in series.of_target("python")}
    assert (ways["throughput"], ways["p99"]) == ("better", "worse")
    page = next(desk.site.glob("trends/*/python.html")).read_text()
    assert "CPython 3.15" in page
    assert page.count("<figure") == page.count('<svg xmlns="http://www.w3.org/2000/svg" role="img"') == 20


def test_the_chart_of_a_trend_is_valid_vega_lite(big: tuple[Desk, float]) -> None:
    (series,) = series_of(read(big[0].history), {})
    trend = next(trend for trend in series.trends if trend.changes)
    spec = trend_spec(trend, series, [run.started[:10] for run in series.runs])
    alt.LayerChart.from_dict(whole(spec), validate=True)


def test_the_list_says_why_a_report_is_missing_and_what_a_gate_found(big: tuple[Desk, float]) -> None:
    page = (big[0].site / "index.html").read_text()
    assert "no room for it" in page
    assert "record not available" in page
    assert "one cell is slower in 8 pairs" in page
    assert '<span class="badge accepted">acknowledged</span> <bdi>CPython 3.15</bdi>' in page
    assert page.index("run-0199") < page.index("run-0100") < page.index("run-0001")


def test_series_never_mix(desk: Desk) -> None:
    base = {"go|cpu|p99": 100.0}
    append(desk.history, [desk.entry(i, base, method=2 + i % 2) for i in range(12)])
    assert [len(series.runs) for series in series_of(read(desk.history), {})] == [6, 6]
    assert desk.publish() == 0
    assert len(list(desk.site.glob("trends/*/go.html"))) == 2
    assert "method 2" in (desk.site / "index.html").read_text()


def test_a_verdict_of_the_history_counts_where_the_record_is_not_here(desk: Desk) -> None:
    append(desk.history, [desk.entry(1, {"go|cpu|p99": 1.0}, verdict="regressed")])
    assert desk.publish() == 0
    assert '<span class="badge regressed">regressed</span>' in (desk.site / "index.html").read_text()
    assert "run-0001 regressed" in (desk.site / "feed.xml").read_text()
