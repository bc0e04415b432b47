"""The gate: what it flags, what it believes only after a second look, and what it never takes for a regression."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from paired_records import (
    COLLATZ,
    PRODUCT,
    PROFILES,
    Change,
    changed,
    no_answer,
    one_more_statement,
    pairs_record,
    slower,
    unchanged,
    with_speed,
)
from report_records import make_record, run_of, write_trial

from harness.errors import UsageError
from harness.record.config import GateSection
from harness.record.measurement import LevelMeasurement, StatementCount
from harness.record.plan import BASE, Trial
from harness.record.reader import read_record
from harness.record.writer import RecordWriter
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.cells import cells
from reports.comparison.changes import paired_changes
from reports.comparison.matched_cells import all_pairs, pairs_of
from reports.regression.confirmation import baseline, confirm, confirmed, settled
from reports.regression.gate import decide
from reports.regression.gate_result import EXIT_STATUS, EvaluatedCell, read_gate, write_gate
from reports.regression.history import HistoryEntry, entry_of, series
from reports.regression.sanity_checks import noise_floors, speed_problem, twins_problem
from reports.regression.screening import MIN_RUNS, judge, screen

GATE = GateSection()


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> HistoryEntry:
    folder = tmp_path_factory.mktemp("gate") / "record"
    made = entry_of(analyse(make_record(folder, targets=("go", "go-twin"), blocks=3, profiles=PROFILES)))
    # The record's maker takes the twin for another service; twins are equal.
    return msgspec.structs.replace(made, cells={n: made.cells[n.replace("go-twin|", "go|")] for n in made.cells})


def night(entry: HistoryEntry, number: int, cells: Mapping[str, float] | None = None, spread: float = 0.02) -> HistoryEntry:
    """A run like another, with noise of its own."""
    rng = random.Random(number)
    noisy = {name: value * rng.lognormvariate(0, spread) for name, value in entry.cells.items() if "statements" not in name}
    fixed = {name: value for name, value in entry.cells.items() if "statements" in name}
    return msgspec.structs.replace(
        entry, run=f"run-{number:03}", started=f"2026-01-01T00:00:00.{number:03}", cells={**fixed, **noisy, **(cells or {})}
    )


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Change], Analysis]:
    """A run of the gate with a change in it."""
    run = run_of(("go", "go-twin"), 3, {}, PROFILES)

    def make(change: Change) -> Analysis:
        folder = tmp_path_factory.mktemp("head")
        writer = RecordWriter(folder)
        writer.begin(run)
        for trial in run.plan.trials:
            made = write_trial(writer, run, msgspec.structs.replace(trial, target="go"), 0.01)
            writer.append(changed(msgspec.structs.replace(made, trial=trial), change))
        return analyse(read_record(folder))

    return make


def by_name(judged: tuple[EvaluatedCell, ...]) -> dict[str, EvaluatedCell]:
    return {cell.cell: cell for cell in judged}


def test_a_slower_route_is_flagged_confirmed_and_named_and_nothing_else_is(
    tmp_path: Path, entry: HistoryEntry, head: Callable[[Change], Analysis]
) -> None:
    change = slower("GET /cpu/collatz", 1.12)
    now = head(change)
    history = [night(entry, number) for number in range(20)]
    judged = judge(now, history, GATE, {})
    assert [cell.cell for cell in judged if cell.state == "flagged"] == [COLLATZ]
    assert {cell.state for cell in judged} == {"flagged", "fine"}
    again = pairs_record(tmp_path / "again", change)
    (found,) = confirmed([([by_name(judged)[COLLATZ]], again)])
    assert (found.state, found.metric, found.scope) == ("regressed", "CPU per request", "CPU-bound, GET /cpu/collatz alone")
    assert found.confirmation is not None
    assert 1.08 < found.confirmation.worse < 1.16
    gate = decide(now.run, [found], [], "run-019")
    assert (gate.verdict, gate.exit_status) == ("regressed", 1)
    assert "GET /cpu/collatz" in gate.reasons[0]


def test_what_is_flagged_and_not_worse_when_measured_again_is_no_regression(
    tmp_path: Path, entry: HistoryEntry, head: Callable[[Change], Analysis]
) -> None:
    judged = judge(head(slower("GET /cpu/collatz", 1.12)), [night(entry, n) for n in range(20)], GATE, {})
    (found,) = confirmed([([by_name(judged)[COLLATZ]], pairs_record(tmp_path / "again", unchanged))])
    assert found.state == "not regressed"
    assert decide(head(unchanged).run, [found], [], "base").exit_status == 0


def test_one_more_statement_is_found_though_its_trials_fail(
    tmp_path: Path, entry: HistoryEntry, head: Callable[[Change], Analysis]
) -> None:
    judged = judge(head(one_more_statement), [night(entry, n) for n in range(20)], GATE, {})
    flagged = [cell for cell in judged if cell.state == "flagged"]
    # Not the share of valid trials as well: the statement is why.
    assert [cell.cell for cell in flagged] == [PRODUCT]
    (found,) = confirmed([(flagged, pairs_record(tmp_path / "again", one_more_statement))])
    assert found.state == "regressed"
    assert found.confirmation is not None
    assert found.confirmation.worse == pytest.approx(2.0)
    assert "outside the contract" in found.reason


def test_the_golden_cases_of_a_trial_are_no_statements_of_a_route_that_has_none(head: Callable[[Change], Analysis]) -> None:
    def golden(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
        if level.level != "GET /cpu/collatz":
            return level
        return msgspec.structs.replace(level, statements=(StatementCount("product", 11, 13, 1.0),))

    assert not [cell for cell in cells(head(golden)) if cell.name == "go|cpu@GET /cpu/collatz|statements"]


def test_a_target_that_answers_no_more_is_a_regression(
    tmp_path: Path, entry: HistoryEntry, head: Callable[[Change], Analysis]
) -> None:
    judged = judge(head(no_answer), [night(entry, n) for n in range(20)], GATE, {})
    flagged = [cell for cell in judged if cell.state == "flagged"]
    assert [(cell.metric, cell.reason) for cell in flagged] == [("Share of valid trials", "7 requests failed")]
    assert [c.state for c in confirmed([(flagged, pairs_record(tmp_path / "again", no_answer))])] == ["regressed"]
    assert [c.state for c in confirmed([(flagged, pairs_record(tmp_path / "fine", unchanged))])] == ["not regressed"]


def test_under_ten_runs_it_learns(entry: HistoryEntry, head: Callable[[Change], Analysis]) -> None:
    judged = judge(head(slower("GET /cpu/collatz", 2.0)), [night(entry, n) for n in range(MIN_RUNS - 1)], GATE, {})
    assert {cell.state for cell in judged} == {"learning"}
    assert decide(head(unchanged).run, judged, [], None).exit_status == 0


def test_the_same_image_is_never_a_regression_but_twice_in_a_row_is_told(
    entry: HistoryEntry, head: Callable[[Change], Analysis]
) -> None:
    history = [night(entry, n) for n in range(20)]
    flagged = by_name(judge(head(slower("GET /cpu/collatz", 1.15)), history, GATE, {}))[COLLATZ]
    images = dict(entry.images)
    assert settled(flagged, history, images).state == "not regressed"
    slow = night(entry, 20, {COLLATZ: entry.cells[COLLATZ] * 1.15})
    assert settled(flagged, [*history, slow], images).state == "inconclusive"
    assert settled(flagged, history, {**images, "go": "sha256:other"}).state == "flagged"


def test_an_image_that_grew_needs_no_second_look(entry: HistoryEntry) -> None:
    cell = "go||image"
    flagged = EvaluatedCell(cell, "go", "Whole run", "Image size", "bytes", 2.0, 1.0, 1.0, 0.0, 0.05, 20, "flagged")
    assert settled(flagged, [entry], {"go": "sha256:other"}).state == "regressed"


def test_a_run_that_regressed_or_is_invalid_is_no_baseline_unless_it_is_accepted(entry: HistoryEntry) -> None:
    from reports.regression.history import SCHEMA, Accept, History

    runs = [msgspec.structs.replace(night(entry, n), verdict=v) for n, v in enumerate(("fine", "regressed", "invalid", ""))]
    assert [e.run for e in series(History(tuple(runs), (), ()), entry.key)] == ["run-000", "run-003"]
    accepted = (Accept(SCHEMA, "run-001", "now", "someone", "a new JDK"),)
    assert [e.run for e in series(History(tuple(runs), accepted, ()), entry.key)] == ["run-001", "run-003"]


def test_a_machine_that_computes_slower_makes_the_run_invalid(entry: HistoryEntry) -> None:
    quick = {"machine||canary": 90.0}
    history = [night(entry, n, {"machine||canary": 90.0 + 0.1 * (n % 3)}) for n in range(12)]
    assert speed_problem(quick, history, GATE) is None
    problem = speed_problem({"machine||canary": 96.0}, history, GATE)
    assert problem is not None and "slower" in problem
    faster = speed_problem({"machine||canary": 84.0}, history, GATE)
    assert faster is not None and "faster" in faster


def test_twins_apart_make_the_run_invalid_and_set_the_floor(entry: HistoryEntry) -> None:
    history = [night(entry, n, spread=0.01) for n in range(20)]
    assert twins_problem(night(entry, 21, spread=0.01).cells, history, GATE) is None
    twin = COLLATZ.replace("go|", "go-twin|")
    problem = twins_problem({**entry.cells, twin: entry.cells[COLLATZ] * 1.2}, history, GATE)
    assert problem is not None and "twins of go" in problem
    floor = noise_floors(entry.cells, history)["cpu"]
    assert 0.004 < floor < 0.025


def test_pairs_of_a_comparison_show_what_changed_as_a_ratio_of_now_to_before(tmp_path: Path) -> None:
    found = paired_changes(pairs_record(tmp_path / "slower", slower("GET /cpu/collatz", 1.15)))
    assert [(row.axis, row.target, row.verdict) for row in found.changed] == [("CPU per request", "go", "worse")]
    assert found.changed[0].ratio.startswith("1.1")


def test_a_neighbour_that_slows_the_heads_alone_is_taken_out(tmp_path: Path) -> None:
    """The heads met a busier machine, by chance, each time: without the canary that is a clear regression."""
    rng = random.Random(4)
    factors: dict[str, float] = {}

    def factor(trial: Trial) -> float:
        extra = 1.12 if trial.target == "go" else 1.0
        return factors.setdefault(trial.id, extra * rng.uniform(1.0, 1.3))

    again = pairs_record(tmp_path / "again", with_speed(factor), noise=0.01)
    assert confirm({COLLATZ: all_pairs(again)[COLLATZ]})[COLLATZ].worse < 1.05
    plain = {c.name: c.trials for c in cells(again)}
    raw = pairs_of(plain[COLLATZ.replace("go|", f"go{BASE}|")], plain[COLLATZ], "lower")
    assert confirm({COLLATZ: raw})[COLLATZ].worse > 1.08


def test_the_screen_takes_out_what_the_machine_explains() -> None:
    rng = random.Random(5)
    slow = [rng.uniform(-0.2, 0.2) for _ in range(20)]
    past = [100 * math.exp(0.8 * s + rng.gauss(0, 0.01)) for s in slow]
    covariate = [slow]
    assert not screen(past, 109.0, "lower", 0.05).flagged
    found = screen(past, 109.0, "lower", 0.05, covariate)
    assert found.flagged
    assert found.before == pytest.approx(100, rel=0.01)


def test_a_gate_is_read_back_as_it_was_written(tmp_path: Path, head: Callable[[Change], Analysis]) -> None:
    gate = decide(head(unchanged).run, [], ["the machine moved"], None)
    assert (gate.verdict, gate.exit_status) == ("invalid", 3)
    write_gate(gate, tmp_path)
    assert read_gate(tmp_path) == gate
    assert read_gate(tmp_path / "nowhere") is None
    for bad in (b'{"schema": 1, "run": "\xff"}', b"[" * 100_000, b""):
        (tmp_path / "gate.json").write_bytes(bad)
        with pytest.raises(UsageError, match=r"gate\.json can't be read"):
            read_gate(tmp_path)


def test_exit_codes_are_those_of_the_documentation() -> None:
    assert EXIT_STATUS == {"fine": 0, "learning": 0, "regressed": 1, "inconclusive": 3, "invalid": 3}


def test_what_was_disturbed_is_not_judged_and_no_alarm(entry: HistoryEntry, head: Callable[[Change], Analysis]) -> None:
    def disturbed(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
        if trial.target != "go" or level.level != "POST /orders":
            return level
        return msgspec.structs.replace(level, verdict="unstable", problems=("other work took 9% of the service's cores",))

    now = head(disturbed)
    judged = judge(now, [night(entry, n) for n in range(20)], GATE, {})
    assert [(c.reason, c.metric) for c in judged if c.state == "not judged"] == [
        ("other work took 9% of the service's cores", "Share of valid trials")
    ]
    gate = decide(now.run, judged, [], "base")
    assert (gate.verdict, gate.exit_status) == ("fine", 0)
    assert "other work took" in gate.reasons[0]


def test_a_regression_that_was_missed_last_night_is_no_baseline_of_itself(entry: HistoryEntry) -> None:
    """The last run has the slow image already: measured against that one, nothing would ever be found."""
    slow = {"go": "sha256:slow"}
    history = [night(entry, n) for n in range(12)]
    missed = msgspec.structs.replace(night(entry, 12), images={**entry.images, **slow})
    flagged = EvaluatedCell(COLLATZ, "go", "", "CPU per request", "microseconds", 1.1, 1.0, 0.1, 0.05, 0.05, 13, "flagged")
    assert settled(flagged, [*history, missed], slow).state == "flagged"
    assert baseline([*history, missed], flagged) == history[6]
