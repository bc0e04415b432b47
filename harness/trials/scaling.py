"""Trials of kind `scale-up` and `scale-out`.

`scale-up` puts the same load on a service with more and more cores, `scale-out` on more and more replicas behind a load
balancer. Each point has fresh containers of its own.
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
    """One point to measure. `count`: of cores or replicas."""

    count: int
    deployment: Deployment


def points(setup: Setup, trial: Trial) -> tuple[Point, ...]:
    """The points of a trial's kind that this machine can have, fewest cores or replicas first."""
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
    """The level with a warm-up that is longer by the number of replicas on a core: each of them compiles for itself.

    Two JVMs on one core took a steady 404 us of CPU per request after 12 s of warm-up, and 173 us after 40 s.
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
    """Measures all points. Of a point that fails the reason is kept, and the others are measured. Raises PortTaken."""

    def measure_load(deployment: Deployment) -> Measurement:
        return load.measure(setup, trial, containers, writer, on_window, deployment)

    measured = tuple(_point(point, containers, measure_load) for point in points(setup, trial))
    return ScaleMeasurement(measured, setup.config.limits.db_pool_size)


def _point(point: Point, containers: TrialContainers, measure_load: Callable[[Deployment], Measurement]) -> ScalePoint:
    with containers.part(str(point.count)):
        try:
            measured: Measurement | Missing = measure_load(point.deployment)
        except TrialError as error:
            # The service's last log lines, before its container is removed.
            logs = "; ".join(text.strip()[-200:] for role, text in containers.logs().items() if role.startswith("service"))
            measured = Missing(f"{error.stage}: {error.reason}{f' ({logs})' if logs else ''}")
        return ScalePoint(point.count, point.deployment.placement, measured)


def judge(measured: ScaleMeasurement) -> tuple[Verdict, tuple[str, ...]]:
    """The worst verdict of the points, and their problems, each with the point's count before it."""
    judged = [_judge_point(point) for point in measured.points]
    return validity.worst_of(verdict for verdict, _ in judged), tuple(text for _, problems in judged for text in problems)


def _judge_point(point: ScalePoint) -> tuple[Verdict, tuple[str, ...]]:
    if isinstance(point.measured, Missing):
        return "failed", (f"{point.count}: {point.measured.reason}",)
    verdict, problems = validity.worst(point.measured)
    return verdict, tuple(f"{point.count}: {problem}" for problem in problems)
