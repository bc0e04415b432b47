"""A revision is checked out into a folder of its own, or refused in one sentence."""

from __future__ import annotations

import subprocess

import pytest

from harness.containers.versions import checked_out
from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.targets import find_targets


def test_a_revision_has_its_own_services_and_bases_and_goes_with_the_context() -> None:
    shown = subprocess.run(
        ["git", "-C", str(ROOT), "show", "HEAD:services/go/service.toml"], capture_output=True, check=True
    )
    with checked_out("HEAD") as tree:
        assert (tree.root / "services" / "go" / "service.toml").read_bytes() == shown.stdout
        assert set(find_targets(tree.root / "services")) >= {"go", "rust"}
        assert any((tree.root / "harness" / "bases").iterdir())
    assert not tree.root.exists()


def test_a_revision_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="can't be checked out"), checked_out("0" * 40):
        pass
