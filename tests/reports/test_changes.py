"""Two records against each other: what changed is found, what did not is not, and unlike records are named as such."""

from __future__ import annotations

import math
import random
import shutil
from pathlib import Path

import msgspec
import pytest
from report_records import make_record
from scipy import stats

from harness.record import Record, read_record
from reports.analysis import analyse
from reports.changes import Changes, changes, welch_ratio
from reports.files import write_files


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
    return make_record(tmp_path_factory.mktemp("changes") / "before", targets=("go", "rust", "python"), blocks=5, noise=0.01)


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
    assert "## Changes since" in (now.folder / "summary.md").read_text()
    assert 'id="changes"' not in write_files(now).read_text()
