"""Keeps a folder that a web server serves up to date: writes whole files and removes stale ones.

A manifest in the folder lists every file that this module wrote. Other files are never deleted and never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from harness.errors import RunError, UsageError
from harness.files import write_whole
from harness.record.damage import DAMAGED

MANIFEST = ".fitmap-site.json"
_TEMPORARY = ".fitmap-site.part"
SCHEMA = 1


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The files that were written here, as paths relative to the folder, with slashes."""

    schema: int
    files: tuple[str, ...]


class Synced(Struct, frozen=True):
    """The result of `sync`: files written (unchanged ones are not), files removed, and the size of all in bytes."""

    written: int
    removed: int
    size: int


def sync(folder: Path, files: Mapping[str, bytes | Path]) -> Synced:
    """Writes these files (path -> content, or a file to copy) in the given order, and removes our other files.

    Pages must come after the files that they link to, so that a served page has no dead links.

    Raises UsageError if the folder or a file in the way is not ours, RunError if a file can't be written.
    """
    before = _claimed(folder)
    ours = set(before.files)
    for name in files:
        path = _inside(folder, name)
        if name not in ours and (path.exists() or path.is_symlink()):
            raise UsageError(f"{path} is in the way and was not written by fitmap publish: move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The manifest first lists old and new files: if this is killed, the next run still knows all of them.
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
            f"{error.filename or folder}: {error.strerror}; the site may be incomplete, so publish again"
        ) from None
    return Synced(written, removed, size)


def claim(folder: Path) -> None:
    """Checks that `sync` may write into the folder, before any page is made. Raises UsageError."""
    _claimed(folder)


def _claimed(folder: Path) -> Manifest:
    """The manifest of the folder; an empty one if the folder is new or empty."""
    try:
        data = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        if folder.exists() and any(path.name != _TEMPORARY for path in folder.iterdir()):
            raise UsageError(f"{folder} is not empty and was not written by fitmap publish: give a new folder") from None
        return Manifest(SCHEMA, ())
    except OSError as error:
        raise UsageError(f"{folder} can't be used as the site's folder: {error.strerror}") from None
    try:
        found = msgspec.json.decode(data, type=Manifest)
    except DAMAGED as error:
        raise UsageError(f"{folder / MANIFEST} is damaged ({error}): give a new folder") from None
    if found.schema > SCHEMA:
        raise UsageError(f"{folder} was written by a newer fitmap: give a new folder")
    for name in found.files:
        _inside(folder, name)
    return found


def _inside(folder: Path, name: str) -> Path:
    """The path of a file in the folder. Raises UsageError if its name or a link leads outside."""
    parts = PurePosixPath(name)
    path = folder / name
    if parts.is_absolute() or ".." in parts.parts or not path.parent.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{name!r} is not inside {folder}: remove {MANIFEST} and the links there, or give a new folder")
    return path


def _encoded(names: set[str]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(Manifest(SCHEMA, tuple(sorted(names)))), indent=1) + b"\n"


def _write(folder: Path, name: str, data: bytes) -> None:
    # All files use one temporary name, so that what a killed run leaves behind is known and overwritten.
    write_whole(folder / name, data, folder / _TEMPORARY)


def _remove(folder: Path, name: str) -> bool:
    """Removes a file that was written here, and folders that become empty."""
    path = folder / name
    if not (path.is_file() or path.is_symlink()):
        return False
    path.unlink()
    for parent in path.relative_to(folder).parents:
        if parent == Path() or any((folder / parent).iterdir()):
            break
        (folder / parent).rmdir()
    return True
