"""Ratios told again for quiet and loud rounds, and starts of two steady states, in records of slices."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import fmean

import pytest
from msgspec.structs import replace
from report_records import PROFILES, make_record
from sliced_records import Cost, sliced

from harness.record.plan import Trial
from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.machine_state import shifts
from reports.analysis.ranking import RankedTarget, Ranking, rank
from reports.export.html import render_report
from reports.overview.overview import make_overview
from reports.sections.invalid_trials import assess_noise
from reports.sections.metric_figures import axis_sections
from reports.sections.win_matrix import make_matrix
from reports.stats.pairs import TrialValues
from reports.stats.two_states import TwoStates

CPU = "cpu@saturate"
TARGETS = ("rust", "go", "java", "python")
#: By how much a target feels the machine: rust the least.
SLOPE = {"rust": 0.4, "go": 0.9, "java": 0.5, "python": 0.9}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = tmp_path_factory.mktemp("state") / "record"
    return make_record(folder, targets=TARGETS, blocks=6, noise=0.0, profiles=PROFILES[:1])


def noise(trial: Trial, number: int, size: float = 0.02) -> float:
    return random.Random(f"{trial.id} {number}").gauss(0, size)


def mood(trial: Trial, number: int) -> float:
    return random.Random(f"{trial.group} {number}").gauss(0, 0.08)


def alike(trial: Trial, number: int) -> float:
    return math.exp(mood(trial, number) + noise(trial, number))


def by_slope(trial: Trial, number: int) -> float:
    return math.exp(SLOPE[trial.target] * mood(trial, number) + noise(trial, number, 0.005))


def ranking_of(analysis: Analysis, metric: str = "cpu") -> Ranking:
    return next(r for r in analysis.rankings if (r.metric, r.scope) == (metric, CPU))


def entry_of(analysis: Analysis, target: str, metric: str = "cpu") -> RankedTarget:
    return next(entry for entry in ranking_of(analysis, metric).entries if entry.target == target)


def matrix_of(analysis: Analysis, target: str) -> tuple[str, tuple[str, ...]]:
    """The lead and the target's caveats in the win matrix."""
    (row,) = (r for g in make_matrix(analysis, "standard").groups if g.title == "CPU-bound, saturated" for r in g.rows
              if r.title == "CPU per request")  # fmt: skip
    return "".join(span.text for span in row.lead), next(c.caveats for c in row.cells if c.target == target)


def test_a_ratio_that_the_machine_moves_is_marked_and_told_twice(plain: Record) -> None:
    analysis = analyse(sliced(plain, by_slope, rounds=15))
    go, java = entry_of(analysis, "go"), entry_of(analysis, "java")
    assert go.by_state and go.by_state.depends and go.behind
    assert go.by_state.quiet.ahead < go.behind.ahead < go.by_state.loud.ahead
    # A third of 15 rounds lies about 1.05 deviations of 8 % from the middle on each side, and the slopes differ by a half.
    assert math.log(go.by_state.loud.ahead / go.by_state.quiet.ahead) == pytest.approx(0.5 * 2 * 1.05 * 0.08, rel=0.25)
    assert java.by_state and java.by_state.quiet.blocks == 6
    lead, caveats = matrix_of(analysis, "go")
    assert re.fullmatch(r"depends on the machine's state: ×1\.\d+ behind in quiet rounds, ×1\.\d+ in loud ones", caveats[0])
    (figure,) = (f for s in axis_sections(analysis) for f in s.figures
                 if s.title == "CPU-bound, saturated" and f.title.startswith("CPU per request"))  # fmt: skip
    assert figure.headers[-2:] == ("Behind in quiet rounds", "Behind in loud rounds")
    rows = {row[0]: row for row in figure.rows}
    assert rows["rust"][-2:] == ("–", "–") and re.fullmatch(r"×1\.\d+ \(1\.\d+–1\.\d+\)", rows["go"][-1])
    assert "two steady" not in lead


def test_ratios_that_the_machine_does_not_move_are_not_marked(plain: Record) -> None:
    """Python's slices vary much more than rust's: that is its own noise, which makes no round loud."""
    apart, marked = [], 0
    for seed in range(12):

        def cost(trial: Trial, number: int, seed: int = seed) -> float:
            own = random.Random(f"{seed} {trial.id} {number}").gauss(0, 0.06 if trial.target == "python" else 0.01)
            return math.exp(own)

        analysis = analyse(sliced(plain, cost, rounds=9))
        told = [entry.by_state for r in analysis.rankings for entry in r.entries if entry.by_state]
        marked += sum(each.depends for each in told)
        python = entry_of(analysis, "python").by_state
        assert python
        apart.append(math.log(python.loud.ahead / python.quiet.ahead))
    assert marked == 0
    assert abs(fmean(apart)) < 0.02


def test_the_state_of_the_run_is_said_in_words(plain: Record) -> None:
    analysis = analyse(sliced(plain, by_slope, rounds=15))
    said = assess_noise(analysis).machine
    percent = float(re.search(r"a request took ([\d.]+)% more CPU time than in the quiet third", said)[1])  # type: ignore[index]
    assert percent == pytest.approx(100 * 0.675 * 2 * 1.05 * 0.08, rel=0.3)
    told = [e.by_state for r in analysis.rankings for e in r.entries if e.by_state]
    assert f"Of {len(told)} ratios to a leader {sum(each.depends for each in told)} differ" in said
    assert "Rounds" not in assess_noise(analyse(plain)).machine
    steady = analyse(sliced(plain, lambda trial, number: math.exp(noise(trial, number)), rounds=15))
    assert all(abs(each.dearer - 1) < 0.01 for each in steady.loud), "noise of single trials makes no round loud"


def test_few_rounds_or_trials_say_nothing_of_the_machine(plain: Record, tmp_path: Path) -> None:
    assert entry_of(analyse(sliced(plain, by_slope, rounds=5)), "go").by_state is None
    assert entry_of(analyse(sliced(plain, by_slope, rounds=6)), "go").by_state is not None
    assert entry_of(analyse(plain), "go").by_state is None
    two = make_record(tmp_path, targets=("rust", "go"), blocks=6, profiles=PROFILES[:1])
    assert entry_of(analyse(sliced(two, by_slope)), "go").by_state is not None, "the other copies of the group tell it"


def bimodal(level: float) -> Cost:
    """Java starts in one of two states: in blocks 2 and 5 it is dearer by `level`."""
    return lambda trial, number: alike(trial, number) * (level if trial.target == "java" and trial.block in (2, 5) else 1.0)


def test_two_steady_states_are_told_and_not_averaged(plain: Record) -> None:
    analysis = analyse(sliced(plain, bimodal(1.4), rounds=12))
    java = entry_of(analysis, "java")
    assert java.states is not None and (java.states.low_starts, java.states.high_starts) == (4, 2)
    assert java.states.high / java.states.low == pytest.approx(1.4, rel=0.03)
    lead, caveats = matrix_of(analysis, "java")
    assert lead.endswith("; two steady states: java (nobody wins or loses inside their range)")
    assert re.fullmatch(r"two steady states: \d+\sµs in 4 starts, \d+\sµs in 2", caveats[0])
    assert all(entry.states is None for entry in ranking_of(analysis).entries if entry.target != "java")


@pytest.mark.parametrize(("go", "winner"), [(112.0, None), (131.5, "java"), (90.0, "go")])
def test_nobody_wins_inside_the_range_of_two_states(go: float, winner: str | None) -> None:
    """Java takes 100 in ten starts and 130 in two: enough starts for an interval that excludes 1."""
    values = {"java": [100.0] * 10 + [130.0] * 2, "go": [go] * 12}
    trials = {t: TrialValues({f"{i}/x": v for i, v in enumerate(each)}) for t, each in values.items()}
    made = partial(
        rank, metric="cpu", scope=CPU, target_class="standard", values=trials, direction="lower", exact=False,
        confidence_percent=95.0, relevance_percent=0.5,
    )  # fmt: skip
    found = made(states={"java": TwoStates(100.0, 130.0, 10, 2)})
    assert (found.winner, found.note) == (winner, "" if winner else "tie")
    if go == 112:
        assert made().winner == "java"


def test_the_first_screen_has_a_mark_and_its_meaning(plain: Record) -> None:
    record = sliced(plain, bimodal(1.4), rounds=12)
    row = make_overview(analyse(record), (), ("quiet", 0.01), twins_differ=False).card.row("cpu@saturate cpu")
    assert row is not None
    assert [bool(row.cell(target).caveats) for target in ("rust", "java")] == [False, True]
    page = render_report(analyse(record), record.folder)
    assert "†: two steady states, or a ratio" in page and " †</span>" in page
    assert "two steady states: " in page
    assert "†" not in render_report(analyse(plain), plain.folder)


def test_two_states_are_of_slices_alone(plain: Record) -> None:
    record = sliced(plain, bimodal(1.4))
    windows = tuple(
        replace(r, measurement=replace(r.measurement, levels=tuple(replace(x, slices=()) for x in r.measurement.levels)))  # type: ignore[union-attr, type-var]
        for r in record.results
    )
    assert entry_of(analyse(record), "java").states
    assert entry_of(analyse(replace(record, results=windows)), "java").states is None


def test_what_the_machine_did_to_a_block_is_told_by_the_others_that_compile_nothing(plain: Record) -> None:
    flat = {f"{i}/x": 100.0 for i in range(6)}
    moved = {pair: value * (1.2 if pair > "3/x" else 1.0) for pair, value in flat.items()}
    values = {"a": TrialValues(flat), "b": TrialValues(moved), "c": TrialValues(moved)}
    found = shifts("a", values, ("a", "b", "c"))
    assert found["5/x"] - found["1/x"] == pytest.approx(math.log(1.2))
    assert shifts("b", values, ("b", "c")) == {}, "one other could be the one that moved"

    def slow(trial: Trial, number: int) -> float:
        return alike(trial, number) * (1.3 if trial.block > 4 else 1.0)

    def with_jit(made: Callable[[str], bool]) -> Record:
        record = sliced(plain, slow)
        targets = {name: replace(target, jit=made(name)) for name, target in record.run.targets.items()}
        return replace(record, run=replace(record.run, targets=targets))

    assert all(entry.states is None for entry in ranking_of(analyse(with_jit(lambda name: name == "java"))).entries)
    assert all(entry.states for entry in ranking_of(analyse(with_jit(lambda name: name != "go"))).entries)
