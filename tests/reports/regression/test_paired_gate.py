"""A gate against a revision: a slower route is named by its route, and what is not clear is measured further."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from paired_records import COLLATZ, PRODUCT, Change, no_answer, one_more_statement, pairs_record, slower, unchanged

from harness.record.config import GateSection
from harness.record.measurement import LevelMeasurement
from harness.record.plan import Trial
from reports.analysis.analysis import Analysis
from reports.regression.gate_result import EvaluatedCell
from reports.regression.looks import LOOKS
from reports.regression.paired_gate import apart, evaluated, gate_cells, look_words, unclear

GATE = GateSection()


def judged(analysis: Analysis, blocks: int = 8) -> dict[str, EvaluatedCell]:
    return {cell.cell: cell for cell in evaluated(analysis, gate_cells(analysis, GATE), blocks, LOOKS)}


def regressed(folder: Path, change: Change) -> list[str]:
    return [name for name, cell in judged(pairs_record(folder, change, noise=0.005)).items() if cell.state == "regressed"]


def test_a_slower_route_is_named_and_nothing_else_is(tmp_path: Path) -> None:
    analysis = pairs_record(tmp_path, slower("GET /cpu/collatz", 1.04), noise=0.005)
    found = judged(analysis)
    assert [name for name, cell in found.items() if cell.state == "regressed"] == [COLLATZ]
    assert 1.03 < found[COLLATZ].change + 1 < 1.05
    others = {cell.state for name, cell in found.items() if name != COLLATZ}
    assert others <= {"fine", "watched"}
    assert all(cell.state == "fine" for name, cell in found.items() if name.endswith("|cpu") and name != COLLATZ)
    assert apart(gate_cells(analysis, GATE), len(LOOKS)) is None


def test_two_steady_states_of_a_route_are_told_with_it(tmp_path: Path) -> None:
    def slow_in_some_starts(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
        slow = {"go": (2, 5, 7), "go-base": (1, 4), "go-base-twin": (2, 3, 8)}[trial.target]
        return slower("GET /cpu/collatz", 1.35 if trial.block in slow else 1.0, trial.target)(trial, level)

    found = judged(pairs_record(tmp_path, slow_in_some_starts, noise=0.003))
    assert found[COLLATZ].state == "inconclusive"
    head, base = found[COLLATZ].reason.split("; ")
    assert head.startswith("the head has two steady states: ") and "in 5 starts" in head and "in 3" in head
    assert base.startswith("the base has two steady states: ") and "in 11 starts" in base and "in 5" in base
    assert [name for name, cell in found.items() if "steady" in cell.reason] == [COLLATZ]


def test_a_cheaper_route_has_improved(tmp_path: Path) -> None:
    found = judged(pairs_record(tmp_path, slower("GET /cpu/collatz", 0.9), noise=0.005))
    assert [name for name, cell in found.items() if cell.state == "improved"] == [COLLATZ]


def test_a_statement_too_many_and_an_answer_too_few_are_regressions(tmp_path: Path) -> None:
    assert regressed(tmp_path / "statement", one_more_statement) == [PRODUCT]
    assert regressed(tmp_path / "answer", no_answer) == ["go|db@POST /orders|valid"]


def test_cells_of_a_twin_and_of_a_base_are_not_judged(tmp_path: Path) -> None:
    assert {cell.target for cell in judged(pairs_record(tmp_path, unchanged, pairs=3)).values()} == {"go"}


def test_only_profiles_that_are_not_clear_go_on(tmp_path: Path) -> None:
    def noisy(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
        factor = 1.0 + 0.04 * (trial.block % 3)
        return slower("GET /cpu/collatz", factor, trial.target)(trial, level) if trial.target == "go" else level

    analysis = pairs_record(tmp_path, noisy, pairs=4, noise=0.002)
    found = gate_cells(analysis, GATE)
    after = evaluated(analysis, found, 4, LOOKS)
    assert unclear(after, found, analysis.run.plan.profiles) == (("go", "cpu"),)
    words = look_words(after, 4)
    assert words.startswith(f"after 4 starts: {len(after) - 1} of {len(after)} cells are clear; widest: go, CPU-bound, GET")
    assert "±" in words


def test_a_base_and_a_twin_that_differ_make_the_gate_invalid(tmp_path: Path) -> None:
    analysis = pairs_record(tmp_path, slower("GET /cpu/collatz", 1.2, "go-base-twin"), noise=0.005)
    problem = apart(gate_cells(analysis, GATE), len(LOOKS))
    assert problem is not None and "its twin" in problem and "GET /cpu/collatz" in problem


def test_a_deciding_cell_without_a_valid_start_is_named_and_not_waited_for(tmp_path: Path) -> None:
    def unstable(trial: Trial, level: LevelMeasurement) -> LevelMeasurement:
        if level.level != "POST /orders":
            return level
        return msgspec.structs.replace(level, verdict="unstable", problems=("other work took 9% of the service's cores",))

    analysis = pairs_record(tmp_path, unstable, pairs=3, noise=0.001)
    found = gate_cells(analysis, GATE)
    after = {cell.cell: cell for cell in evaluated(analysis, found, 3, LOOKS)}
    lost = after["go|db@POST /orders|cpu"]
    assert lost.state == "inconclusive" and "other work" in lost.reason
    assert ("go", "db") not in unclear([lost], found, analysis.run.plan.profiles)


@pytest.mark.parametrize("metric", ["throughput", "working-set"])
def test_without_cpu_per_request_all_cells_decide(tmp_path: Path, metric: str) -> None:
    analysis = pairs_record(tmp_path, unchanged, pairs=3)
    found = gate_cells(analysis, msgspec.structs.replace(GATE, metrics=(metric,)))
    assert found and all(cell.looked.deciding for cell in found)
