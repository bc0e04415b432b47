"""Trials of kind `scale-up` and `scale-out`: the same load on one service with more and more cores, and on more and more
replicas behind a load balancer. Each point is a fresh pair under load, with containers of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from harness.containers.lifecycle import TrialContainers
from harness.errors import TrialError
from harness.evaluation import validity
from harness.host import machine
from harness.plan.placement import for_cores, for_replicas
from harness.plan.schedule import timed_levels
from harness.record.measurement import Measurement, Missing, Verdict
from harness.record.plan import Trial
from harness.record.trial_result import ScaleMeasurement, ScalePoint
from harness.record.writer import RecordWriter
from harness.trials import load
from harness.trials.context import Setup
from harness.trials.generator import OnWindow
from harness.trials.load import Deployment
from loadtests.protocol import messages

REPLICAS = (1, 2, 4)


class Point(Struct, frozen=True):
    """One point that is to be measured: how many, and on what."""

    count: int
    deployment: Deployment


def points(setup: Setup, trial: Trial) -> tuple[Point, ...]:
    """What a trial's kind asks for on this machine, fewest first."""
    profile, limits, cpus = setup.profile(trial), setup.config.limits, machine.topology()
    (level,) = timed_levels(profile, setup.timing(trial))
    if profile.kind == "scale-up":
        return tuple(
            Point(
                count,
                Deployment(
                    f"{trial.id}-{count}",
                    placement,
                    limits,
                    (msgspec.structs.replace(level, connections=count * profile.connections),),
                ),
            )
            for count, placement in for_cores(cpus)
        )
    jit = setup.targets[trial.target].jit
    placed = [(count, *for_replicas(cpus, count)) for count in REPLICAS]
    return tuple(
        Point(count, Deployment(f"{trial.id}-{count}", placement, limits, (prolonged(level, replicas, jit),), replicas))
        for count, placement, replicas in placed
    )


def prolonged(level: messages.TimedLevel, replicas: tuple[str, ...], jit: bool) -> messages.TimedLevel:
    """With as much more time to warm up as replicas share a core: each of them compiles for itself.

    Two JVMs on one core took a steady 404 us of CPU a request after 12 s of warm-up and 173 us after 40 s.
    """
    sharing = len(replicas) // len(set(replicas))
    return msgspec.structs.replace(
        level,
        warmup_seconds=level.warmup_seconds * (sharing if jit else 1),
        warmup_limit_seconds=level.warmup_limit_seconds * sharing,
    )


def measure(
    setup: Setup, trial: Trial, containers: TrialContainers, writer: RecordWriter, on_window: OnWindow
) -> ScaleMeasurement:
    """All points. One that fails is told by its reason, and the others are measured. Raises PortTaken."""

    def one(deployment: Deployment) -> Measurement:
        return load.measure(setup, trial, containers, writer, on_window, deployment)

    measured = tuple(_point(point, containers, one) for point in points(setup, trial))
    return ScaleMeasurement(measured, setup.config.limits.db_pool_size)


def _point(point: Point, containers: TrialContainers, one: Callable[[Deployment], Measurement]) -> ScalePoint:
    with containers.part(str(point.count)):
        try:
            measured: Measurement | Missing = one(point.deployment)
        except TrialError as error:
            # The service's last words, which go with its container.
            said = "; ".join(text.strip()[-200:] for role, text in containers.logs().items() if role.startswith("service"))
            measured = Missing(f"{error.stage}: {error.reason}{f' ({said})' if said else ''}")
        return ScalePoint(point.count, point.deployment.placement, measured)


def judge(measured: ScaleMeasurement) -> tuple[Verdict, tuple[str, ...]]:
    """The worst verdict of the points, and all their problems with the point's count before them."""
    found: list[tuple[Verdict, tuple[str, ...]]] = [
        ("failed", (f"{point.count}: {point.measured.reason}",))
        if isinstance(point.measured, Missing)
        else _named(point.count, *validity.worst(point.measured))
        for point in measured.points
    ]
    order: tuple[Verdict, ...] = ("failed", "unstable", "generator_limited")
    verdict: Verdict = next((verdict for verdict in order if any(verdict == each for each, _ in found)), "valid")
    return verdict, tuple(problem for _, problems in found for problem in problems)


def _named(count: int, verdict: Verdict, problems: tuple[str, ...]) -> tuple[Verdict, tuple[str, ...]]:
    return verdict, tuple(f"{count}: {problem}" for problem in problems)
