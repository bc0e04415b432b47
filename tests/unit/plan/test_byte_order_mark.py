"""Some editors begin a file with a byte order mark. It is no part of what the file says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.config_file import read_config
from harness.plan.profiles import read_profile
from harness.plan.targets import read_target

MARK = b"\xef\xbb\xbf"


def test_settings_may_begin_with_it(tmp_path: Path) -> None:
    path = tmp_path / "fitmap.toml"
    path.write_bytes(MARK + b"[run]\r\nseed = 7\r\n")
    assert read_config(path).run.seed == 7


def test_a_manifest_and_a_profile_may_begin_with_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "services" / "go", tmp_path / "go")
    manifest = tmp_path / "go" / "service.toml"
    before = read_target(manifest.parent)
    manifest.write_bytes(MARK + manifest.read_bytes())
    assert read_target(manifest.parent) == before
    text = (ROOT / "loadtests" / "ping.py").read_bytes()
    header = text[text.index(b"# /// fitmap") :]
    (tmp_path / "ping.py").write_bytes(MARK + header)
    assert read_profile(tmp_path / "ping.py")


def test_a_value_that_is_nested_too_deeply_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "fitmap.toml"
    path.write_bytes(b"a = " + b"[" * 9000)
    with pytest.raises(UsageError, match="nested too deeply"):
        read_config(path)
