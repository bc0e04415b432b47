"""Samples the containers of a trial in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Self

from harness.cgroup import CgroupGone
from harness.counters import Reader
from harness.record import Sample

INTERVAL_SECONDS = 0.1


class Sampler:
    """Reads each container's counters ten times a second until stopped. A context.

    A container that ends is read no more: what became of it is the trial's business.
    """

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = dict(readers)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        # One more round: a counter at the end of the window lies between two readings, however late the thread was.
        self._read_all()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self._read_all()
            due += INTERVAL_SECONDS
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _read_all(self) -> None:
        for role, reader in list(self._readers.items()):
            try:
                counters = reader.read()
            except CgroupGone:
                del self._readers[role]
                continue
            self.samples.append(Sample(time.monotonic_ns(), role, counters))
