"""Two records against each other: what changed is found, what did not is not, and unlike records are named as such."""

from __future__ import annotations

import math
import random
import shutil
from pathlib import Path
from statistics import fmean

import msgspec
import pytest
from report_records import make_record
from scipy import stats
from sliced_records import sliced

from harness.record.measurement import Missing
from harness.record.reader import Record, read_record
from reports.analysis.analysis import analyse
from reports.comparison.changes import Changes, RecordPair, changes
from reports.comparison.rank_agreement import agreement, said
from reports.export.changes import text_of
from reports.export.files import write_files
from reports.stats.intervals import welch_ratio

TARGETS = ("go", "rust", "python")


def slowed(record: Record, folder: Path, target: str, factor: float) -> Record:
    """The record again with a target's CPU per request on `cpu` multiplied, and its throughput divided."""
    shutil.copytree(record.folder, folder)
    lines = []
    for result in record.results:
        raw = msgspec.to_builtins(result)
        if result.trial.target == target and result.trial.profile == "cpu":
            for level in raw["measurement"]["levels"]:
                level["usage"]["service"]["cpu_seconds"] *= factor
                level["window_seconds"] *= factor
        lines.append(msgspec.json.encode(raw))
    (folder / "trials.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return read_record(folder)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make_record(tmp_path_factory.mktemp("changes") / "before", targets=TARGETS, blocks=5, noise=0.01)


def renamed(record: Record, target: str) -> Record:
    """The record with another image of a target."""
    images = {**record.run.images, target: msgspec.structs.replace(record.run.images[target], id="sha256:other")}
    return msgspec.structs.replace(record, run=msgspec.structs.replace(record.run, images=images))


@pytest.mark.parametrize(("images", "verdicts"), [("one", {"go": "worse"}), ("all", dict.fromkeys(TARGETS, "worse"))])
def test_where_targets_took_turns_a_slower_machine_is_no_change(
    before: Record, images: str, verdicts: dict[str, str]
) -> None:
    noise = random.Random(7)
    quiet = sliced(before, lambda _trial, _round: math.exp(noise.gauss(0, 0.01)))
    # The second machine is a third slower, and so differently from block to block; Go is a tenth slower beyond that.
    by_block = {block: noise.uniform(1.2, 1.5) for block in range(1, 6)}
    slow = sliced(
        before,
        lambda trial, _round: by_block[trial.block] * (1.1 if trial.target == "go" else 1) * math.exp(noise.gauss(0, 0.01)),
    )
    for name in ("go",) if images == "one" else TARGETS:
        slow = renamed(slow, name)
    found = compare(slow, quiet)
    rows = [row for row in found.rows if (row.scope, row.axis) == ("CPU-bound, saturated", "CPU per request")]
    assert {row.target: row.verdict for row in rows if row.verdict in ("better", "worse")} == verdicts
    if images == "one":
        (row,) = [row for row in rows if row.target == "go"]
        assert 1.08 < float(row.ratio.split()[0]) < 1.12
    said = "relative to the targets with the same image (rust, python)" if images == "one" else "every image differs"
    assert said in found.machine


def compare(now: Record, before: Record) -> Changes:
    return changes(analyse(now), analyse(before))


def test_a_record_against_itself_changes_nothing(before: Record) -> None:
    found = compare(before, before)
    assert found.changed == ()
    assert found.differences == ()
    assert len(found.rows) > 40
    # Image size and source lines were read: chance does not move them.
    assert found.expected_by_chance == pytest.approx((len(found.rows) - 2 * 3) * 0.05)


def test_a_slower_target_is_found_with_the_right_axes_and_nothing_else_is(before: Record, tmp_path: Path) -> None:
    found = compare(slowed(before, tmp_path / "now", "go", 1.2), before)
    assert {change.target for change in found.changed} == {"go"}
    assert {change.verdict for change in found.changed} == {"worse"}
    assert {change.axis for change in found.changed} == {"Throughput", "CPU per request"}
    assert any(change.ratio.startswith("1.20 (") for change in found.changed)


def test_a_faster_target_is_better_in_both_directions(before: Record, tmp_path: Path) -> None:
    found = compare(slowed(before, tmp_path / "now", "go", 0.8), before)
    assert {change.verdict for change in found.changed} == {"better"}


def test_what_else_differs_is_named(before: Record) -> None:
    other = msgspec.structs.replace(
        before,
        run=msgspec.structs.replace(before.run, method=1, host=msgspec.structs.replace(before.run.host, name="other")),
    )
    named = [name for name, _, _ in compare(before, other).differences]
    assert named == ["Host", "Method version"]


def test_the_interval_is_that_of_welch() -> None:
    rng = random.Random(3)
    now = [math.exp(rng.gauss(0.1, 0.05)) for _ in range(8)]
    before = [math.exp(rng.gauss(0, 0.02)) for _ in range(6)]
    centre, low, high = welch_ratio(now, before, 95)
    test = stats.ttest_ind([math.log(v) for v in now], [math.log(v) for v in before], equal_var=False)
    # Ours rounds the degrees of freedom down.
    half = stats.t.ppf(0.975, int(test.df)) * (math.log(centre) / test.statistic)
    assert (math.log(low), math.log(high)) == pytest.approx((math.log(centre) - half, math.log(centre) + half))


def test_equal_noise_is_called_a_change_no_more_often_than_the_interval_allows() -> None:
    rng = random.Random(5)
    apart = 0
    for _ in range(2000):
        now, before = ([math.exp(rng.gauss(0, 0.03)) for _ in range(5)] for _ in range(2))
        _, low, high = welch_ratio(now, before, 95)
        apart += not low <= 1 <= high
    assert 0.02 <= apart / 2000 <= 0.055


def test_the_page_and_the_summary_show_what_changed(before: Record, tmp_path: Path) -> None:
    now = slowed(before, tmp_path / "now", "go", 1.2)
    page = write_files(now, before).read_text()
    assert 'id="changes"' in page
    assert '<span class="badge worse">worse</span>' in page
    assert "<summary>Changes since" in (now.folder / "summary.md").read_text()
    assert 'id="changes"' not in write_files(now).read_text()


def test_a_record_agrees_with_itself_about_who_is_ahead(before: Record) -> None:
    found = agreement(analyse(before), analyse(before))
    assert found.apart > 20 and found.winners > 5
    assert (found.unclear, found.contrary, found.shared, found.lost) == (0, (), 0, ())
    assert found.ratios > found.apart and found.moved == 0
    assert found.by_chance == pytest.approx(found.ratios * 0.05)


def test_an_order_that_turned_round_is_named_with_the_loser(before: Record, tmp_path: Path) -> None:
    """Rust leads on `cpu`; at a third of its speed it is behind Go there, and still ahead of Python."""
    behind = agreement(analyse(slowed(before, tmp_path / "behind", "rust", 3.0)), analyse(before))
    assert {(c.axis, c.ahead, c.behind) for c in behind.contrary} == {
        ("Throughput", "rust", "go"),
        ("CPU per request", "rust", "go"),
    }
    assert {(c.ahead, c.behind) for c in behind.lost} == {("rust", "go")}
    assert behind.unclear == 0
    # Against two others, throughput and CPU per request; more or less by chance.
    assert 4 <= behind.moved <= 4 + behind.ratios * 0.1


def test_what_the_head_tells_apart_no_more_is_unclear_and_no_contradiction(before: Record, tmp_path: Path) -> None:
    whole = agreement(analyse(before), analyse(before))
    rust, go = (geometric(before, target) for target in ("rust", "go"))
    found = agreement(analyse(slowed(before, tmp_path / "level", "rust", go / rust)), analyse(before))
    assert found.unclear > 0 and found.contrary == () and found.lost == ()
    assert found.shared > 0
    assert (found.apart, found.winners) == (whole.apart, whole.winners)
    assert f"and {found.unclear} not; of {found.winners} winners" in said(found)


def geometric(record: Record, target: str) -> float:
    analysis = analyse(record)
    values = next(
        analysis.values("cpu", target, analysis.scope(ranking))
        for ranking in analysis.rankings
        if ranking.metric == "cpu" and ranking.scope.startswith("cpu@")
    )
    assert not isinstance(values, Missing)
    return math.exp(fmean(math.log(value) for value in values.values()))


def probed(rng: random.Random, slope: float, change: float, machine: float, trials: int = 5) -> tuple[list[float], ...]:
    """Now, before, and the logarithms of the machine's slowness beside each: trials with 2 % noise of their own."""
    slowness = [[rng.gauss(at, 0.1) for _ in range(trials)] for at in (machine, 0.0)]
    now, before = (
        [math.exp(shift + slope * x + rng.gauss(0, 0.02)) for x in column]
        for shift, column in zip((change, 0.0), slowness, strict=True)
    )
    return now, before, *slowness


def test_what_the_machines_speed_explains_is_no_change_and_what_it_does_not_is() -> None:
    now, before, *slowness = probed(random.Random(7), slope=0.8, change=0.1, machine=-0.3, trials=12)
    raw, low, high = welch_ratio(now, before, 95)
    assert high < 1, "as measured it got faster"
    ratio, low, high = RecordPair(now, before, [(slowness[0], slowness[1])]).ratio(95)
    assert 1 < low < math.exp(0.1) < high and raw < 0.95 < ratio


def test_a_faster_machine_is_called_a_change_no_more_often_than_the_interval_allows() -> None:
    rng = random.Random(9)
    missed = unadjusted = 0
    for _ in range(1000):
        now, before, *slowness = probed(rng, slope=1.0, change=0.0, machine=-0.25)
        _, low, high = RecordPair(now, before, [(slowness[0], slowness[1])]).ratio(95)
        missed += not low <= 1 <= high
        _, low, high = welch_ratio(now, before, 95)
        unadjusted += not low <= 1 <= high
    assert 0.03 <= missed / 1000 <= 0.07
    assert unadjusted / 1000 > 0.5


def test_the_machines_speed_is_said_and_taken_out_of_times_and_not_of_memory(before: Record, tmp_path: Path) -> None:
    """All of the base was measured on a machine that was half as fast, as its probe and its times say."""
    slow = on_a_slower_machine(before, tmp_path / "slow", 2.0)
    level = on_a_slower_machine(before, tmp_path / "level", 1.0)
    found = compare(level, slow)
    assert "took 50 % less time than in the base" in found.machine
    cpu = [row for row in found.rows if row.axis == "CPU per request"]
    assert cpu and {row.verdict for row in cpu} <= {"no difference shown", "below the relevance bound"}
    assert all(float(row.ratio.split()[0]) == pytest.approx(1, abs=0.15) for row in cpu)
    assert {row.ratio.split()[0] for row in found.rows if row.axis == "Memory: working set"} == {"1.00"}
    assert found.machine in text_of(found, every=False) and found.agreement in text_of(found, every=False)


def on_a_slower_machine(record: Record, folder: Path, factor: float) -> Record:
    """CPU time per request `factor` times as long, a probe that says so, and a little noise of the machine in both."""
    shutil.copytree(record.folder, folder)
    rng, lines = random.Random(15), []
    for result in record.results:
        raw = msgspec.to_builtins(result)
        for level in raw["measurement"]["levels"]:
            slowness = factor * math.exp(rng.gauss(0, 0.3))
            level["usage"]["service"]["cpu_seconds"] *= slowness
            level["speed"] = {"service": {"mean_microseconds": 80 * slowness, "quick_microseconds": 80.0, "samples": 100}}
        lines.append(msgspec.json.encode(raw))
    (folder / "trials.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return read_record(folder)
