"""Targets are folders with a manifest; twins share an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.targets import find_targets, read_target, with_twins
from harness.record.plan import folder_of


def test_the_five_languages_are_measured_unasked() -> None:
    found = find_targets(ROOT / "services")
    assert {name for name, target in found.items() if target.default} == {"go", "java", "kotlin", "python", "rust"}


def test_twins_stand_beside_their_targets_and_run_their_images() -> None:
    targets = find_targets(ROOT / "services")
    both = with_twins({"go": targets["go"]}, ("go",))
    assert list(both) == ["go", "go-twin"]
    assert both["go-twin"].language == "Go"
    assert [folder_of(name) for name in both] == ["go", "go"]


MANIFEST = """\
language = "JavaScript"
class = "standard"
kind = "managed"
framework = "node:http"
driver = "none yet"
sources = ["server.js"]
lock_file = "package.json"
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"standard"', '"fast"', 'unknown class "fast": known are standard, tuned'),
        ('"managed"', '"vm"', 'unknown kind "vm": known are compiled, managed, interpreted'),
        ('kind = "managed"', "", 'missing key "kind": known are compiled, managed, interpreted'),
        ('driver = "none yet"', "", 'missing key "driver"'),
        ("kind =", "kinds =", 'unknown key "kinds": did you mean "kind"?'),
    ],
)
def test_a_manifest_with_a_mistake_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "service.toml"
    path.write_text(MANIFEST.replace(old, new))
    with pytest.raises(UsageError) as refused:
        read_target(tmp_path)
    assert str(refused.value) == f"{path}: {sentence}"
