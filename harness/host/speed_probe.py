"""The CPU speed probe: measures how fast the machine's CPUs are during a trial.

On a shared machine a CPU is slower while a noisy neighbour works on its other hardware thread. No counter of the guest shows
it: the time is neither steal nor other work. The probe times a fixed piece of work (harness/host/speed_probe_process.py)
every few milliseconds on the CPUs of the trial, for less than one per cent of their time
(docs/method/resources.md).
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from harness.record.cpus import all_cpus
from harness.record.plan import Placement
from harness.record.samples import SpeedSample

PROGRAM = Path(__file__).with_name("speed_probe_process.py")
END_SECONDS = 5.0


class SpeedProbe:
    """Runs the probe during a trial. A context; its `samples` are complete when it has ended.

    There are no samples where the probe can't run on the trial's CPUs (another kernel, another system).
    """

    def __init__(self, placement: Placement, *, local: bool) -> None:
        self._cpus = all_cpus(placement)
        self._local = local and sys.platform == "linux"
        self._process: subprocess.Popen[bytes] | None = None
        self._file: Path | None = None
        self.samples: tuple[SpeedSample, ...] = ()

    def __enter__(self) -> Self:
        if self._local:
            with tempfile.NamedTemporaryFile(prefix="fitmap-speed-", delete=False) as file:
                self._file = Path(file.name)
            command = [sys.executable, "-I", "-S", str(PROGRAM), str(self._file), ",".join(map(str, self._cpus))]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None or self._file is None:
            return
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self.samples = parse(self._file.read_text(encoding="utf-8"))
        self._file.unlink(missing_ok=True)


def parse(text: str) -> tuple[SpeedSample, ...]:
    """The samples in the probe's lines. A last line that is not complete is left out."""
    whole = text[: text.rfind("\n") + 1]
    return tuple(SpeedSample(*map(int, line.split())) for line in whole.splitlines())
