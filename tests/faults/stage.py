"""One run of fitmap under test: starts it, follows its moments, and looks at what it leaves."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import docker
import psutil
from docker.models.containers import Container

from harness.files import ROOT
from harness.record.reader import Record, read_record

PROGRAM = Path(__file__).with_name("program.py")
FITMAP = (sys.executable, "-m", "harness.cli.main")
#: The longest that a run may take to its end, with all deadlines that a fault makes it wait for.
PATIENCE_SECONDS = 420.0
CONTAINER_SECONDS = 30.0
#: Ports of its own, so that it does not disturb a `fitmap bench` on the same machine. `tests/engine` has the same.
CONFIG = """
[engine]
install = false
image_set = "local"
[ports]
service = 24080
database = 24432
[generator]
port = 24557
[timing]
blocks = {trials}
together = 1
rounds = 4
[limits]
"""


class Stage:
    """The run, its folders, and the engine that it uses."""

    def __init__(
        self,
        folder: Path,
        client: docker.DockerClient,
        *,
        trials: int,
        profile: str = "cpu",
        limits: str = "",
        environment: Mapping[str, str] = {},
        prefix: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.client = client
        self.runs = folder / "runs"
        self.runs.mkdir(exist_ok=True)
        #: The commands that the program is started by.
        self.prefix = tuple(prefix)
        self.environment = {**os.environ, **environment}
        self.config = folder / "fitmap.toml"
        self.config.write_text(CONFIG.format(trials=trials) + limits)
        self.bench = (
            *("--config", str(self.config), "--runs", str(self.runs), "bench", "--preset", "smoke"),
            *("--target", "go", "--profile", profile, "--level", "saturate"),
        )
        self.process: subprocess.Popen[bytes]
        #: What the program is told when it goes on.
        self.answer = ""
        self.errors = folder / "stderr"

    def moments(self) -> Iterator[str]:
        """Starts the run, and yields its moments. At each it waits until the next one is asked for."""
        tells, told = os.pipe()
        heard, hears = os.pipe()
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, str(PROGRAM), *self.bench],
                cwd=ROOT,
                env={**self.environment, "PYTHONPATH": str(ROOT), "FAULTS_TELLS": str(told), "FAULTS_HEARS": str(heard)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(told, heard),
                start_new_session=True,
            )
        os.close(told)
        os.close(heard)
        deadline = time.monotonic() + PATIENCE_SECONDS
        with os.fdopen(tells) as lines, os.fdopen(hears, "w") as answers:
            while True:
                ready, _, _ = select.select([lines], [], [], max(0.0, deadline - time.monotonic()))
                assert ready, f"the run did not end within {PATIENCE_SECONDS:g} s: {self.said()}"
                if not (mark := lines.readline().strip()):
                    break
                yield mark
                with contextlib.suppress(BrokenPipeError):
                    print(self.answer, file=answers, flush=True)
        self.process.wait(max(1.0, deadline - time.monotonic()))

    def end(self) -> None:
        """Ends what is left of the program, and of what it started."""
        if not hasattr(self, "process"):
            return
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """What lives of the program's session."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if os.getsid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def harness(self) -> int:
        """The number of the program itself: the commands before it become it."""
        return self.process.pid

    def fitmap(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs a command of fitmap beside it."""
        return subprocess.run(
            [*self.prefix, *FITMAP, *arguments],
            cwd=ROOT,
            env={**self.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def container(self, role: str) -> Container:
        """The running container of a role. Waits for it."""
        deadline = time.monotonic() + CONTAINER_SECONDS
        while time.monotonic() < deadline:
            for container in self.client.containers.list(filters={"label": f"fitmap={role}"}, ignore_removed=True):
                if container.attrs["State"]["Pid"]:
                    return container
            time.sleep(0.1)
        raise AssertionError(f"no {role} runs: {self.said()}")

    def said(self) -> str:
        """All that the program wrote to standard error."""
        return self.errors.read_text(errors="replace")

    def sentences(self) -> list[str]:
        """What the program said about its end."""
        return re.findall(r"^fitmap: (.*)$", self.said(), re.MULTILINE)

    def record_folder(self) -> Path | None:
        """The folder of the record, wherever it was moved to."""
        return next((path.parent for path in sorted(self.folder.rglob("trials.jsonl"))), None)

    def finished(self) -> list[bytes]:
        """The lines of all finished trials."""
        folder = self.record_folder()
        return [line for line in (folder / "trials.jsonl").read_bytes().split(b"\n") if line] if folder else []

    def record(self) -> Record:
        folder = self.record_folder()
        assert folder is not None, self.said()
        return read_record(folder)
