"""Samples the containers of a trial, and the host's CPUs, in a thread of its own."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from typing import Self

from harness.host.cgroup import CgroupGone
from harness.host.counters import ApiReader, Reader, read_processors
from harness.record.samples import HostSample, Sample

INTERVAL_SECONDS = 0.1
#: The host's own counters have ticks of 10 ms: a reading each half second is all they give.
HOST_EVERY = 5
LEAST_PRIORITY = 19


class Sampler:
    """Reads each container's counters ten times a second until stopped. A context.

    A container that ends is read no more: what became of it is the trial's business. Where containers run on another
    kernel than this process (Docker Desktop), the host's CPUs are not theirs and are not read.
    """

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = dict(readers)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._host = not any(isinstance(reader, ApiReader) for reader in readers.values())
        self.samples: list[Sample] = []
        self.host_samples: list[HostSample] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.read_once()

    def read_once(self) -> None:
        """One more round: a counter at the end of a window lies between two readings, however late the thread was."""
        self._read_containers()
        self._read_host()

    def _run(self) -> None:
        # Ten bursts a second of half a millisecond would else be the 99th percentile of what is measured beside them.
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST_PRIORITY)
        due, count = time.monotonic(), 0
        while not self._stop.is_set():
            self._read_containers()
            if count % HOST_EVERY == 0:
                self._read_host()
            due, count = due + INTERVAL_SECONDS, count + 1
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _read_host(self) -> None:
        if self._host and (times := read_processors()):
            self.host_samples.append(HostSample(time.monotonic_ns(), times))

    def _read_containers(self) -> None:
        for role, reader in list(self._readers.items()):
            try:
                counters = reader.read()
            except CgroupGone:
                del self._readers[role]
                continue
            self.samples.append(Sample(time.monotonic_ns(), role, counters))
