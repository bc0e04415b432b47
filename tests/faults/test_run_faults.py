"""Faults in a run: what was measured stays, nothing is left, one sentence tells what to do, no wrong number is valid."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import cast

import docker
import hands
import pytest
from clock import clock_environment, clock_folder, library
from faults import CASES, FAILED, Case, Moment
from hands import Inject, Undo
from own_engine import OwnEngine
from stage import Stage
from timed import timed

from harness.containers.lifecycle import leftovers
from harness.record.measurement import LevelMeasurement, Measurement
from harness.record.trial_result import TrialResult
from reports.analysis.analysis import analyse

#: How far trials of one target may differ on a machine that is shared. A fault that makes a number wrong is far beyond.
ALIKE = 2.0
START_SECONDS = 10.0
#: Load is on its way in a calibration.
CALIBRATING_SECONDS = 4.0


def rounds(case: Case) -> Iterator[tuple[Moment, ...]]:
    """The moments of each run."""
    if case.ends:
        yield from ((moment,) for moment in case.moments)
    else:
        yield case.moments


RUNS = [
    pytest.param(
        case,
        moments,
        id=f"{case.fault} at {' '.join(moments)}".replace(" ", "-"),
        marks=[pytest.mark.quick] if set(moments) <= set(case.quick) else [],
    )
    for case in CASES
    for moments in rounds(case)
]


def marks(case: Case, moments: Sequence[Moment]) -> dict[str, int]:
    """The marks at which the fault is injected, each with the number of the trial that it hits (0: none).

    The first trial is never hit.
    """
    last = trials(case, moments)
    window = last if "warm-up" in moments else 2
    places = {
        "set-up": ("0 set-up", 0),
        "between": ("2 between", 2),
        "warm-up": ("2 warm-up", 2),
        "window": (f"{window} window", window),
        "report": (f"{last} report", 0),
    }
    return dict(places[moment] for moment in moments)


def trials(case: Case, moments: Sequence[Moment]) -> int:
    return 3 if {"warm-up", "window"} <= set(moments) else 2


@contextlib.contextmanager
def around(case: Case, folder: Path, client: docker.DockerClient, engine: OwnEngine | None, count: int) -> Iterator[Stage]:
    """The stage with what the case needs around it."""
    environment: dict[str, str] = {"FAULTS_CALIBRATION": str(folder / "calibration")} if case.calibrates else {}
    prefix: tuple[str, ...] = ()
    with contextlib.ExitStack() as stack:
        if engine:
            client, prefix = engine.client(), engine.prefix
            environment["DOCKER_HOST"] = engine.address
        if case.around == "disk":
            stack.enter_context(hands.small_disk(folder / "runs"))
        if case.around == "clock":
            if not library():
                pytest.skip("no libfaketime")
            environment |= clock_environment(str(clock_folder(folder)))
        if case.around == "generator clock":
            if not library():
                pytest.skip("no libfaketime")
            environment["FAULTS_GENERATOR_CLOCK"] = str(clock_folder(folder))
        stage = Stage(
            folder,
            client,
            trials=count,
            profile=case.profile,
            limits=case.limits,
            environment=environment,
            prefix=prefix,
        )
        stack.callback(stage.end)
        yield stage


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("case", "moments"), RUNS)
def test_a_fault_in_a_run(
    case: Case,
    moments: tuple[Moment, ...],
    client: docker.DockerClient,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    engine = request.getfixturevalue("engine") if case.own_engine else None
    inject = cast(Callable[[OwnEngine], Inject], case.inject)(engine) if engine else cast(Inject, case.inject)
    count = trials(case, moments)
    with timed(case.fault, ", ".join(moments)), around(case, tmp_path, client, engine, count) as stage:
        try:
            finished = play(stage, case, marks(case, moments), inject)
        finally:
            if engine:
                engine.restart()
            nothing_is_left(stage)
        # 3: other work on the machine left the target without a valid trial.
        assert stage.process.returncode in ((0, 3) if case.status == 0 else (case.status,)), stage.said()
        one_sentence(stage, case)
        nothing_is_lost(stage, case, finished)
        no_wrong_number_is_valid(stage, case, {trial for trial in marks(case, moments).values() if trial})


def play(stage: Stage, case: Case, wanted: dict[str, int], inject: Inject) -> list[bytes]:
    """Plays the run, and injects the fault. The trials that were finished before."""
    finished: list[bytes] = []
    undos: list[Undo] = []
    left = set(wanted)
    try:
        for mark in stage.moments():
            # What ends the run lasts until then, the rest until the next moment.
            while undos and not case.ends:
                undos.pop()()
            if mark in left:
                left.remove(mark)
                finished = stage.finished()
                if case.calibrates:
                    threading.Thread(target=calibrating, args=(stage, inject, undos)).start()
                elif undo := inject(stage):
                    undos.append(undo)
    finally:
        while undos:
            undos.pop()()
    assert not left, f"the run has not come to {left}: {stage.said()}"
    return finished


def calibrating(stage: Stage, inject: Inject, undos: list[Undo]) -> None:
    """Injects a fault while the load generator is calibrated."""
    stage.container("generator")
    time.sleep(CALIBRATING_SECONDS)
    if undo := inject(stage):
        undos.append(undo)


def nothing_is_left(stage: Stage) -> None:
    """After `fitmap clean` no container and no process of the run is left."""
    # A harness that is starved or killed leaves its helpers, which end by themselves.
    deadline = time.monotonic() + 10
    while stage.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not stage.processes(), [process.cmdline() for process in stage.processes()]
    cleaned = stage.fitmap("clean")
    assert cleaned.returncode == 0, cleaned.stderr
    assert [container.name for container, _ in leftovers(stage.client)] == []


def one_sentence(stage: Stage, case: Case) -> None:
    """What is said about the end, or about a trial, tells what happened."""
    said, sentences = stage.said(), stage.sentences()
    assert "Traceback" not in said
    if case.status > 0:
        assert len(sentences) == 1, said
        assert re.search(case.says, sentences[0]), sentences
    else:
        assert not sentences, said
        assert re.search(case.says, said), said


def nothing_is_lost(stage: Stage, case: Case, finished: list[bytes]) -> None:
    """What was finished before the fault is in the record, which can be reported."""
    if not finished:
        return
    lines = stage.finished()
    assert lines[: len(finished)] == finished
    record = stage.record()
    assert len(record.results) == len(lines)
    analyse(record)


def no_wrong_number_is_valid(stage: Stage, case: Case, hit: set[int]) -> None:
    """Trials that the fault hit have a verdict that says so, and valid ones have the figures of the undisturbed one."""
    if not stage.finished():
        return
    valid: list[tuple[TrialResult, LevelMeasurement]] = []
    for result in stage.record().results:
        number = int(result.trial.id.partition("-")[0])
        if number in hit:
            assert result.verdict in case.hit, (result.trial.id, result.verdict, result.problems)
            if case.hit == FAILED:
                assert re.search(case.says, "; ".join(result.problems)), result.problems
        if result.verdict == "valid":
            assert isinstance(result.measurement, Measurement)
            assert 0 < result.measurement.start_seconds < START_SECONDS
            valid += [(result, level) for level in result.measurement.levels]
    for (one, level), (other, its) in combinations(valid, 2):
        for figure in (rate, cpu, mean) if level.level == its.level else ():
            assert 1 / ALIKE < figure(level) / figure(its) < ALIKE, (figure.__name__, one.trial.id, other.trial.id)


def rate(level: LevelMeasurement) -> float:
    """Requests per second of slices."""
    taken = [each for each in level.slices if not each.dropped]
    return sum(each.requests for each in taken) / sum(each.end_ns - each.start_ns for each in taken)


def cpu(level: LevelMeasurement) -> float:
    """CPU time of a request."""
    taken = [each for each in level.slices if not each.dropped]
    return sum(each.service_cpu_ns for each in taken) / sum(each.requests for each in taken)


def mean(level: LevelMeasurement) -> float:
    """Response time."""
    requests = sum(numbers.requests for numbers in level.routes.values())
    return sum(numbers.mean_microseconds * numbers.requests for numbers in level.routes.values()) / requests
