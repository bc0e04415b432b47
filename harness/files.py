"""Where fitmap's files are, and writing a file or a line whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
from io import FileIO
from pathlib import Path

#: The checkout, or where a wheel was unpacked.
ROOT = Path(__file__).resolve().parents[1]
BASES = ROOT / "harness" / "bases"
#: A wheel has the contract as a data file, and no targets.
CHECKOUT = (ROOT / "services").is_dir()
CONTRACT = ROOT / "services" / "contract" if CHECKOUT else Path(sys.prefix) / "share" / "fitmap" / "contract"
#: What reads a database's counts of statements.
STATISTICS = (
    ROOT / "services" / "database" / "statistics.sql" if CHECKOUT else CONTRACT.with_name("database") / "statistics.sql"
)
#: Where fitmap.toml, runs/ and history.jsonl are: in the checkout, or in the working directory of who works elsewhere.
HOME = ROOT if CHECKOUT and Path.cwd().is_relative_to(ROOT) else Path.cwd()


def write_whole(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Writes a file and its folders. Readers see the old content or all of the new. Raises OSError.

    `temporary`: where the data is written first, on the same file system (default: the file's name with .part added).
    Data and name are flushed to disk, so the file is neither empty nor the old one after a power cut. A write that fails or
    is interrupted leaves no temporary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary or path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_names(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Appends a line whole or not at all. It is on the disk when this returns. Raises OSError.

    A killed process may have left half a line: the new one does not continue it.
    """
    # Without a buffer: what a full disk refuses must not be written later, behind what follows.
    with path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            left = memoryview((b"" if _begins_line(file, size) else b"\n") + line + b"\n")
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(size)
            raise


def _begins_line(file: FileIO, size: int) -> bool:
    if not size:
        return True
    file.seek(size - 1)
    return file.read(1) == b"\n"


def _flush_names(folder: Path) -> None:
    """Flushes the names in a folder to disk. Not every file system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
