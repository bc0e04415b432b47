"""Removes an image's files from the page cache, and counts what is left in it.

It calls `posix_fadvise(POSIX_FADV_DONTNEED)` on each file of the image's layers. /proc/sys/vm/drop_caches would remove the
pages of the database and of all other programs too. The kernel keeps directory entries, and pages that a running process has
mapped. The engine's files must be on this host, and the user must be root.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from msgspec import Struct

from harness.record.measurement import Missing

_libc: Any = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
_MAP_FAILED = ctypes.c_void_p(-1).value


class Evicted(Struct, frozen=True):
    """The bytes of an image's files in the page cache, before and after the removal."""

    before_bytes: int
    after_bytes: int


class Layers(Struct, frozen=True):
    """The files of an image's layers on this host."""

    files: tuple[Path, ...]
    total_bytes: int

    def evict(self) -> Evicted:
        """Removes the files from the page cache."""
        before = cached_bytes(self.files)
        for path in self.files:
            with _opened(path) as descriptor:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return Evicted(before, cached_bytes(self.files))


def layers_of(client: docker.DockerClient, image_id: str) -> Layers | Missing:
    """An image's layers, or the reason why they can't be removed from the page cache."""
    if not hasattr(os, "posix_fadvise"):
        return Missing("this system has no posix_fadvise")
    try:
        data = (client.images.get(image_id).attrs.get("GraphDriver") or {}).get("Data") or {}
    except DockerException as error:
        return Missing(f"the engine does not report the image's layers: {error}")
    folders = [Path(folder) for key in ("UpperDir", "LowerDir") for folder in (data.get(key) or "").split(":") if folder]
    if not folders:
        return Missing("the engine's storage driver does not report where the image's layers are")
    try:
        # The kernel can't drop pages that are not yet written to disk.
        os.sync()
        files = tuple(path for folder in folders for path in _files(folder))
        return Layers(files, sum(path.stat().st_size for path in files))
    except PermissionError:
        return Missing("only root can read the image's layers")
    except OSError as error:
        return Missing(f"the image's layers are not on this host ({error.strerror})")


def _files(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A file's descriptor, without the buffers of `open`: there are thousands of files."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def cached_bytes(files: tuple[Path, ...]) -> int:
    """The bytes of the files that are in the page cache, in whole pages (mincore)."""
    return sum(_cached(path) for path in files)


def _cached(path: Path) -> int:
    with _opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if not size:
            return 0
        address = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
        if address == _MAP_FAILED:
            raise OSError(ctypes.get_errno(), "mmap", str(path))
        try:
            pages = ctypes.create_string_buffer(-(-size // mmap.PAGESIZE))
            if _libc.mincore(address, size, pages):
                raise OSError(ctypes.get_errno(), "mincore", str(path))
        finally:
            _libc.munmap(address, size)
    return sum(state & 1 for state in pages.raw) * mmap.PAGESIZE
