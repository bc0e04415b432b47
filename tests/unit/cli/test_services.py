"""Folders of own services: those of fitmap.toml are seen from where it lies, others from the working directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_folder import write_service

from harness.cli.arguments import parser
from harness.cli.settings import configure
from harness.plan.selection import chosen_targets


def test_folders_are_seen_from_where_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_service(tmp_path / "team" / "perf")
    write_service(tmp_path / "other", "cart")
    (tmp_path / "team" / "fitmap.toml").write_text('[run]\nservices = ["perf"]\n')
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    words = ["--config", "../team/fitmap.toml", "bench"]
    found = configure(parser().parse_args(words))
    assert found.run.services == ("../team/perf",)
    assert list(chosen_targets(found)) == ["checkout"]
    given = configure(parser().parse_args([*words, "--services", "../other", "--services", "../team/perf/checkout"]))
    assert list(chosen_targets(given)) == ["cart", "checkout"]


def test_without_a_name_own_services_are_measured_alone(tmp_path: Path) -> None:
    write_service(tmp_path)
    words = ["bench", "--services", str(tmp_path)]
    assert list(chosen_targets(configure(parser().parse_args(words)))) == ["checkout"]
    named = configure(parser().parse_args([*words, "--target", "go,checkout"]))
    assert list(chosen_targets(named)) == ["go", "checkout"]
