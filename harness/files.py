"""Where the repository lies, and writing a file whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASES = ROOT / "harness" / "bases"


def write_whole(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Write a file, its folders too, so that whoever reads it sees the old content or all of the new. Raises OSError.

    `temporary`: where the data is first, on the same file system (default: beside the file, with .part at its end).
    The data is on the disk before the name is: after a power cut the file is not empty. A refused write leaves nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary or path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
