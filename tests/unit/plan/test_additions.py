"""A language is one folder and a profile is one file: adding one changes no other file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.containers.images import Tree, graph
from harness.files import ROOT
from harness.plan import selection
from harness.plan.config_file import override
from harness.plan.profiles import find_profiles
from harness.plan.selection import chosen_targets, planned, unasked
from harness.plan.targets import find_targets
from harness.record.config import Config
from harness.record.cpus import Cpu
from harness.record.plan import Plan

CPUS = (Cpu(0, 0, 0), Cpu(1, 0, 1))

MANIFEST = """\
language = "Example"
class = "standard"
kind = "compiled"
framework = "none"
driver = "none"
sources = ["main.example"]
lock_file = "example.lock"
"""

PROFILE = """\
# /// fitmap
# title = "Example"
# question = "Is one file enough?"
# routes = ["GET /ping"]
# connections = 4
# levels = ["saturate"]
# ///
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files that planning and building read, in the place of the checkout."""
    patterns = (
        "services/**/*",
        "loadtests/*.py",
        "loadtests/Dockerfile",
        "harness/bases/*",
    )
    for path in (path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    monkeypatch.setattr(selection, "ROOT", tmp_path)
    return tmp_path


def plan_of(preset: str) -> Plan:
    config = override(Config(), "run", preset=preset)
    return planned(config, None, chosen_targets(config), CPUS)


def test_a_new_folder_is_measured_unasked_unless_it_says_otherwise(tree: Path) -> None:
    before = plan_of("smoke").targets
    folder = tree / "services" / "example"
    folder.mkdir()
    (folder / "service.toml").write_text(MANIFEST + "default = false\n")
    assert plan_of("smoke").targets == before
    assert "example" in unasked(Config())
    (folder / "service.toml").write_text(MANIFEST)
    assert set(plan_of("smoke").targets) == {*before, "example"}
    assert "example" not in unasked(Config())


@pytest.mark.parametrize("image_set", ["official", "local"])
def test_a_language_is_one_folder(tree: Path, image_set: str) -> None:
    before = plan_of("full")
    folder = tree / "services" / "example"
    folder.mkdir()
    (folder / "service.toml").write_text(MANIFEST)
    (folder / "Dockerfile").write_text("ARG DEBIAN_IMAGE=debian:trixie-slim\nFROM ${DEBIAN_IMAGE}\n")

    assert find_targets(tree / "services")["example"].language == "Example"
    after = plan_of("full")
    assert set(after.targets) == {*before.targets, "example"}
    # It is measured with every profile, as the others are.
    assert {trial.profile for trial in after.trials if trial.target == "example"} == {p.name for p in after.profiles}
    builds = graph(after.targets, image_set, Tree(tree))
    assert builds["example"].context == folder
    assert "DEBIAN_IMAGE" in builds["example"].after


def test_a_profile_is_one_file(tree: Path) -> None:
    before = plan_of("smoke")
    (tree / "loadtests" / "one_file.py").write_text(PROFILE)

    assert find_profiles(tree / "loadtests")["one-file"].question == "Is one file enough?"
    after = plan_of("smoke")
    assert {profile.name for profile in after.profiles} == {*(profile.name for profile in before.profiles), "one-file"}
    # Every target is measured with it.
    assert {trial.target for trial in after.trials if trial.profile == "one-file"} == set(after.targets)
