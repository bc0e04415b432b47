"""The inputs of evaluation: what generator, sampler and database reported in a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from harness.evaluation.statements import Contract, Statistics
from harness.record.cpus import count_cpus
from harness.record.measurement import (
    HostUse,
    LevelMeasurement,
    Missing,
    RouteNumbers,
    RouteTime,
    Slice,
    Speed,
    StatementCount,
    Usage,
)
from harness.record.plan import Placement
from harness.record.run import Calibration
from harness.record.samples import HostSample, Sample, SpeedSample
from loadtests.protocol import messages


class LevelOutput(Struct, frozen=True):
    """The generator's output on one level: windows, measured windows (of a search: one per probe), end of the level."""

    windows: tuple[tuple[messages.Window, ...], ...]
    measured: tuple[messages.Measured, ...]
    end: messages.LevelEnd


class GeneratorOutput(Struct, frozen=True):
    """The generator's whole output in order of time, and the CPU time that the harness used while windows passed."""

    hello: messages.Hello
    ready: messages.ServiceReady
    levels: tuple[LevelOutput, ...]
    done: messages.Done
    harness_cpu_seconds: float
    loaded_seconds: float


class DatabaseReading(Struct, frozen=True):
    """The database's statistics between two levels. `answered`: requests answered until then, by route."""

    answered: Mapping[str, int]
    statistics: Statistics


class TrialData(Struct, frozen=True):
    """All inputs of a trial's measurement but the generator's output."""

    clock_offset_ns: int
    samples: Sequence[Sample]
    host_samples: Sequence[HostSample]
    speed_samples: Sequence[SpeedSample]
    #: One reading before the first level, and one after each level.
    readings: Sequence[DatabaseReading]
    contract: Contract
    placement: Placement
    pool_size: int
    objective: messages.Objective
    calibration: Calibration
    trial_faults: tuple[str, ...]
    #: Levels whose warm-up may be prolonged. Only at these the harness judges whether the warm-up was long enough.
    prolongable: frozenset[str]
    #: Level -> cores that the service used right after the window, while no request was sent.
    at_rest: Mapping[str, float]
    #: How long no request was sent before the first level.
    idle_seconds: float
    start_seconds: float
    stop_seconds: float
    exit_status: int
    #: Whether the load generator had a higher scheduling priority than what may share its core.
    generator_raised: bool

    def cores(self) -> dict[str, int]:
        """Number of CPUs by role."""
        roles = ("service", "database", "generator", *(("proxy",) if self.placement.proxy else ()))
        return {role: count_cpus(getattr(self.placement, role)) for role in roles}


class LevelFacts(Struct, frozen=True):
    """What was measured at a level, before it is judged: a `LevelMeasurement` without verdict and bottleneck.

    The fields have the same names and meanings as there.
    """

    level: str
    kind: Literal["closed", "open"]
    connections: int
    rate: float
    lag_p99_microseconds: float
    busy_seconds: float
    warmup_seconds: float
    steady: bool
    steady_reason: str
    window_seconds: float
    window_start_ns: int
    window_end_ns: int
    routes: Mapping[str, RouteNumbers]
    times: Mapping[str, RouteTime]
    windows: tuple[messages.Window, ...]
    usage: Mapping[str, Usage]
    host: HostUse | Missing
    statements: tuple[StatementCount, ...] | Missing
    speed: Mapping[str, Speed]
    in_time: float
    slices: tuple[Slice, ...] = ()
    latency_problem: str = ""
    unseen: Mapping[str, Missing] | UnsetType = UNSET


#: What the rules of validity apply to: a level while it is judged, or one from a record.
Level = LevelFacts | LevelMeasurement
