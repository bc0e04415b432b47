"""The profiles that ask a question of their own: what the report says of everyday load, a slow database, and waiters."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_levels import DATABASE_MICROSECONDS, SLOW_ROUTE, WAITER_SHARE
from report_records import ASKING, DOWNSTREAM_RATE, PROFILES, facts, make_record

from harness.record.measurement import Missing, RouteNumbers
from harness.record.reader import Record
from harness.record.trial_result import TrialResult
from loadtests.protocol.histogram import COUNTS, index_of
from reports.analysis.analysis import Analysis, LevelObservation, analyse
from reports.analysis.claims import claim_results, read_claims
from reports.analysis.cost_model import cost_inputs
from reports.export.html import render_report
from reports.export.markdown import summary
from reports.export.view import make_view
from reports.metrics.level_stats import Distribution
from reports.sections.elements import ProfileAnswer
from reports.sections.everyday_service import service_answer
from reports.sections.held_requests import most_held, outcome, waiters_answer
from reports.sections.slow_database import downstream_answer

TARGETS = ("rust", "go", "python")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Go can't hold 500 requests/s."""
    return make_record(
        tmp_path_factory.mktemp("asked"),
        targets=TARGETS,
        profiles=(*PROFILES, *ASKING),
        noise=0.003,
        verdicts={"-go-service@500/s": "unstable"},
    )


@pytest.fixture(scope="module")
def analysis(asked: Record) -> Analysis:
    return analyse(asked)


def changed(analysis: Analysis, target: str, load: str, **values: object) -> Analysis:
    """The same with the level of a target's trials at a load replaced in parts."""

    def change(m: LevelObservation) -> LevelObservation:
        if (m.trial.target, m.load.id) != (target, load):
            return m
        given = {k: v for k, v in values.items() if k != "distribution"}
        level = msgspec.structs.replace(m.level, **given)
        return msgspec.structs.replace(m, level=level, distribution=values.get("distribution", m.distribution))

    return msgspec.structs.replace(analysis, measured=tuple(change(m) for m in analysis.measured))


def make_died(analysis: Analysis) -> tuple[TrialResult, ...]:
    """Every trial as one in which the service ended."""
    gone = Missing("the service ended by itself")
    return tuple(msgspec.structs.replace(m.result, measurement=gone, verdict="failed") for m in analysis.measured)


def sentences(answer: ProfileAnswer | None) -> str:
    assert answer
    return " ".join("".join(span.text for span in said) for said in answer.said)


def row(answer: ProfileAnswer | None, target: str) -> tuple[str, ...]:
    assert answer
    return next(row for row in answer.table.rows if row[0] == target)


def all_at(microseconds: int, requests: int = 20_000, late: int = 0, late_microseconds: int = 0) -> Distribution:
    counts = np.zeros(COUNTS, dtype=np.int64)
    counts[index_of(microseconds)] = requests - late
    counts[index_of(late_microseconds)] += late
    return Distribution(counts)


def test_records_without_these_profiles_have_no_such_section(real: Record) -> None:
    assert make_view(analyse(real), real.folder).answers == ()
    assert 'id="questions"' not in render_report(analyse(real), real.folder)


def test_the_section_has_a_chart_and_a_table_for_each_and_the_summary_its_sentences(
    asked: Record, analysis: Analysis
) -> None:
    view = make_view(analysis, asked.folder)
    assert [answer.id for answer in view.answers] == ["service", "downstream", "waiters"]
    assert all(answer.figure.chart and answer.figure.rows and answer.table.rows and answer.said for answer in view.answers)
    text = render_report(analysis, asked.folder)
    assert re.search(r'<div id="questions">.*<h4 id="service">.*<h4 id="downstream">.*<h4 id="waiters">', text, re.DOTALL)
    assert "<summary>Slow database</summary>" in summary(view)
    titles = [group.title for group in view.matrices[0].groups]
    assert {"Everyday service, 500 requests/s", "Slow database, saturated", "Waiters, 4,000 requests held"} <= set(titles)


def test_a_target_that_does_not_hold_the_rate_is_named_with_what_it_can_do(analysis: Analysis) -> None:
    answer = service_answer(analysis)
    assert "go has no valid trial at 500 requests/s: a synthetic problem at 500/s. Saturated, it answers 3," in sentences(
        answer
    )
    assert row(answer, "go")[1:6] == ("–",) * 5
    assert row(answer, "go")[6].endswith("/s")


def test_the_everyday_service_says_what_cpu_it_takes_and_where_the_time_goes(analysis: Analysis) -> None:
    answer = service_answer(analysis)
    # 500 requests/s of those that the target does with 97 % of its one core.
    used = {target: 500 / facts(target)[2] * 97 for target in ("rust", "python")}
    for target, percent in used.items():
        assert float(row(answer, target)[3].removesuffix(" %")) == pytest.approx(percent, rel=0.05)
    said = sentences(answer)
    low, high = (float(figure) for figure in re.findall(r"uses (\S+) % of its cores and python uses (\S+) %", said)[0])
    assert (low, high) == (pytest.approx(used["rust"], rel=0.05), pytest.approx(used["python"], rel=0.05))
    assert re.search(
        r"Their p99 of GET /products/\{id\} are \d+\s\S+ and \d\.\d+\sms\. "
        r"The database takes 3\d% to 5\d% of the mean response time",
        said,
    )


def test_a_statement_that_sleeps_is_a_wait_and_no_cpu_time_of_the_database(analysis: Analysis) -> None:
    for part in analysis.parts:
        if part.load.startswith("downstream@"):
            # It sleeps for 20 ms, and uses 120 us.
            assert part.executor == pytest.approx(DATABASE_MICROSECONDS[SLOW_ROUTE])
            assert part.database_cpu_beyond == 0


def test_the_pools_ceiling_is_its_connections_by_postgresqls_own_time(analysis: Analysis) -> None:
    answer = downstream_answer(analysis)
    allows = 16 / (DATABASE_MICROSECONDS[SLOW_ROUTE] / 1e6)
    assert row(answer, "go")[1] == f"{allows:.0f}\u00a0/s"
    reached = DOWNSTREAM_RATE / allows
    assert f"go reaches {reached:.0%} of it" in sentences(answer) or f"go reaches {reached - 0.01:.0%}" in sentences(answer)
    assert row(answer, "go")[4] == "connection pool"


def test_a_faster_language_saves_nine_tenths_of_the_services_cpu_time_and_nothing_else(analysis: Analysis) -> None:
    """0.194 ms of CPU in a response of 20.5 ms, whatever the language."""
    answer = downstream_answer(analysis)
    response = 1.02 * DATABASE_MICROSECONDS[SLOW_ROUTE]
    wanted = 0.97 / 5000 * 1e6 * 0.9 / response * 100
    assert float(row(answer, "python")[7].removesuffix(" %")) == pytest.approx(wanted, rel=0.05)
    assert "would answer 0.8" in sentences(answer)
    assert "but could not exceed the pool's ceiling" in sentences(answer)


def test_memory_per_waiter_is_what_comes_on_top_of_the_idle_base(analysis: Analysis) -> None:
    for load in ("waiters@250/held", "waiters@10000/held"):
        found = analysis.estimate("waiter-memory", load, "python")
        assert found
        assert not isinstance(found, Missing)
        wanted = facts("python")[3] * 0.8 * 2**20 * WAITER_SHARE
        # Noise on all of the memory is noise on what 250 waiters took of it.
        assert found.median == pytest.approx(wanted, rel=0.1 if load.endswith("10000/held") else 0.3)


def test_the_cost_model_takes_it_from_where_most_are_held(analysis: Analysis) -> None:
    rates = {each.target: each for each in cost_inputs(analysis).rates}
    found = analysis.estimate("waiter-memory", "waiters@10000/held", "go")
    assert found
    assert not isinstance(found, Missing)
    assert (waiter := rates["go"].waiter)
    assert waiter.mid == found.median
    less = msgspec.structs.replace(analysis, loads=tuple(x for x in analysis.loads if not x.held))
    assert {each.waiter for each in cost_inputs(less).rates} == {None}


def test_axes_of_held_requests_are_judged_there_alone(analysis: Analysis) -> None:
    scopes: dict[str, set[str]] = {}
    for ranking in analysis.rankings:
        scopes.setdefault(ranking.metric, set()).add(ranking.scope)
    held = {f"waiters@{n}/held" for n in (250, 1000, 4000, 10_000)}
    assert scopes["waiter-memory"] == scopes["wait"] == held
    assert not held & (scopes["throughput"] | scopes["p50"] | scopes["p99"])
    assert held < scopes["cpu"]


def test_who_keeps_time_holds_all_and_a_disturbed_trial_speaks_against_nobody(analysis: Analysis) -> None:
    """Where others of its trials stand; where none does, the number is passed over."""
    first = next(m for m in analysis.measured if (m.trial.target, m.load.id) == ("rust", "waiters@1000/held"))
    unstable = msgspec.structs.replace(first, level=msgspec.structs.replace(first.level, verdict="unstable"))
    once = msgspec.structs.replace(analysis, measured=tuple(unstable if m is first else m for m in analysis.measured))
    assert outcome(once, "rust", first.load, last=False).kept is True
    assert row(waiters_answer(once), "rust") == ("rust", "10,000", "not reached")
    said = "rust, go and python each hold 10,000 requests at once without an error and on time."
    assert sentences(waiters_answer(once)).startswith(said)
    always = changed(analysis, "rust", "waiters@10000/held", verdict="unstable", problems=("other work",))
    assert row(waiters_answer(always), "rust") == ("rust", "4,000", "at 10,000: other work")


def test_errors_stop_a_target_below_that_number(tmp_path: Path) -> None:
    verdicts = {"-python-waiters@4000/held": "failed"}
    found = analyse(make_record(tmp_path, targets=TARGETS, profiles=ASKING[2:], verdicts=verdicts))  # type: ignore[arg-type]
    answer = waiters_answer(found)
    assert row(answer, "python") == ("python", "1,000", "at 4,000: a synthetic problem at 4000/held")
    assert "python holds 1,000 requests at once" in sentences(answer)


def test_a_service_that_dies_holds_none(tmp_path: Path) -> None:
    verdicts = {"-python-waiters": "failed"}
    found = analyse(make_record(tmp_path, targets=TARGETS, profiles=ASKING[2:], verdicts=verdicts))  # type: ignore[arg-type]
    assert row(waiters_answer(found), "python") == ("python", "none", "at 250: service: ended at once with status 1")


def test_a_service_that_died_once_does_not_hold_the_most_and_holds_what_its_other_trials_did(tmp_path: Path) -> None:
    found = analyse(make_record(tmp_path, targets=TARGETS, profiles=ASKING[2:]))  # type: ignore[arg-type]
    died = next(r for r in make_died(found) if r.trial.target == "python")
    told = msgspec.structs.replace(
        found,
        not_valid=(died,),
        measured=tuple(m for m in found.measured if m.trial.id != died.trial.id),
    )
    assert row(waiters_answer(told), "python") == ("python", "4,000", "at 10,000: the service ended by itself")


@pytest.mark.parametrize(("late", "keeps"), [(199, True), (201, False)])
def test_one_in_a_hundred_may_be_late(analysis: Analysis, late: int, keeps: bool) -> None:
    late_answers = all_at(2_001_000, late=late, late_microseconds=2_150_000)
    found = changed(analysis, "go", "waiters@4000/held", distribution=late_answers)
    load = next(load for load in found.loads if load.id == "waiters@4000/held")
    assert outcome(found, "go", load, last=False).kept is keeps
    outcomes = [outcome(found, "go", load, last=load.connections == 10_000) for load in found.loads if load.held]
    assert most_held(outcomes) == (10_000 if keeps else 1000)
    if not keeps:
        assert row(waiters_answer(found), "go")[2] == "at 4,000: more than 1% of the answers came more than 5% late"


def test_few_answers_have_a_share_on_time_but_no_percentile(analysis: Analysis) -> None:
    found = changed(analysis, "go", "waiters@4000/held", distribution=all_at(2_001_000, requests=500))
    answer = waiters_answer(found)
    assert answer
    cells = next(row for row in answer.figure.rows if row[:2] == ("go", "4,000"))
    assert cells[2] == "2,000 ms"
    assert cells[6:8] == ("too few requests", "100.00%")


def test_errors_are_counted_from_the_books_of_all_trials(analysis: Analysis) -> None:
    routes = {"GET /wait": RouteNumbers(100, 3, 500_000.0, 105, 2)}
    answer = waiters_answer(changed(analysis, "go", "waiters@1000/held", routes=routes))
    assert answer
    assert next(row for row in answer.figure.rows if row[:2] == ("go", "1,000"))[3] == "15"


def test_claims_find_their_places(analysis: Analysis) -> None:
    found = {finding.id: finding for finding in claim_results(analysis, read_claims())}
    assert found["python-meets-the-objective"].verdict != "not measured"
    assert found["memory-decides-cost"].verdict != "not measured"
    assert found["a-slow-database-levels"].verdict == "supported"
    assert found["waiting-keeps-time"].verdict == "supported"
    assert all("waiters@" not in figure for finding in found.values() for figure in finding.figures)
