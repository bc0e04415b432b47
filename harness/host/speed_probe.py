"""How fast the machine's CPUs are while something is measured: the canary beside each trial.

On a shared machine a CPU is slower while a neighbour works on its other hardware thread, and no counter of the guest says
so: the time is neither steal nor other work. A fixed piece of work (harness/host/speed_probe_process.py), timed every few
milliseconds on the CPUs of the trial for less than one per cent of their time, shows it (docs/method/README.md has the
figures).
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, quantiles
from typing import Self

from harness.host.cpu_times import all_cpus, parse_cpu_list
from harness.record.measurement import Speed, SpeedSample
from harness.record.plan import Placement

PROGRAM = Path(__file__).with_name("speed_probe_process.py")
#: Fewer samples than these say nothing of a window.
LEAST_SAMPLES = 20
END_SECONDS = 5.0


class SpeedProbe:
    """Runs the probe beside a trial. A context; `samples` are there once it has ended.

    Where this process can't be placed on the trial's CPUs (another kernel, another system) there are none.
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
        self.samples = parse(self._file.read_text())
        self._file.unlink(missing_ok=True)


def parse(text: str) -> tuple[SpeedSample, ...]:
    """The probe's lines; one that it was killed in is left out."""
    whole = text[: text.rfind("\n") + 1]
    return tuple(SpeedSample(*map(int, line.split())) for line in whole.splitlines())


def speeds(samples: Sequence[SpeedSample], start_ns: int, end_ns: int, placement: Placement) -> Mapping[str, Speed]:
    """Role -> how its CPUs fared during [start_ns, end_ns]; none of a role that was probed too seldom."""
    inside = [sample for sample in samples if start_ns <= sample.monotonic_ns < end_ns]
    found = {}
    for role in ("service", "database", "generator"):
        cpus = parse_cpu_list(getattr(placement, role))
        took = [sample.cpu_ns / 1e3 for sample in inside if sample.cpu in cpus]
        if len(took) >= LEAST_SAMPLES:
            found[role] = Speed(round(fmean(took), 3), round(quantiles(took, n=10)[0], 3), len(took))
    return found
