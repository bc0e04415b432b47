"""Runs one trial of any kind. A failure of the trial becomes its result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import docker
from docker.errors import APIError, DockerException

from harness.containers.lifecycle import TrialContainers
from harness.errors import EngineError, TrialError
from harness.evaluation import validity
from harness.host.machine import step_aside
from harness.record.cpus import all_cpus
from harness.record.measurement import Missing, Verdict
from harness.record.plan import Trial
from harness.record.trial_result import Outcome, TrialResult
from harness.record.writer import RecordWriter
from harness.trials import build, load, memory_floor, scaling, startup
from harness.trials.context import Setup
from harness.trials.generator import OnWindow


def run_trial(
    client: docker.DockerClient, setup: Setup, trial: Trial, writer: RecordWriter, on_window: OnWindow
) -> TrialResult:
    """Runs one trial, and writes its samples and histograms.

    Raises EngineError (the engine does not answer), PortTaken, RunError (disk). These end the run.
    """
    started, start = datetime.now(UTC), time.monotonic()
    measurement: Outcome
    with step_aside(all_cpus(setup.plan.placement)), TrialContainers(client, setup.run_id, trial.id) as containers:
        stage: str | None = None
        logs: Mapping[str, str] = {}
        verdict: Verdict
        try:
            measurement, verdict, problems = _run(setup, trial, containers, writer, on_window)
            if verdict == "failed":
                logs = containers.logs()
        except TrialError as error:
            measurement, verdict, problems = Missing(str(error)), "failed", (str(error),)
            stage, logs = error.stage, containers.logs()
        except (APIError, DockerException, OSError) as error:
            raise EngineError(f"the engine failed in trial {trial.id}: {error}") from error
    return TrialResult(
        trial=trial,
        started=started.isoformat(timespec="seconds"),
        wall_seconds=round(time.monotonic() - start, 3),
        verdict=verdict,
        problems=problems,
        stage=stage,
        logs=logs,
        measurement=measurement,
    )


def _run(
    setup: Setup, trial: Trial, containers: TrialContainers, writer: RecordWriter, on_window: OnWindow
) -> tuple[Outcome, Verdict, tuple[str, ...]]:
    """The measurement by the kind of the trial's profile, its verdict and its problems. Raises TrialError."""
    match setup.profile(trial).kind:
        case "load":
            loaded = load.measure(setup, trial, containers, writer, on_window, load.plain(setup, trial))
            return loaded, *validity.worst(loaded)
        case "startup":
            started = startup.measure(setup, trial, containers, on_window)
            return started, *startup.judge(started)
        case "build":
            return build.measure(setup, trial, containers), "valid", ()
        case "memory-floor":
            searched = memory_floor.measure(setup, trial, containers, writer, on_window)
            return searched, *memory_floor.judge(searched)
        case "scale-up" | "scale-out":
            scaled = scaling.measure(setup, trial, containers, writer, on_window)
            return scaled, *scaling.judge(scaled)
