"""Asks git about this checkout. Where git fails, its own words are kept."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from msgspec import Struct

from harness.files import ROOT


class GitAnswer(Struct, frozen=True):
    """What git printed. `reason`: why it failed, in its own words, which may be none; None: it did not fail."""

    output: bytes
    reason: str | None

    @property
    def text(self) -> str:
        return self.output.decode(errors="replace").strip()


def git(*arguments: str, folder: Path = ROOT) -> GitAnswer:
    """Runs git in this checkout, or in another folder."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, check=False)
    except FileNotFoundError:
        return GitAnswer(b"", "git is not installed, or not on PATH")
    except OSError as error:
        return GitAnswer(b"", f"git can't be started: {error.strerror}")
    return GitAnswer(done.stdout, _said(done.stderr) if done.returncode else None)


def _said(errors: bytes) -> str:
    """What failed and, where git says it, what to do: its first line and its last one."""
    lines = [line.strip() for line in errors.decode(errors="replace").splitlines() if line.strip()]
    return "; ".join(dict.fromkeys((lines[0], lines[-1]))) if lines else ""
