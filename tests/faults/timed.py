"""How long faults took, for the table at the end of a session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Fault, moments, seconds.
DONE: list[tuple[str, str, float]] = []


@contextmanager
def timed(fault: str, moments: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    DONE.append((fault, moments, time.monotonic() - begun))
