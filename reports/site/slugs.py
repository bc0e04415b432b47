"""Names from outside as parts of addresses: none of them reaches another file, and no two are one. Pure."""

from __future__ import annotations

import hashlib
import re

from reports.comparison.comparability import Key

_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HASHED = re.compile(r"-[0-9a-f]{12}")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_WIDEST = 60


def slug(name: str) -> str:
    """A file name, an anchor or a part of an address: small letters, digits and hyphens.

    A name that is one already stays as it is. All others get their hash at the end, and so do those that look as if they had
    one: two names never share a slug, on disks that take `Go` and `go` for one name neither.
    """
    if _PLAIN.fullmatch(name) and len(name) <= _WIDEST and not _HASHED.search(name):
        return name
    words = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:_WIDEST].strip("-")
    return f"{words or 'x'}-{_digest(name)}"


def is_run_id(name: str) -> bool:
    """Whether a run's id may be the name of a folder: no separator, no dot, nothing that a shell or a browser reads."""
    return _RUN.fullmatch(name) is not None


def series_slug(key: Key) -> str:
    """The same for the same key, whatever else is in the history: its number may change when older runs are added."""
    return _digest(repr((key.host, key.image_set, key.method, key.content)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
