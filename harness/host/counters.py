"""Where a container's counters come from: its cgroup files, or the engine's stats call where there are none to see."""

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

from harness.host.cgroup import Cgroup, CgroupGone
from harness.record.samples import Counters, CpuTimes, HostSample, Sample

INTERVAL_SECONDS = 0.1
#: The host's own counters have ticks of 10 ms: a reading each half second is all they give.
HOST_EVERY = 5
MIN_PRIORITY = 19

STAT = Path("/proc/stat")


class Reader(Protocol):
    """Reads one container's counters. Raises CgroupGone."""

    def read(self) -> Counters: ...


class Together:
    """Several containers as one: their counters added up."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers

    def read(self) -> Counters:
        parts = [reader.read() for reader in self._readers]

        def total(field: str) -> int | None:
            values = [getattr(part, field) for part in parts]
            return None if None in values else sum(values)

        return Counters(
            cpu_ns=sum(part.cpu_ns for part in parts),
            memory_bytes=sum(part.memory_bytes for part in parts),
            inactive_file_bytes=sum(part.inactive_file_bytes for part in parts),
            anonymous_bytes=sum(part.anonymous_bytes for part in parts),
            peak_bytes=total("peak_bytes"),
            throttled_periods=total("throttled_periods"),
            oom_kills=total("oom_kills"),
        )


class ApiReader:
    """The fallback, for engines in a virtual machine (Docker Desktop): slower by far than files."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def read(self) -> Counters:
        try:
            stats: Any = self._container.stats(stream=False, one_shot=True)
            return from_stats(stats)
        except (DockerException, KeyError) as error:
            raise CgroupGone(str(error)) from None


def from_stats(stats: dict[str, Any]) -> Counters:
    """The engine's stats object as counters. The names of memory fields differ between cgroup v1 and v2."""
    memory = stats["memory_stats"]
    detail = memory["stats"]
    return Counters(
        cpu_ns=int(stats["cpu_stats"]["cpu_usage"]["total_usage"]),
        memory_bytes=int(memory["usage"]),
        inactive_file_bytes=int(detail.get("total_inactive_file", detail.get("inactive_file", 0))),
        anonymous_bytes=int(detail.get("total_rss", detail.get("anon", 0))),
        peak_bytes=memory.get("max_usage"),
        throttled_periods=stats["cpu_stats"].get("throttling_data", {}).get("throttled_periods"),
        oom_kills=None,
    )


def open_reader(container: Container, pid: int, proc: Path = Path("/proc")) -> Reader:
    """The quick reader where this kernel is the container's (its cgroup path names the container), else the fallback."""
    try:
        if str(container.id) in (proc / str(pid) / "cgroup").read_text():
            cgroup = Cgroup(pid, proc)
            cgroup.read()
            return cgroup
    except (OSError, CgroupGone):
        pass
    return ApiReader(container)


def read_processors(path: Path = STAT) -> dict[int, CpuTimes]:
    """CPU number -> its times. Empty where the kernel does not say."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    found: dict[int, CpuTimes] = {}
    for line in lines:
        name, *fields = line.split()
        if not name.startswith("cpu") or name == "cpu":
            continue
        # user nice system idle iowait irq softirq steal guest guest_nice; guests are in user already.
        user, nice, system, *others = (int(field) * tick_ns for field in fields[:8])
        steal = others[4] if len(others) > 4 else 0
        total = user + nice + system + sum(others)
        found[int(name.removeprefix("cpu"))] = CpuTimes(user + nice + system, sum(others[:2]), steal, total)
    return found


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
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), MIN_PRIORITY)
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
