"""Checks whether a run may be judged at all: the machine's speed, and the A/A test against earlier runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from harness.record.config import GateSection
from harness.record.plan import TWIN
from reports.analysis.cells import (
    MACHINE,
    SPEED,
    SPEED_CELL,
    cell_name,
    metric_info,
    parts_of,
)
from reports.metrics.metric import Direction
from reports.regression.history import HistoryEntry
from reports.regression.screening import MAX_RUNS, MIN_RUNS, bound_of, screen
from reports.stats.intervals import student_t_quantile

#: Confidence over all cells of a run: in at most 1 % of runs are equal twins called different.
TWINS_CONFIDENCE = 0.99


def noise_floors(now: Mapping[str, float], past: Sequence[HistoryEntry]) -> dict[str, float]:
    """Metric -> noise floor: by how much equal twins typically differ; the median over this run and those before it."""
    apart: dict[str, list[float]] = {}
    for run in (*(entry.cells for entry in past[-MAX_RUNS:]), now):
        for name, log in _twin_logs(run).items():
            apart.setdefault(parts_of(name)[2], []).append(abs(log))
    return {metric: math.expm1(median(logs)) for metric, logs in apart.items()}


def _twin_logs(run: Mapping[str, float]) -> dict[str, float]:
    """Cell -> logarithm of the ratio of its twin's value to its own."""
    found = {}
    for name, value in run.items():
        target, scope, metric = parts_of(name)
        figure = metric_info(metric)
        twin = run.get(cell_name(target + TWIN, scope, metric))
        if twin is None or figure is None or figure.exact or metric in SPEED.values():
            continue
        found[name] = math.log(twin / value)
    return found


def speed_problem(now: Mapping[str, float], past: Sequence[HistoryEntry], gate: GateSection) -> str | None:
    """Why the run is invalid because the machine's own speed changed; None if it did not."""
    name = cell_name(MACHINE, "", SPEED_CELL)
    before = [entry.cells[name] for entry in past if name in entry.cells]
    if name not in now or len(before) < MIN_RUNS:
        return None
    bound = gate.speed_percent / 100
    ways: tuple[tuple[Direction, str], ...] = (("lower", "slower"), ("higher", "faster"))
    for direction, word in ways:
        found = screen(before, now[name], direction, bound)
        if found.flagged:
            return (
                f"the machine itself is {found.change:.1%} {word} than in the {found.runs} runs before: another clock "
                "frequency, kernel or Python; accept the run as a new baseline if that is meant"
            )
    return None


def twins_problem(now: Mapping[str, float], past: Sequence[HistoryEntry], gate: GateSection) -> str | None:
    """Why the run is invalid because equal images differ by more than in the runs before; None if they do not."""
    logs = _twin_logs(now)
    runs = [_twin_logs(entry.cells) for entry in past[-MAX_RUNS:]]
    for name, log in logs.items():
        target, scope, metric = parts_of(name)
        before = [run[name] for run in runs if name in run]
        if metric not in gate.metrics or len(before) < MIN_RUNS:
            continue
        # The mean difference of equal images is 0, so only the variation around 0 is estimated.
        spread = math.sqrt(sum(value * value for value in before) / len(before))
        tail = (1 - TWINS_CONFIDENCE) / 2 / len(logs)
        limit = student_t_quantile(1 - tail, len(before)) * spread
        if abs(log) > max(limit, math.log1p(bound_of(metric, gate, {}))):
            title = figure.title if (figure := metric_info(metric)) else metric
            return (
                f"the twins of {target} are {math.expm1(abs(log)):.1%} apart on {title} ({scope}), "
                "and their images are equal"
            )
    return None
