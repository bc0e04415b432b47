"""Texts are UTF-8, whatever the locale of the terminal or of the CI job. Ruff's PLW1514 sees what reads by the locale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.containers.versions import resolve
from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.config_file import read_config
from harness.plan.profiles import read_profile
from harness.plan.targets import read_target
from harness.run import description

#: A locale whose encoding is ASCII, and Python's own repairs of it turned off.
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_manifest_is_read_in_an_ascii_locale(tmp_path: Path) -> None:
    text = (ROOT / "services" / "go" / "service.toml").read_text(encoding="utf-8")
    (tmp_path / "service.toml").write_text(text.replace('language = "Go"', 'language = "Gö"'), encoding="utf-8")
    program = (
        "import sys, pathlib; from harness.plan.targets import read_target; "
        "print(ascii(read_target(pathlib.Path(sys.argv[1])).language))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, **ASCII}, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode().strip()) == (0, r"'G\xf6'"), done.stderr.decode()


def test_what_is_not_utf_8_is_one_sentence(tmp_path: Path) -> None:
    bad = b'language = "G\xf6"\n'
    (tmp_path / "service.toml").write_bytes(bad)
    (tmp_path / "fitmap.toml").write_bytes(bad)
    (tmp_path / "profile.py").write_bytes(b"# /// fitmap\n# title = 'G\xf6'\n# ///\n")
    sentence = r"is not UTF-8: save the file as UTF-8"
    with pytest.raises(UsageError, match=rf"service\.toml: byte 13 \(0xf6\) {sentence}"):
        read_target(tmp_path)
    with pytest.raises(UsageError, match=rf"fitmap\.toml: byte 13 \(0xf6\) {sentence}"):
        read_config(tmp_path / "fitmap.toml")
    with pytest.raises(UsageError, match=rf"profile\.py: byte .* {sentence}"):
        read_profile(tmp_path / "profile.py")


def test_toml_nested_too_deeply_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "fitmap.toml").write_text(f"a = {'[' * 100_000}", encoding="utf-8")
    with pytest.raises(UsageError, match="nested too deeply"):
        read_config(tmp_path / "fitmap.toml")


def test_git_may_print_any_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a branch or of a user may be in any encoding."""
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\nprintf 'caf\\351\\n'\n", encoding="utf-8")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert description._revision({}, print) == "caf\ufffd"
    assert resolve("HEAD") == "caf\ufffd"
