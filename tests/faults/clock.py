"""A wall clock that one program alone sees: that of libfaketime, from its package."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.containers.engine import apt_install

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def library() -> Path | None:
    """libfaketime, from its package; None where it can't be installed."""
    if not LIBRARY.exists() and Path("/etc/debian_version").exists() and os.geteuid() == 0:
        apt_install(("libfaketime",), print)
    return LIBRARY if LIBRARY.exists() else None


def clock_folder(folder: Path) -> Path:
    """A folder with libfaketime and the right time."""
    clock = folder / "clock"
    clock.mkdir()
    clock.chmod(0o755)
    shutil.copy(LIBRARY, clock)
    set_clock(clock, 0)
    return clock


def set_clock(clock: Path, seconds: int) -> None:
    """Sets it by so much from the real time."""
    new = clock / "new"
    new.write_text(f"{seconds:+d}\n")
    new.chmod(0o644)
    new.replace(clock / "time")


def clock_environment(folder: str) -> dict[str, str]:
    """The variables that make a program see the time in a folder. Only its wall clock: real clocks are set like that."""
    return {
        "LD_PRELOAD": f"{folder}/libfaketime.so.1",
        "FAKETIME_TIMESTAMP_FILE": f"{folder}/time",
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
        "NO_FAKE_STAT": "1",
    }
