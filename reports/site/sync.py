"""A folder that others serve: each file whole or not at all, and what is stale removed. Reads and writes files.

A manifest in the folder names every file that was written here. What is not in it is not ours: it is never deleted and
never written over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from harness.errors import RunError, UsageError
from harness.files import write_whole

MANIFEST = ".fitmap-site.json"
_TEMPORARY = ".fitmap-site.part"
SCHEMA = 1


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The files of ours, as paths from the folder with slashes."""

    schema: int
    files: tuple[str, ...]


class Synced(Struct, frozen=True):
    """What was done: files that were written (others were the same already), files removed, bytes of the whole."""

    written: int
    removed: int
    size: int


def sync(folder: Path, files: Mapping[str, bytes | Path]) -> Synced:
    """Make the folder hold these files (path -> content, or where it is), written in their order, and no other of ours.

    Files that refer to others come last: then all that a served page links to is there before it.

    Raises UsageError where the folder or a file in the way is not ours, RunError when the disk refuses.
    """
    before = _claimed(folder)
    ours = set(before.files)
    for name in files:
        path = _inside(folder, name)
        if name not in ours and (path.exists() or path.is_symlink()):
            raise UsageError(f"{path} is in the way and was not written by fitmap publish: move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # First all that is ours now or soon: should this be killed, the next time still knows it.
        _write(folder, MANIFEST, _encoded(ours | set(files)))
        written = size = 0
        for name, source in files.items():
            data = source if isinstance(source, bytes) else source.read_bytes()
            size += len(data)
            path = folder / name
            if not path.is_file() or path.read_bytes() != data:
                _write(folder, name, data)
                written += 1
        stale = sorted(ours - set(files))
        removed = sum(_remove(folder, name) for name in stale)
        _write(folder, MANIFEST, _encoded(set(files)))
    except OSError as error:
        raise RunError(
            f"{error.filename or folder}: {error.strerror}; the site may be half renewed, so publish again"
        ) from None
    return Synced(written, removed, size)


def claim(folder: Path) -> None:
    """Whether `sync` may write here, before anything is made. Raises UsageError."""
    _claimed(folder)


def _claimed(folder: Path) -> Manifest:
    """What is ours in the folder; nothing in a new or an empty one."""
    try:
        data = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        if folder.exists() and any(path.name != _TEMPORARY for path in folder.iterdir()):
            raise UsageError(f"{folder} is not empty and was not written by fitmap publish: give a new folder") from None
        return Manifest(SCHEMA, ())
    except OSError as error:
        raise UsageError(f"{folder} can't be a site's folder: {error.strerror}") from None
    try:
        found = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise UsageError(f"{folder / MANIFEST} is damaged ({error}): give a new folder") from None
    if found.schema > SCHEMA:
        raise UsageError(f"{folder} was written by a newer fitmap: give a new folder")
    for name in found.files:
        _inside(folder, name)
    return found


def _inside(folder: Path, name: str) -> Path:
    """The path of a file in the folder. Raises UsageError where its name or a link leads elsewhere."""
    parts = PurePosixPath(name)
    path = folder / name
    if parts.is_absolute() or ".." in parts.parts or not path.parent.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{name!r} is not inside {folder}: remove {MANIFEST} and the links there, or give a new folder")
    return path


def _encoded(names: set[str]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(Manifest(SCHEMA, tuple(sorted(names)))), indent=1) + b"\n"


def _write(folder: Path, name: str, data: bytes) -> None:
    # One name for all: whatever a killed run leaves of it is known, and in nobody's way.
    write_whole(folder / name, data, folder / _TEMPORARY)


def _remove(folder: Path, name: str) -> bool:
    """Remove a file of ours, and the folders that it leaves empty."""
    path = folder / name
    if not (path.is_file() or path.is_symlink()):
        return False
    path.unlink()
    for parent in path.relative_to(folder).parents:
        if parent == Path() or any((folder / parent).iterdir()):
            break
        (folder / parent).rmdir()
    return True
