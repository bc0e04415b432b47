"""Made-up trials of the kinds that put one load on several stands: floors, cores, replicas. Nothing here was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from harness.record.measurement import LevelMeasurement, Measurement, Missing
from harness.record.plan import Level, Placement, Profile, Trial
from harness.record.trial_result import FloorMeasurement, FloorProbe, ScaleMeasurement, ScalePoint

ROUTES = ("GET /cpu/collatz", "POST /cpu/summarize")
DB_ROUTES = ("GET /products/{id}", "GET /reports/regions")
FLOOR = Profile(
    "memory-floor", "Memory floor", "How little memory does it take?", DB_ROUTES, 32,
    (Level("100/s", "open", 32, DB_ROUTES, rate=100.0),), kind="memory-floor", most_blocks=1,
)  # fmt: skip
UP = Profile(
    "scale-up",
    "Scale-up",
    "What do more cores bring?",
    ROUTES,
    32,
    (Level("saturate", "closed", 32, ROUTES),),
    kind="scale-up",
)
OUT = Profile(
    "scale-out", "Scale-out", "What do replicas bring?", DB_ROUTES, 32, (Level("saturate", "closed", 32, DB_ROUTES),),
    kind="scale-out",
)  # fmt: skip
#: target -> floor in MiB (a step of 4 below it fails), and what each doubling of cores and of replicas brings, as a factor.
SCALES: Mapping[str, tuple[int, float, float]] = {
    "rust": (8, 1.5, 0.95),
    "go": (12, 1.45, 0.97),
    "java": (96, 1.7, 0.7),
    "kotlin": (108, 1.5, 0.5),
    "python": (24, 1.9, 1.05),
}
OTHER = (16, 1.5, 1.0)

#: A level of a rate (requests/s) and a memory (MiB).
MadeLevel = Callable[[float, float], LevelMeasurement]


def made_floor(trial: Trial) -> FloorMeasurement:
    """A short search: most memory, the floor three times, the step below twice."""
    floor = SCALES.get(trial.target, OTHER)[0]
    held = (
        FloorProbe(limit, True, "", 1.0, limit * 0.8 * 2**20, cpu) for limit, cpu in ((128, 300.0), *((floor, 900.0),) * 3)
    )
    gone = FloorProbe(floor - 4, False, "service: killed for want of memory", 0.0)
    return FloorMeasurement({"target": trial.target}, 100.0, 4, floor, (*held, gone, gone))


def made_scale(
    trial: Trial, kind: str, made: MadeLevel, rate: float, memory: float, counts: tuple[int, ...] = ()
) -> ScaleMeasurement:
    """Points of which each brings its factor a doubling; on a machine of two cores where `counts` are not given."""
    _, up, out = SCALES.get(trial.target, OTHER)
    points = []
    for doublings, count in enumerate(counts or ((1, 2) if kind == "scale-up" else (1, 2, 4))):
        shared = ("database", "generator")
        if kind == "scale-up":
            level = made(rate * up**doublings, memory)
            shared = ("service", *shared) if count == 2 and not counts else shared
        else:
            level = made(rate * out**doublings, memory * count)
            level = msgspec.structs.replace(level, usage={**level.usage, "proxy": level.usage["generator"]})
            shared = (*shared, "proxy", *(("replicas",) if count > 1 else ()))
        placement = Placement("1", "0", "0", shared, "synthetic", "0")
        points.append(ScalePoint(count, placement, _measurement(trial, level)))
    return ScaleMeasurement(tuple(points), 16)


def _measurement(trial: Trial, level: LevelMeasurement) -> Measurement:
    return Measurement(
        meta={"target": trial.target},
        generator_versions={},
        workers=1,
        golden_cases=1,
        start_seconds=0.1,
        stop_seconds=0.1,
        exit_status=0,
        levels=(level,),
        capacity=Missing("not searched for"),
        answered={},
        failure_samples=(),
        connections_opened=32,
        harness_cpu_seconds=0.01,
        loaded_seconds=8.0,
    )
