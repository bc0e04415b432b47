"""Targets are folders with a manifest; twins share an image."""

from __future__ import annotations

from harness.files import ROOT
from harness.plan.targets import find_targets, with_twins
from harness.record.plan import folder_of


def test_the_five_languages_are_found() -> None:
    assert set(find_targets(ROOT / "services")) >= {"go", "java", "kotlin", "python", "rust"}


def test_twins_stand_beside_their_targets_and_run_their_images() -> None:
    targets = find_targets(ROOT / "services")
    both = with_twins({"go": targets["go"]}, ("go",))
    assert list(both) == ["go", "go-twin"]
    assert both["go-twin"].language == "Go"
    assert [folder_of(name) for name in both] == ["go", "go"]
