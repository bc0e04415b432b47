"""A record of trials that took turns: its values, its ratios, and who is left out."""

from __future__ import annotations

import math
import random
from pathlib import Path
from statistics import fmean

import pytest
from report_records import PROFILES, make_record, run_of
from sliced_records import sliced
from small import card_of

from harness.record.measurement import Missing, Verdict
from harness.record.plan import Trial
from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.claims import claim_results, read_claims
from reports.analysis.ranking import Ranking
from reports.comparison.matched_cells import all_pairs
from reports.comparison.repeatability import separations
from reports.export.citations import refreshed
from reports.metrics.level_stats import throughput
from reports.sections.metric_figures import axis_sections
from reports.sections.win_matrix import make_matrix

CPU = "cpu@saturate"


def ranking_of(analysis: Analysis, metric: str, scope: str = CPU) -> Ranking:
    return next(r for r in analysis.rankings if (r.metric, r.scope) == (metric, scope))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Four targets without any noise, measured in single windows."""
    targets = ("go", "go-twin", "go-base", "rust")
    return make_record(
        tmp_path_factory.mktemp("sliced") / "record", targets=targets, blocks=6, noise=0.0, profiles=PROFILES[:1]
    )


def bursts(trial: Trial, number: int) -> float:
    """The machine halves its speed in some rounds, for all trials of a group alike; go needs a twentieth more than that."""
    rng = random.Random(f"{trial.group} {number}")
    return (2.0 if rng.random() < 0.3 else 1.0) * (1.05 if trial.target == "go" else 1.0)


def test_values_are_of_the_slices_that_count(plain: Record) -> None:
    def cost(trial: Trial, number: int) -> float:
        return 50.0 if number == 3 else 1.0 + number / 100

    first = next(m for m in analyse(plain).measured if m.load.id == CPU)
    analysis = analyse(sliced(plain, cost, rounds=4, dropped={3}))
    found = next(m for m in analysis.measured if m.load.id == CPU)
    mean = (1.01 + 1.02 + 1.04) / 3
    assert throughput(found.level) == pytest.approx(throughput(first.level) / mean, rel=1e-6)
    # They scatter little, so all three count.
    assert found.values["throughput"] == throughput(found.level)
    assert set(found.rounds) == {"throughput", "cpu"}
    assert found.rounds["cpu"].keys() == found.rounds["throughput"].keys() == {1, 2, 4}
    cpu, value = found.rounds["cpu"], first.values["cpu"]
    assert isinstance(value, float)
    assert [cpu[i] / value for i in cpu] == pytest.approx([1.01, 1.02, 1.04], rel=1e-5)
    opened = next(m for m in analysis.measured if m.load.id == "cpu@50/s")
    assert set(opened.rounds) == {"cpu"}
    assert throughput(opened.level) == pytest.approx(50, rel=0.01), "an open loop's rate is that of its window"


def test_the_best_third_counts_where_slices_are_loud(plain: Record) -> None:
    first = next(m for m in analyse(plain).measured if m.load.id == CPU)
    analysis = analyse(sliced(plain, lambda _trial, number: 1.0 + number / 5, rounds=3))
    found = next(m for m in analysis.measured if m.load.id == CPU)
    assert found.values["throughput"] == pytest.approx(throughput(first.level) / 1.2, rel=1e-6)


def test_database_time_goes_by_rounds_where_the_requests_use_the_database(tmp_path: Path) -> None:
    record = make_record(tmp_path, targets=("go",), blocks=1, profiles=PROFILES[1:])
    found = analyse(sliced(record, lambda trial, number: 1.0))
    assert all(m.rounds["database-cpu"].keys() == m.rounds["cpu"].keys() for m in found.measured)
    assert found.measured[0].rounds["database-cpu"][1] == pytest.approx(found.measured[0].values["database-cpu"], rel=1e-4)


def test_bursts_that_all_share_cancel_in_a_ratio(plain: Record) -> None:
    def own(trial: Trial, number: int) -> float:
        """Bursts that no other trial has: what differs between records in which nothing is common to a round."""
        return bursts(trial, number + 100 * sum(map(ord, trial.target)))

    found, lonely = (ranking_of(analyse(sliced(plain, cost, rounds=8)), "cpu") for cost in (bursts, own))
    assert found.winner == "rust"
    go, noisy = (next(e.behind for e in each.entries if e.target == "go") for each in (found, lonely))
    before = next(e.behind for e in ranking_of(analyse(plain), "cpu").entries if e.target == "go")
    assert go and noisy and before and go.ahead / before.ahead == pytest.approx(1.05, rel=1e-4)
    assert math.log(go.high / go.low) < 0.001, "the machine's bursts cancel"
    assert math.log(noisy.high / noisy.low) > 0.1, "a target's own do not"


def test_everybody_who_pairs_targets_takes_the_values_of_the_same_starts(plain: Record) -> None:
    def cost(trial: Trial, number: int) -> float:
        return bursts(trial, number) * math.exp(random.Random(f"{trial.id} {number}").gauss(0, 0.03))

    analysis = analyse(sliced(plain, cost))
    values = {(m.trial.target, m.pair): m.values["cpu"] for m in analysis.measured if m.load.id == CPU}

    def logs(mine: str, other: str) -> list[float]:
        return [math.log(values[mine, pair] / value) for (target, pair), value in values.items() if target == other]  # type: ignore[operator]

    over_rust, over_twin = (fmean(logs("go", other)) for other in ("rust", "go-twin"))
    behind = next(e.behind for e in ranking_of(analysis, "cpu").entries if e.target == "go")
    assert behind and math.log(behind.ahead) == pytest.approx(over_rust)
    (twins,) = (s for s in separations(analysis) if (s.scope, s.metric, s.target) == (CPU, "cpu", "go"))
    assert math.log(twins.low * twins.high) / 2 == pytest.approx(over_twin)
    (claim,) = (t for c in claim_results(analysis, read_claims()) if c.id == "rust-more-per-core" for t in c.tests)
    assert math.log(claim.value) == pytest.approx(-over_rust)
    cited = refreshed(f'[?](results.csv "cpu {CPU} go / rust ±")', analysis)
    assert cited.startswith(f"[×{math.exp(over_rust):.2f} (")
    assert all_pairs(analysis)[f"go|{CPU}|cpu"].worse == pytest.approx(logs("go", "go-base"))


def few(tmp_path: Path, method: int) -> Analysis:
    """Go has two valid trials of six, python none."""
    targets = ("rust", "java", "go", "python")
    trials = run_of(targets, 6, {}, PROFILES[:1]).plan.trials
    spoilt = [t.id for t in trials if t.target == "python" or (t.target == "go" and t.block not in (1, 4))]
    verdicts: dict[str, Verdict] = {f"{trial}@saturate": "unstable" for trial in spoilt}
    record = make_record(tmp_path, targets=targets, blocks=6, profiles=PROFILES[:1], verdicts=verdicts)
    return analyse(sliced(record, bursts, method=method))


def test_a_target_with_too_few_starts_does_not_keep_the_others_from_being_ranked(tmp_path: Path) -> None:
    analysis = few(tmp_path, method=7)
    found = ranking_of(analysis, "cpu")
    assert (found.winner, found.runner_up) == ("rust", "java")
    assert [(e.target, e.group) for e in found.entries] == [("rust", 1), ("java", 2), ("go", None), ("python", None)]
    assert [entry.target for entry in found.set_apart] == ["go"]
    go = found.entries[2].estimate
    assert not isinstance(go, Missing) and (go.trials, go.low) == (2, None)
    (row,) = (r for g in make_matrix(analysis, "standard").groups if g.title == "CPU-bound, saturated" for r in g.rows
              if r.title == "CPU per request")  # fmt: skip
    said = "".join(span.text for span in row.lead)
    assert said.startswith("rust ×") and said.endswith("over java; without go (2 valid trials)")
    cell = next(cell for cell in row.cells if cell.target == "go")
    assert (cell.state, cell.detail, cell.group) == ("unranked", "2 trials, no interval", None)
    (table,) = (f.rows for s in axis_sections(analysis) for f in s.figures
                if s.title == "CPU-bound, saturated" and f.title.startswith("CPU per request"))  # fmt: skip
    assert "not ranked: 2 valid trials" in next(row for row in table if row[0] == "go")


def test_records_of_older_methods_keep_their_rankings(tmp_path: Path) -> None:
    found = ranking_of(few(tmp_path, method=6), "cpu")
    assert (found.winner, found.note, found.set_apart) == (None, "too few trials", ())


def test_where_all_have_too_few_starts_nobody_is_set_apart(tmp_path: Path) -> None:
    record = make_record(tmp_path, targets=("rust", "go"), blocks=2, profiles=PROFILES[:1])
    found = ranking_of(analyse(sliced(record, bursts)), "cpu")
    assert (found.note, found.set_apart, len(found.leaders)) == ("too few trials", (), 2)


def test_one_with_enough_starts_is_not_the_best_of_those_with_too_few(tmp_path: Path) -> None:
    """Seen: three JVM trials were valid, and the page said that Kotlin leads in memory, at fifty times that of Rust."""
    targets = ("rust", "java", "go")
    trials = run_of(targets, 6, {}, PROFILES[:1]).plan.trials
    verdicts: dict[str, Verdict] = {f"{t.id}@saturate": "unstable" for t in trials if t.target != "java" and t.block > 2}
    analysis = analyse(
        sliced(make_record(tmp_path, targets=targets, blocks=6, profiles=PROFILES[:1], verdicts=verdicts), bursts)
    )
    found = ranking_of(analysis, "cpu")
    assert (found.winner, found.note, found.set_apart) == (None, "too few trials", ())
    card, _ = card_of(analysis)
    (row,) = (row for row in card.rows if row.row.metric == "cpu" and row.row.place == CPU)
    assert {cell.state for cell in row.cells} <= {"few", "none"}
