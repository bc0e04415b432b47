"""Reads the counters of containers and of the host's CPUs, and samples them.

A container's counters come from its cgroup files, or from the engine's stats call where this kernel does not show them.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from docker.errors import DockerException
from docker.models.containers import Container

from harness.host.cgroup import Cgroup, CgroupGone, anonymous_memory
from harness.record.samples import Counters, CpuTimes, HostSample, Sample

INTERVAL_SECONDS = 0.1
#: The host's counters are read each half second: they count in ticks of 10 ms.
HOST_SECONDS = 0.5
MIN_PRIORITY = 19

STAT = Path("/proc/stat")


class Reader(Protocol):
    """Reads one container's counters."""

    def read(self) -> Counters:
        """Raises CgroupGone."""
        ...

    def close(self) -> None:
        """Gives up what the reader holds open. It reads no more afterwards."""
        ...


class CombinedReader:
    """Reads several containers as one: the sums of their counters.

    But for mapped pages of files: containers of one image share them, so the largest count stands for all.
    """

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers

    def read(self) -> Counters:
        parts = [reader.read() for reader in self._readers]

        def total(field: str) -> int | None:
            values = [getattr(part, field) for part in parts]
            return None if None in values else sum(values)

        mapped = [part.mapped_file_bytes for part in parts]

        return Counters(
            cpu_ns=sum(part.cpu_ns for part in parts),
            memory_bytes=sum(part.memory_bytes for part in parts),
            inactive_file_bytes=sum(part.inactive_file_bytes for part in parts),
            anonymous_bytes=sum(part.anonymous_bytes for part in parts),
            peak_bytes=total("peak_bytes"),
            throttled_periods=total("throttled_periods"),
            oom_kills=total("oom_kills"),
            mapped_file_bytes=None if None in mapped else max(pages for pages in mapped if pages is not None),
            stopped=any(part.stopped for part in parts),
        )

    def close(self) -> None:
        for reader in self._readers:
            reader.close()


class ApiReader:
    """Reads the engine's stats, where it runs in a virtual machine (Docker Desktop). Much slower than files.

    They do not say which pages of files the processes have mapped, nor whether a process is stopped.
    """

    def __init__(self, container: Container) -> None:
        self._container = container

    def read(self) -> Counters:
        try:
            stats: Any = self._container.stats(stream=False, one_shot=True)
            return from_stats(stats)
        except (DockerException, KeyError) as error:
            raise CgroupGone(str(error)) from None

    def close(self) -> None:
        """There is nothing to close: each reading is a call of its own."""


def from_stats(stats: dict[str, Any]) -> Counters:
    """The counters in the engine's stats object. The names of memory fields differ between cgroup v1 and v2."""
    memory = stats["memory_stats"]
    detail: dict[str, int] = dict(memory["stats"])
    if "total_rss" in detail:
        # The engine leaves shared memory out here. The kernel lists it with anonymous pages, but does not count it as rss.
        listed = detail.get("total_active_anon", 0) + detail.get("total_inactive_anon", 0)
        detail.setdefault("total_shmem", max(0, listed - detail["total_rss"]))
    names = ("total_rss", "total_shmem", "total_mapped_file") if "total_rss" in detail else ("anon", "shmem", "file_mapped")
    return Counters(
        cpu_ns=int(stats["cpu_stats"]["cpu_usage"]["total_usage"]),
        memory_bytes=int(memory["usage"]),
        inactive_file_bytes=int(detail.get("total_inactive_file", detail.get("inactive_file", 0))),
        anonymous_bytes=anonymous_memory(detail, *names),
        peak_bytes=memory.get("max_usage"),
        throttled_periods=stats["cpu_stats"].get("throttling_data", {}).get("throttled_periods"),
        oom_kills=None,
    )


def open_reader(container: Container, pid: int, proc: Path = Path("/proc")) -> Reader:
    """A reader of cgroup files if the container runs on this kernel, else one of the engine's stats.

    It runs on this kernel if the cgroup path of its process names the container.
    """
    with contextlib.suppress(OSError, CgroupGone):
        if str(container.id) in (proc / str(pid) / "cgroup").read_text(encoding="utf-8"):
            cgroup = Cgroup(pid, proc)
            try:
                cgroup.read()
            except CgroupGone:
                cgroup.close()
                raise
            return cgroup
    return ApiReader(container)


def read_processors(path: Path = STAT) -> dict[int, CpuTimes]:
    """CPU number -> its times in /proc/stat. Empty where the kernel has no such file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    times: dict[int, CpuTimes] = {}
    for line in lines:
        name, *fields = line.split()
        if not name.startswith("cpu") or name == "cpu":
            continue
        # The fields: user nice system idle iowait irq softirq steal guest guest_nice. Guests are counted in user already.
        user, nice, system, *others = (int(field) * tick_ns for field in fields[:8])
        steal = others[4] if len(others) > 4 else 0
        total = user + nice + system + sum(others)
        times[int(name.removeprefix("cpu"))] = CpuTimes(user + nice + system, sum(others[:2]), steal, total)
    return times


class Sampler:
    """Reads each container's counters ten times a second, in a context. Closes the readers at its end.

    A container that has ended is not read again: the trial finds out why it ended. Where containers run on another kernel
    than this process (Docker Desktop), this host's CPUs are not theirs and are not read.
    """

    def __init__(self, readers: Mapping[str, Reader], interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._interval_seconds = interval_seconds
        self._host_every = max(1, round(HOST_SECONDS / interval_seconds))
        self._readers = dict(readers)
        self._opened = tuple(readers.values())
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
        for reader in self._opened:
            reader.close()

    def read_once(self) -> None:
        """Reads all counters once more, so that there is a reading after the end of a window, however late the thread is."""
        self._read_containers()
        self._read_host()

    def _run(self) -> None:
        # At normal priority, ten bursts of half a millisecond per second would be the 99th percentile of what is measured.
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), MIN_PRIORITY)
        due, count = time.monotonic(), 0
        while not self._stop.is_set():
            self._read_containers()
            if count % self._host_every == 0:
                self._read_host()
            due, count = due + self._interval_seconds, count + 1
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _read_host(self) -> None:
        if self._host and (times := read_processors()):
            self.host_samples.append(HostSample(time.monotonic_ns(), times))

    def _read_containers(self) -> None:
        for role, reader in list(self._readers.items()):
            try:
                counters = reader.read()
            except CgroupGone:
                # Closed at the end of the context: the other thread may be reading it just now.
                self._readers.pop(role, None)
                continue
            self.samples.append(Sample(time.monotonic_ns(), role, counters))
