"""Made-up trials of the kinds that are no load: starts and builds. No number in here was ever measured."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from harness.record.measurement import Missing
from harness.record.plan import Profile, Trial
from harness.record.trial_result import BuildMeasurement, BuildStep, Built, Cold, Dependencies, Start, StartupMeasurement
from loadtests.protocol.messages import Window

STARTUP = Profile(
    "startup", "Start-up", "How soon does it answer?", ("GET /cpu/collatz", "POST /cpu/summarize"), 32, (), kind="startup"
)
BUILD = Profile("build", "Build", "What does a change cost until it runs?", (), 0, (), kind="build", most_blocks=3)
#: target -> (seconds until half of its speed is all of it, clean build seconds, of it before the sources, rebuild seconds,
#: direct and transitive dependencies)
FACTS: Mapping[str, tuple[float, float, float, float, int, int]] = {
    "rust": (0.0, 90.0, 60.0, 25.0, 11, 109),
    "go": (0.0, 30.0, 25.0, 5.0, 1, 5),
    "java": (6.0, 60.0, 45.0, 15.0, 4, 36),
    "kotlin": (9.0, 80.0, 50.0, 22.0, 10, 44),
    "python": (0.0, 12.0, 10.0, 2.0, 6, 5),
}
OTHER = (1.0, 10.0, 5.0, 3.0, 2, 2)
COURSE_SECONDS, STEADY_SECONDS = 16, 4
MIB = 2**20


def made_startup(trial: Trial, start: float, rate: float, noise: float, *, cold: bool = True) -> StartupMeasurement:
    """Two starts of each kind (a cold one takes half as long again), and a course that climbs in one step."""
    rng = random.Random(trial.id)
    climb = FACTS.get(trial.target, OTHER)[0]
    starts = []
    for is_cold in (False, True) * 2 if cold else (False, False):
        seconds = start * (1.5 if is_cold else 1.0) * math.exp(rng.gauss(0, noise))
        evicted = (40 * MIB, 2 * MIB) if is_cold else (0, 0)
        starts.append(Start(is_cold, round(seconds, 4), round(seconds + 0.003, 4), *evicted))
    windows = tuple(
        Window(
            "measure" if i >= (COURSE_SECONDS - STEADY_SECONDS) * 4 else "warmup",
            i * 250_000_000,
            (i + 1) * 250_000_000,
            round(rate / 4 * (0.5 if i < climb * 4 else 1.0)),
            0,
        )
        for i in range(COURSE_SECONDS * 4)
    )
    way: Cold | Missing = (
        Cold("synthetic", 10, 50 * MIB) if cold else Missing("the image's layers can be read by root alone")
    )
    return StartupMeasurement({"language": trial.target}, tuple(starts), way, 32, windows, ())


def made_build(trial: Trial, noise: float) -> BuildMeasurement:
    """A clean build whose first steps are the dependencies', and a rebuild that has those in its cache."""
    rng = random.Random(trial.id)
    _, clean, before, rebuild, direct, transitive = FACTS.get(trial.target, OTHER)
    clean, before, rebuild = (value * math.exp(rng.gauss(0, noise)) for value in (clean, before, rebuild))

    def steps(first: float, second: float, *, cached: bool) -> tuple[BuildStep, ...]:
        return (
            BuildStep("FROM base AS build", 0.0, False),
            BuildStep("RUN fetch", first, cached),
            BuildStep("COPY . .", 0.0, False),
            BuildStep("RUN compile", second, False),
        )

    return BuildMeasurement(
        clean=Built(clean, steps(before, clean - before, cached=False)) if trial.block == 1 else None,
        rebuilt=Built(rebuild, steps(0.0, rebuild, cached=True)),
        file="main",
        edit_to_running_seconds=rebuild + 0.8,
        start_seconds=0.2,
        image_bytes=MIB,
        dependencies=Dependencies(direct, transitive, "lock"),
        development_seconds=rebuild / 2,
    )
