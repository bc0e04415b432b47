"""What a trial hands over to be judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from harness.evaluation.statements import Contract
from harness.record.cpus import count_cpus
from harness.record.plan import Placement
from harness.record.run import Calibration
from harness.record.samples import HostSample, Sample, SpeedSample
from loadtests.protocol import messages


class LevelOutput(Struct, frozen=True):
    """What the generator said of one level: its windows, what it measured (a search: each probe), its end."""

    windows: tuple[tuple[messages.Window, ...], ...]
    measured: tuple[messages.Measured, ...]
    end: messages.LevelEnd


class GeneratorOutput(Struct, frozen=True):
    """What the generator said, in order of time; with the CPU that the harness used while windows were measured."""

    hello: messages.Hello
    ready: messages.ServiceReady
    levels: tuple[LevelOutput, ...]
    done: messages.Done
    harness_cpu_seconds: float
    loaded_seconds: float


class DatabaseReading(Struct, frozen=True):
    """The database's statement statistics between two levels, and the requests answered until then, by route."""

    answered: Mapping[str, int]
    rows: tuple[Mapping[str, Any], ...]


class TrialData(Struct, frozen=True):
    """All that a trial's measurement is made of, beside what the generator said."""

    clock_offset_ns: int
    samples: Sequence[Sample]
    host_samples: Sequence[HostSample]
    speed_samples: Sequence[SpeedSample]
    #: One before the first level, one after each.
    readings: Sequence[DatabaseReading]
    contract: Contract
    placement: Placement
    pool_size: int
    objective: messages.Objective
    calibration: Calibration
    trial_faults: tuple[str, ...]
    #: Levels whose warm-up may be prolonged: only of them it is judged whether it was long enough.
    prolongable: frozenset[str]
    #: Level -> cores that the service used right after its window, when nobody asked.
    at_rest: Mapping[str, float]
    #: How long the service was left alone before the first level.
    idle_seconds: float
    start_seconds: float
    stop_seconds: float
    exit_status: int

    def cores(self) -> dict[str, int]:
        """CPUs by role."""
        roles = ("service", "database", "generator", *(("proxy",) if self.placement.proxy else ()))
        return {role: count_cpus(getattr(self.placement, role)) for role in roles}
