"""The table of faults: what is injected into a run, at which moments, and how the run has to end.

A fault has several rows where its moments differ in what must follow. Faults of files that need no run are in
test_record_faults.py.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import hands
from hands import PAUSE_SECONDS, Inject, Undo, killed, out_of_memory, paused, stopped
from msgspec import Struct
from own_engine import OwnEngine
from stage import Stage

from harness.record.measurement import Verdict

Moment = Literal["set-up", "warm-up", "window", "between", "report"]
MOMENTS: tuple[Moment, ...] = ("set-up", "warm-up", "window", "between", "report")
#: What a run needs around it: a small disk under its records, or a clock that is set.
Around = Literal["", "disk", "clock", "generator clock"]

ANY: tuple[Verdict, ...] = ("valid", "unstable", "generator_limited", "failed")
BAD: tuple[Verdict, ...] = ("unstable", "generator_limited", "failed")
FAILED: tuple[Verdict, ...] = ("failed",)


class Case(Struct, frozen=True):
    """One row: a fault at some moments.

    `ends`: the run ends by it, so each moment has a run of its own. Without it the run goes on to its report, and one run
    has all moments.
    """

    fault: str
    moments: tuple[Moment, ...]
    #: Given the engine of the tests' own, where `own_engine` says so.
    inject: Inject | Callable[[OwnEngine], Inject]
    #: The exit status: a signal's number is negative.
    status: int
    #: Found in the sentence about the end, or else in what is said of a trial.
    says: str = ""
    ends: bool = True
    #: What may be said of the trials that were under way.
    hit: tuple[Verdict, ...] = ANY
    own_engine: bool = False
    around: Around = ""
    profile: str = "cpu"
    #: Of the containers, as in fitmap.toml.
    limits: str = ""
    #: The load generator is calibrated in the set-up, and the fault comes while it is.
    calibrates: bool = False
    #: The moments that `make test` injects.
    quick: tuple[Moment, ...] = ()


def second_run(stage: Stage) -> None:
    """A second run begins beside the first."""
    done = stage.fitmap(*stage.bench)
    assert done.returncode == 4 and "another run is measuring on this engine" in done.stderr, done.stderr


def port(number: int) -> Inject:
    """Another program listens there, until the run has ended."""

    def inject(_stage: Stage) -> Undo:
        return hands.listen(number)

    return inject


def moved(stage: Stage) -> None:
    folder = stage.record_folder()
    assert folder is not None
    folder.rename(stage.folder / "moved")


def zeroed(path: Path) -> None:
    """A block of zeros in the middle, as after a power cut."""
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + b"\0" * 64 + data[middle + 64 :])


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def image_removed(engine: OwnEngine) -> Inject:
    def inject(stage: Stage) -> Undo:
        stage.client.images.remove("fitmap/go:latest", force=True)
        return engine.load_again

    return inject


#: Faults of what a run left. They need no run, and their moment is the report (test_record_faults.py).
FILES = (
    "header of the record corrupted", "header of the record truncated", "trials of the record corrupted",
    "trials of the record truncated", "samples corrupted or truncated", "histograms corrupted", "histograms truncated",
    "disk of the history full", "disk of the history read-only", "disk of the site full", "disk of the site read-only",
    "history written by two",
)  # fmt: skip

LOADED: tuple[Moment, ...] = ("warm-up", "window")
#: No container of a trial runs, and one is about to.
IDLE: tuple[Moment, ...] = ("set-up", "between")
NO_SPACE = "No space left on device"
READ_ONLY = "Read-only file system"
INTERRUPTED = "finished trials are kept, and `fitmap bench --resume` measures the rest"
ENGINE = "[Ee]ngine"
REFERENCE = "the load on the reference server"

STOOD_STILL = "was stopped, or not watched, for"
CLOCK_SET = "the wall clock was set while the service started"
LITTLE_MEMORY = "service_memory_mib = 64\ndatabase_memory_mib = 512\n"

CASES = (
    Case("SIGKILL of the harness", MOMENTS, killed(hands.harness), -signal.SIGKILL, quick=("window",)),
    Case("SIGKILL of the service", ("set-up",), killed(hands.service), 4, REFERENCE, calibrates=True),
    Case("SIGKILL of the service", LOADED, killed(hands.service), 0, "the service ended by itself", ends=False, hit=FAILED,
         quick=LOADED),
    # With `cpu` nothing but the harness asks the database while there is load.
    Case("SIGKILL of the database", ("warm-up",), killed(hands.database), 0, "the database ended by itself", ends=False,
         hit=FAILED, profile="db"),
    Case("SIGKILL of the database", ("window",), killed(hands.database), 0, "the database ended by itself", ends=False,
         hit=FAILED),
    Case("SIGKILL of a load worker", ("set-up",), killed(hands.worker), 4, REFERENCE, calibrates=True),
    Case("SIGKILL of a load worker", LOADED, killed(hands.worker), 0, "a load worker was lost", ends=False, hit=FAILED),
    Case("SIGKILL of the load master", ("set-up",), killed(hands.master), 4, REFERENCE, calibrates=True),
    Case("SIGKILL of the load master", LOADED, killed(hands.master), 0, "the load generator ended too early", ends=False,
         hit=FAILED),
    Case("SIGKILL of the engine", MOMENTS[:4], hands.engine_killed, 4, ENGINE, own_engine=True),
    Case("SIGKILL of the engine", ("report",), hands.engine_killed, 0, own_engine=True),
    Case("SIGSTOP of the harness", MOMENTS, paused(hands.harness, PAUSE_SECONDS), 0, ends=False),
    Case("SIGSTOP of the service", LOADED, paused(hands.service, PAUSE_SECONDS), 0, STOOD_STILL, ends=False),
    Case("SIGSTOP of the database", LOADED, paused(hands.database, PAUSE_SECONDS), 0, STOOD_STILL, ends=False, profile="db"),
    Case("SIGSTOP of a load worker", LOADED, paused(hands.worker, hands.WORKER_SECONDS), 0, STOOD_STILL, ends=False),
    Case("SIGSTOP of the load master", LOADED, paused(hands.master, PAUSE_SECONDS), 0, STOOD_STILL, ends=False),
    Case("SIGSTOP of the engine", MOMENTS, hands.engine_paused, 0, ends=False, own_engine=True),
    Case("service stopped for good", ("window",), stopped(hands.service), 0, "no request was answered", ends=False,
         hit=FAILED),
    Case("database stopped for good", ("window",), stopped(hands.database), 0, "did not end within", ends=False, hit=FAILED),
    Case("load worker stopped for good", ("set-up",), stopped(hands.worker), 4, REFERENCE, calibrates=True),
    Case("load worker stopped for good", ("window",), stopped(hands.worker), 0, "a load worker was lost", ends=False,
         hit=FAILED),
    Case("engine stopped for good", ("between",), hands.engine_stopped, 4, ENGINE, own_engine=True),
    Case("machine asleep", ("warm-up", "window", "between"), hands.asleep, 0, ends=False, own_engine=True),
    Case("service out of memory", LOADED, out_of_memory(hands.service), 0, "killed for lack of memory", ends=False,
         hit=FAILED, limits=LITTLE_MEMORY),
    Case("database out of memory", ("window",), out_of_memory(hands.database), 0, ends=False, hit=FAILED, profile="db",
         limits=LITTLE_MEMORY),
    Case("harness out of memory", MOMENTS, hands.harness_out_of_memory, -signal.SIGKILL),
    Case("disk of the records full", MOMENTS, hands.runs_full, 4, NO_SPACE, around="disk", quick=("report",)),
    Case("disk of the records read-only", MOMENTS, hands.runs_read_only, 4, READ_ONLY, around="disk", quick=("report",)),
    Case("port of the service taken", IDLE, port(24080), 4, r"port 24080 .* is in use", quick=("between",)),
    Case("port of the database taken", IDLE, port(24432), 4, r"port 24432 .* is in use"),
    Case("port of the load taken", IDLE, port(24557), 4, r"port 24557 .* is in use"),
    Case("clock of the harness an hour ahead", MOMENTS, hands.stepped(3600), 0, ends=False, around="clock"),
    Case("clock of the harness an hour back", MOMENTS, hands.stepped(-3600), 0, ends=False, around="clock"),
    Case("clock of the load generator an hour ahead", LOADED, hands.generator_stepped(3600), 0, ends=False,
         around="generator clock"),
    Case("clock of the load generator an hour ahead", ("between",), hands.generator_stepped(3600), 0, CLOCK_SET, ends=False,
         hit=FAILED, around="generator clock"),
    Case("clock of the load generator an hour back", LOADED, hands.generator_stepped(-3600), 0, ends=False,
         around="generator clock"),
    # Locust may take its workers for lost before the service has started.
    Case("clock of the load generator an hour back", ("between",), hands.generator_stepped(-3600), 0,
         f"{CLOCK_SET}|a load worker was lost", ends=False, hit=FAILED, around="generator clock"),
    Case("loopback dropped", ("window",), hands.loopback_dropped, 0, ends=False, hit=BAD, own_engine=True),
    Case("loopback dropped", ("between",), hands.loopback_dropped, 0, ends=False, hit=BAD, own_engine=True),
    Case("image removed", IDLE, image_removed, 4, "the image of the service container is gone", own_engine=True),
    Case("image removed", ("report",), image_removed, 0, own_engine=True),
    Case("two runs at once", ("set-up", "warm-up", "window", "between"), second_run, 0, ends=False),
    Case("record moved", ("warm-up", "window", "between"), moved, 4, "was moved or removed"),
    Case("terminal closed", MOMENTS, hands.hung_up, 128 + signal.SIGHUP, INTERRUPTED, quick=("between",)),
)  # fmt: skip
