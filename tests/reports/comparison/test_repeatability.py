"""Twins that are alike don't separate, twins that differ do; scatter is what was put in."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_records import make_record

from reports.analysis.analysis import analyse
from reports.comparison.repeatability import scatter, separations
from reports.export.terminal import repeatability_text


def test_twins_that_are_alike_separate_no_more_often_than_the_interval_allows(tmp_path: Path) -> None:
    found = separations(analyse(make_record(tmp_path, targets=("x", "x-twin"), blocks=9, noise=0.02)))
    assert found
    groups, apart = sum(s.groups for s in found), sum(s.groups_apart for s in found)
    # Of the whole run's axes each block has two values, one a profile.
    assert groups >= 3 * len(found)
    assert apart <= 0.2 * groups
    assert sum(s.apart for s in found) <= 0.2 * len(found)


def test_twins_that_differ_are_told_apart(tmp_path: Path) -> None:
    """`go` has figures of its own in the synthetic records, `go-twin` those of a stranger."""
    analysis = analyse(make_record(tmp_path, targets=("go", "go-twin"), blocks=6, noise=0.02))
    throughput = [s for s in separations(analysis) if s.metric == "throughput"]
    assert throughput and all(s.apart and s.groups_won == s.groups for s in throughput)
    assert "DIFFERENT" in repeatability_text(analysis)


def test_scatter_is_the_noise_that_was_put_in(tmp_path: Path) -> None:
    analysis = analyse(make_record(tmp_path, targets=("go",), blocks=30, noise=0.05))
    found = [s for s in scatter(analysis) if s.metric == "throughput"]
    assert found and all(s.variation == pytest.approx(0.05, rel=0.4) for s in found)


def test_a_record_without_twins_says_how_to_get_some(tmp_path: Path) -> None:
    assert "--twins" in repeatability_text(analyse(make_record(tmp_path, targets=("go", "rust"), blocks=3)))
