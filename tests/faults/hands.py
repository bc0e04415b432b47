"""What injects the faults. Each takes the stage, and returns what ends the fault, or None where nothing does.

All of it reaches only what the test itself started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from clock import set_clock
from own_engine import OwnEngine
from program import EAT
from stage import Stage

Undo = Callable[[], None]
Inject = Callable[[Stage], Undo | None]

#: Longer than a harness may stand still unnoticed, shorter than a service waits for its database.
PAUSE_SECONDS = 4.0
SLEEP_SECONDS = 20.0
#: A worker that is silent for longer is lost.
WORKER_SECONDS = 2.0
#: From the end of a slice into the measured part of the next one, which has a lead-in.
INTO_SLICE_SECONDS = 0.2
FULL = "full"
CGROUPS = Path("/sys/fs/cgroup")
#: Where version 1 has it.
MEMORY_V1 = CGROUPS / "memory"
HARNESS_BYTES = 64 << 20


# Processes.
def harness(stage: Stage) -> list[int]:
    return [stage.harness()]


def service(stage: Stage) -> list[int]:
    return _inside(stage, "service")


def database(stage: Stage) -> list[int]:
    return _inside(stage, "database")


def master(stage: Stage) -> list[int]:
    return [int(stage.container("generator").attrs["State"]["Pid"])]


def worker(stage: Stage) -> list[int]:
    whole = psutil.Process(*master(stage))
    deadline = time.monotonic() + 10
    while not (workers := whole.children()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [workers[0].pid]


def _inside(stage: Stage, role: str) -> list[int]:
    return pids(stage.container(role))


def pids(container: object) -> list[int]:
    """The processes of a container, the first one first."""
    rows = container.top()["Processes"]  # type: ignore[attr-defined]
    return sorted(int(row[1]) for row in rows)


def killed(whom: Callable[[Stage], list[int]]) -> Inject:
    def inject(stage: Stage) -> None:
        os.kill(whom(stage)[0], signal.SIGKILL)

    return inject


def paused(whom: Callable[[Stage], list[int]], seconds: float) -> Inject:
    """For some seconds, while the run goes on as far as it can."""

    def inject(stage: Stage) -> Undo:
        stopped = whom(stage)
        time.sleep(INTO_SLICE_SECONDS)
        send(stopped, signal.SIGSTOP)
        timer = threading.Timer(seconds, send, (stopped, signal.SIGCONT))
        timer.start()
        return timer.join

    return inject


def stopped(whom: Callable[[Stage], list[int]]) -> Inject:
    """For good: what comes next in the run ends it."""

    def inject(stage: Stage) -> None:
        send(whom(stage), signal.SIGSTOP)

    return inject


def send(numbers: list[int], number: signal.Signals) -> None:
    for pid in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def hung_up(stage: Stage) -> None:
    os.kill(stage.harness(), signal.SIGHUP)


# Disks.
@contextlib.contextmanager
def small_disk(folder: Path, size: str = "16m") -> Iterator[None]:
    """A file system of its own on a folder."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Undo:
    file = folder / FULL
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as whole:
        while True:
            whole.write(b"\0" * 4096)
    return file.unlink


def read_only(folder: Path) -> Undo:
    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)

    remount("ro")
    return lambda: remount("rw")


def runs_full(stage: Stage) -> Undo:
    return fill(stage.runs)


def runs_read_only(stage: Stage) -> Undo:
    return read_only(stage.runs)


# Memory.
#: Joins the control group of another process, and takes memory there until the kernel has killed a process of the group.
HOG = """
import os, sys
folder, events = sys.argv[1:]
def kills():
    with open(events) as lines:
        return [line for line in lines if line.startswith("oom_kill ")]
with open(folder + "/cgroup.procs", "w") as file:
    file.write(str(os.getpid()))
before, taken = kills(), []
while kills() == before:
    taken.append(b"x" * (1 << 20))
"""


def memory_group(pid: int) -> tuple[Path, Path]:
    """The folder of a process's control group of memory, and its file that counts kills."""
    lines = (line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    folders = {name: path.lstrip("/") for _, names, path in lines for name in names.split(",")}
    if MEMORY_V1.is_dir():
        return MEMORY_V1 / folders["memory"], MEMORY_V1 / folders["memory"] / "memory.oom_control"
    return CGROUPS / folders[""], CGROUPS / folders[""] / "memory.events"


def out_of_memory(whom: Callable[[Stage], list[int]]) -> Inject:
    """The kernel kills what has the most memory of a container."""

    def inject(stage: Stage) -> None:
        victims = whom(stage)
        for pid in victims:
            # The kernel chooses the one with the most memory: without this it would be the one that takes it here.
            Path(f"/proc/{pid}/oom_score_adj").write_text("1000")
        command = [sys.executable, "-S", "-c", HOG, *map(str, memory_group(victims[0]))]
        # What the victim had may be too little: then the kernel kills the other one next.
        assert subprocess.run(command, check=False, timeout=60).returncode in (0, -signal.SIGKILL)

    return inject


def harness_out_of_memory(stage: Stage) -> Undo:
    """A control group of its own, with little memory, in which the program takes more."""
    version_1 = MEMORY_V1.is_dir()
    group = (MEMORY_V1 if version_1 else CGROUPS) / f"fitmap-fault-{stage.harness()}"
    group.mkdir()
    (group / ("memory.limit_in_bytes" if version_1 else "memory.max")).write_text(str(HARNESS_BYTES))
    (group / "cgroup.procs").write_text(str(stage.harness()))
    stage.answer = EAT

    def undo() -> None:
        # What the harness started may end a moment after it.
        deadline = time.monotonic() + 10
        while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        group.rmdir()

    return undo


# Clocks, ports and the engine.
def stepped(seconds: int) -> Inject:
    """The clock is set at each moment, further and further."""

    def inject(stage: Stage) -> None:
        clock = stage.folder / "clock"
        set_clock(clock, int((clock / "time").read_text()) + seconds)

    return inject


def generator_stepped(seconds: int) -> Inject:
    """The clock of the load generator's container is set, and set back at the next moment."""

    def inject(stage: Stage) -> Undo:
        set_clock(stage.folder / "clock", seconds)
        return lambda: set_clock(stage.folder / "clock", 0)

    return inject


def engine_paused(engine: OwnEngine) -> Inject:
    return paused(lambda _stage: engine.pids(), PAUSE_SECONDS)


def engine_stopped(engine: OwnEngine) -> Inject:
    """Until the run has ended."""

    def inject(_stage: Stage) -> Undo:
        pids = engine.pids()
        send(pids, signal.SIGSTOP)
        return lambda: send(pids, signal.SIGCONT)

    return inject


def asleep(engine: OwnEngine) -> Inject:
    """The harness with what it started, the engine, and the processes of all containers stand still."""

    def everybody(stage: Stage) -> list[int]:
        containers = engine.client().containers.list(ignore_removed=True)
        inside = [pid for container in containers for pid in pids(container)]
        return [*(process.pid for process in stage.processes()), *inside, *engine.pids()]

    return paused(everybody, SLEEP_SECONDS)


def engine_killed(engine: OwnEngine) -> Inject:
    def inject(_stage: Stage) -> Undo:
        engine.kill()
        return lambda: None

    return inject


def loopback_dropped(engine: OwnEngine) -> Inject:
    def inject(_stage: Stage) -> Undo:
        engine.run("ip", "link", "set", "lo", "down")
        return lambda: engine.run("ip", "link", "set", "lo", "up")

    return inject


def listen(port: int) -> Undo:
    """Listens on a port of the loopback interface."""
    listener = socket.socket()
    # Connections of an earlier trial, in TIME_WAIT, are no listeners.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener.close
