"""The repository's root folder, and writing a file whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASES = ROOT / "harness" / "bases"


def write_whole(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Writes a file and its folders. Readers see the old content or all of the new. Raises OSError.

    `temporary`: where the data is written first, on the same file system (default: the file's name with .part added).
    The data is flushed to disk before the rename, so the file is not empty after a power cut. A failed write leaves no
    temporary file.
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
