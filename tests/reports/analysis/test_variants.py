"""Variants are compared with their base start by start, and change nothing in the standings of the others."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from variant_records import TARGETS, limited, run_with, variants_record, without

from harness.record.measurement import Measurement
from harness.record.plan import Trial
from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.representatives import roles_of
from reports.analysis.variants import Comparisons, comparisons, start_logs, verdict_of
from reports.comparison.matched_cells import match_cells
from reports.metrics.catalogue import BY_ID
from reports.regression.history import entry_of
from reports.stats.intervals import Ratio
from reports.stats.pairs import TrialValues

FACTORS = {"go.slow": 1.05, "go.tuned": 0.8}
VARIANTS = tuple(name for name in TARGETS if "." in name)


def by_round(trial: Trial, number: int) -> float:
    """A variant sees a machine of its own: it would turn quiet rounds into loud ones."""
    return 1 + 0.05 * number * ("." in trial.target)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return variants_record(tmp_path_factory.mktemp("variants") / "record", FACTORS)


@pytest.fixture(scope="module")
def found(record: Record) -> tuple[Comparisons, ...]:
    return comparisons(analyse(record))


def verdicts(found: tuple[Comparisons, ...], variant: str) -> dict[tuple[str, str], str]:
    return {(row.metric, row.scope.id): row.verdict for each in found for row in each.rows if row.variant == variant}


def test_versions_and_tuning_have_a_table_each(found: tuple[Comparisons, ...]) -> None:
    assert [(each.tuning, each.variants) for each in found] == [(False, ("go.label", "go.slow")), (True, ("go.tuned",))]
    metrics = dict.fromkeys(row.metric for row in found[0].rows)
    assert list(metrics) == ["cpu", "throughput", "p99", "working-set", "start"]
    assert all(row.base == "go" for each in found for row in each.rows)


def test_a_variant_that_changes_a_label_only_makes_no_difference(found: tuple[Comparisons, ...]) -> None:
    said = verdicts(found, "go.label")
    assert set(said.values()) <= {"no difference", "not told apart"}
    assert {said[metric, "cpu@saturate"] for metric in ("cpu", "throughput")} == {"no difference"}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.97, 1.04, "no difference"), (0.97, 1.2, "not told apart"), (0.8, 1.04, "not told apart"), (1.04, 1.06, "worse")],
)
def test_a_wide_interval_shows_no_equality(low: float, high: float, verdict: str) -> None:
    assert verdict_of(Ratio((low + high) / 2, low, high, 6), BY_ID["cpu"], 1.03) == verdict


def test_five_percent_more_work_is_found_and_nothing_else(found: tuple[Comparisons, ...]) -> None:
    said = verdicts(found, "go.slow")
    costs = {key: verdict for key, verdict in said.items() if key[0] in ("cpu", "throughput")}
    assert set(costs.values()) == {"worse"} and len(costs) == 6
    assert {verdict for key, verdict in said.items() if key not in costs} <= {"no difference", "not told apart"}
    ratios = {row.metric: row.ratio for each in found for row in each.rows if row.variant == "go.slow"}
    cpu, throughput = ratios["cpu"], ratios["throughput"]
    assert cpu and cpu.low < 1.05 < cpu.high and cpu.blocks == 6
    assert throughput and throughput.low < 1 / 1.05 < throughput.high


def test_the_intervals_of_a_table_hold_together(record: Record, found: tuple[Comparisons, ...]) -> None:
    fewer = comparisons(analyse(without(record, ["go.label"])))
    both = [{(row.variant, row.metric, row.scope.id): row.ratio for row in each[0].rows} for each in (found, fewer)]
    key = ("go.slow", "cpu", "cpu@saturate")
    wide, narrow = both[0][key], both[1][key]
    assert wide and narrow and wide.ahead == narrow.ahead
    assert wide.low < narrow.low < narrow.high < wide.high


def test_what_trials_of_one_start_share_counts_once() -> None:
    mine = TrialValues({"1/cpu": 2.0, "1/db": 2.0, "2/cpu": 1.0, "2/db": 1.0})
    other = TrialValues({"1/cpu": 1.0, "1/db": 1.0, "2/cpu": 1.0, "2/db": 1.0})
    assert start_logs(mine, other) == [pytest.approx(math.log(2)), 0.0]


def test_two_starts_are_too_few(tmp_path: Path) -> None:
    few = comparisons(analyse(variants_record(tmp_path / "few", FACTORS, blocks=2)))
    assert {row.verdict for each in few for row in each.rows} == {"too few starts"}


def test_a_value_that_is_missing_is_told_with_its_reason(record: Record) -> None:
    failed = tuple(
        msgspec.structs.replace(
            result, verdict="failed",
            measurement=msgspec.structs.replace(
                result.measurement,
                levels=tuple(msgspec.structs.replace(level, verdict="failed") for level in result.measurement.levels),
            ),
        )
        if result.trial.target == "go.tuned" and result.trial.profile == "db" and isinstance(result.measurement, Measurement)
        else result
        for result in record.results
    )  # fmt: skip
    (_, tuning) = comparisons(analyse(msgspec.structs.replace(record, results=failed)))
    assert {row.scope.profile for row in tuning.rows} == {"cpu", None}
    assert ("go.tuned", "Throughput, Database-bound, saturated", "go.tuned: no valid trial (failed)") in tuning.missing


def standings(analysis: Analysis) -> object:
    """All that says who is ahead of whom."""
    return analysis.rankings, analysis.loud, analysis.parts, analysis.run.plan.targets


def test_variants_change_no_standing(record: Record, tmp_path: Path) -> None:
    made = variants_record(tmp_path / "loud", FACTORS, cost=by_round)
    for each in (record, made, limited(made, dict.fromkeys(("go", "rust", "java"), "service-cpu"))):
        beside, alone = analyse(each), analyse(without(each, VARIANTS))
        assert beside.unranked == VARIANTS and alone.unranked == ()
        assert standings(beside) == standings(alone)
        assert not any(entry.target in VARIANTS for ranking in beside.rankings for entry in ranking.entries)


def test_a_variant_has_a_series_of_its_own_in_the_history(record: Record) -> None:
    beside, alone = entry_of(analyse(record)), entry_of(analyse(without(record, VARIANTS)))
    assert beside.key == alone.key
    assert "go.tuned|cpu@saturate|cpu" in beside.cells
    mine = {cell for cell in beside.cells if cell.partition("|")[0] in VARIANTS}
    same = {cell: value for cell, value in beside.cells.items() if cell not in mine and not cell.startswith("machine")}
    assert same == {cell: value for cell, value in alone.cells.items() if not cell.startswith("machine")}


def test_records_with_variants_are_compared_variant_by_variant(record: Record) -> None:
    now = analyse(record)
    matched = {(cell.target, cell.metric.id, cell.scope.id) for cell in match_cells(now, now)}
    assert ("go.tuned", "cpu", "cpu@saturate") in matched and ("go", "cpu", "cpu@saturate") in matched
    bare = {cell.target for cell in match_cells(now, analyse(without(record, VARIANTS)))}
    assert bare == {"go", "rust", "java"}


def test_a_record_of_variants_alone_ranks_nobody(record: Record) -> None:
    alone = analyse(without(record, ["go", "rust", "java"]))
    assert alone.run.plan.targets == VARIANTS and alone.unranked == () and alone.rankings == ()
    assert comparisons(alone) == ()


def test_a_target_for_which_another_stands_is_ranked_nowhere() -> None:
    run = run_with(("go", "rust", "java"), 3)
    targets = {
        "go": run.targets["go"],
        "rust": msgspec.structs.replace(run.targets["rust"], language="Go", represents=True),
        "java": run.targets["java"],
    }
    found = roles_of(msgspec.structs.replace(run, targets=targets))
    assert (found.targets, found.unranked) == (("rust", "java"), ("go",))
    # In older records nobody says so, and both are ranked.
    both = roles_of(msgspec.structs.replace(run, targets={**targets, "rust": run.targets["rust"]}))
    assert both.unranked == ()
