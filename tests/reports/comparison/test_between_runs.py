"""What was put between runs is found again, nothing where nothing was put, and widened intervals hold on a run set aside."""

from __future__ import annotations

import math
import random
from pathlib import Path

import msgspec
import pytest
from report_records import DETAILED, make_record, renamed

from harness.cli.main import main
from reports.analysis.analysis import analyse
from reports.comparison.between_runs import CellPair, between, cells_of, excess, tried
from reports.export.terminal import between_text
from reports.stats.intervals import welch

TRIALS, CELLS = 3, 300


def runs_of(rng: random.Random, trials: float, runs: float, names: str = "abc") -> tuple[CellPair, ...]:
    """Cells of one axis in runs whose values scatter so much, with trials around them."""
    found = []
    for _ in range(CELLS):
        values = []
        for _ in names:
            middle = rng.gauss(0, runs)
            values.append([middle + rng.gauss(0, trials) for _ in range(TRIALS)])
        for i, before in enumerate(values):
            for j in range(i + 1, len(values)):
                difference = welch(values[j], before)
                found.append(CellPair((names[i], names[j]), "cpu", difference, difference))
    return tuple(found)


@pytest.mark.parametrize(("trials", "runs"), [(0.05, 0.10), (0.10, 0.05), (0.02, 0.02)])
def test_what_runs_scatter_beyond_their_trials_is_what_was_put_in(trials: float, runs: float) -> None:
    (row,) = between(runs_of(random.Random(1), trials, runs), 95)
    assert row.runs == pytest.approx(runs, rel=0.2)
    assert row.trials == pytest.approx(trials / TRIALS**0.5, rel=0.1)


def test_where_trials_explain_everything_nothing_is_left() -> None:
    cells = runs_of(random.Random(2), 0.1, 0.0)
    (row,) = between(cells, 95)
    assert row.runs < 0.02
    assert row.outside / row.cells <= 0.06
    moved = [msgspec.structs.replace(cell, difference=welch([9.0, 9.1, 9.2], [0.0, 0.1, 0.2])) for cell in cells]
    (named,) = between(moved, 95)
    assert (named.outside, named.outside_measured) == (row.cells, row.outside_measured)
    assert excess([]) == 0.0


def test_two_runs_keep_the_critical_difference_nineteen_times_of_twenty() -> None:
    cells = runs_of(random.Random(3), 0.05, 0.1)
    (row,) = between(cells, 95)
    inside = sum(abs(cell.measured.mean) <= math.log(row.critical(95)) for cell in cells)
    assert inside / len(cells) == pytest.approx(0.95, abs=0.02)


def test_intervals_that_know_the_other_runs_hold_on_a_run_set_aside_where_those_of_trials_alone_do_not() -> None:
    found = tried(runs_of(random.Random(4), 0.03, 0.1), 95)
    assert found and found.intervals == 2 * 3 * CELLS
    assert found.trials_alone / found.intervals > 0.3
    # A little wider than need be: both parts of the width are at their own level.
    assert 0.01 <= found.widened / found.intervals <= 0.06


def test_two_runs_have_none_to_set_aside() -> None:
    assert tried(runs_of(random.Random(5), 0.03, 0.1, "ab"), 95) is None


def test_cells_of_records_are_what_was_measured_and_not_what_was_read(tmp_path: Path) -> None:
    record = make_record(tmp_path / "record", targets=("go", "rust"), blocks=3, noise=0.02)
    runs = [msgspec.structs.replace(record.run, id=name) for name in "abc"]
    analyses = [analyse(msgspec.structs.replace(record, run=run)) for run in runs]
    cells = cells_of(analyses)
    assert {cell.metric for cell in cells}.isdisjoint({"image", "source-lines"})
    assert {"throughput", "cpu", "p99", "working-set"} <= {cell.metric for cell in cells}
    # The same values three times over.
    assert all(row.outside == 0 and row.runs == 0 for row in between(cells, 95))
    assert "each run set aside in turn" in between_text(analyses)
    assert "a third run would tell" in between_text(analyses[:2])


def test_the_command_takes_several_records_and_refuses_unlike_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_record(tmp_path / "a", targets=("go", "rust"), blocks=3)
    same = [made.folder, renamed(made, tmp_path / "b", "another")]
    other = make_record(tmp_path / "c", targets=("go", "rust"), blocks=3, profiles=DETAILED)
    with pytest.raises(SystemExit) as done:
        main(["repeatability", *map(str, same)])
    assert done.value.code == 0 and "two runs within" in capsys.readouterr().out
    with pytest.raises(SystemExit) as done:
        main(["repeatability", str(same[1]), str(other.folder)])
    assert done.value.code == 2 and "can't be compared" in capsys.readouterr().err
