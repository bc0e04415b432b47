"""The build context that the engine gets: the same bytes for the same files, whoever checked them out, when and how.

git knows of a file's mode only whether it can be executed. The rest depends on the umask of the checkout, on `git archive`,
on the user and on the time. It would be copied into the images: with a umask of 077 no other user could read them, and two
trees with the same content would be measured against each other as different images.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from docker.utils.build import exclude_paths

#: The time of every file: 2000-01-01. Archives in the ZIP format can't hold a time before 1980.
TIME = 946_684_800


def packed(folder: Path, dockerfile: str) -> IO[bytes]:
    """The files of a folder as an archive, without those that its .dockerignore excludes and without empty folders.

    git has no empty folders, but a checkout may have kept some.
    """
    found = exclude_paths(str(folder), _ignored(folder), dockerfile=dockerfile)
    files = {name for name in found if (folder / name).is_symlink() or (folder / name).is_file()}
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}
    return archived((folder / name, name) for name in sorted(files | folders))


def archived(files: Iterable[tuple[Path, str]]) -> IO[bytes]:
    """An archive of files and folders, each with its name in there. Modes, owners and times are equal.

    The folders that files lie in need not be named.
    """
    known = {"."}
    archive = tempfile.TemporaryFile()  # noqa: SIM115  the caller reads it
    with tarfile.open(fileobj=archive, mode="w") as packing:
        for path, name in files:
            for parent in reversed(PurePosixPath(name).parents):
                if str(parent) not in known:
                    _add_folder(packing, str(parent))
                    known.add(str(parent))
            known.add(name)
            _add(packing, path, name)
    archive.seek(0)
    return archive


def _ignored(folder: Path) -> list[str]:
    """The patterns of .dockerignore."""
    try:
        lines = (folder / ".dockerignore").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _add_folder(packing: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime, entry.type, entry.mode = TIME, tarfile.DIRTYPE, 0o755
    packing.addfile(entry)


def _add(packing: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime = TIME
    if path.is_symlink():
        entry.type, entry.mode, entry.linkname = tarfile.SYMTYPE, 0o777, str(path.readlink())
        packing.addfile(entry)
    elif path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        packing.addfile(entry)
    else:
        status = path.stat()
        entry.size, entry.mode = status.st_size, 0o755 if status.st_mode & 0o100 else 0o644
        with path.open("rb") as content:
            packing.addfile(entry, content)
