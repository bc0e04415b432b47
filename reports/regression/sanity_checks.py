"""From a run and its history to judged cells, and from what was measured again to a verdict. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from harness.plan.config_file import GateSection
from harness.plan.targets import TWIN
from reports.analysis.analysis import Analysis
from reports.analysis.cells import (
    CANARY,
    MACHINE,
    SPEED,
    STATEMENTS,
    Cell,
    Figure,
    cell_name,
    cells,
    figure_of,
    parts_of,
    places,
)
from reports.analysis.ranking import Direction
from reports.regression.gate_result import Judged, State
from reports.regression.history import Entry
from reports.regression.screening import LEAST_RUNS, MOST_RUNS, Screened, screen, screen_cell
from reports.stats.intervals import student_t_quantile

#: The metric of a cell that has no valid trial any more: the share of its trials that are valid.
VALID = "valid"
#: Over all cells of a run, how often equal twins may be called apart.
TWINS_CONFIDENCE = 0.99


def bound_of(metric: str, gate: GateSection, floors: Mapping[str, float]) -> float:
    """The least relevant worsening (0.05 is 5 %): what is configured, or what equal twins differ by where that is more."""
    return max(gate.percents.get(metric, gate.percent) / 100, floors.get(metric, 0.0))


def judge(analysis: Analysis, past: Sequence[Entry], gate: GateSection, floors: Mapping[str, float]) -> tuple[Judged, ...]:
    """Each cell of a run that the gate looks at, against the runs before it."""
    found = {cell.name: cell for cell in cells(analysis)}
    now = {name: cell.mean for name, cell in found.items()}
    runs = [entry.cells for entry in past]
    judged = []
    for name, cell in found.items():
        figure = figure_of(cell.metric)
        if figure is None or cell.metric not in gate.metrics or cell.target.endswith(TWIN):
            continue
        bound = bound_of(cell.metric, gate, floors)
        judged.append(_judged(cell, figure, screen_cell(name, figure, now, runs, bound), now[name], bound))
    return (*judged, *_lost(analysis, judged, past, gate))


def _judged(cell: Cell, figure: Figure, screened: Screened, now: float, bound: float) -> Judged:
    state: State
    if screened.learning:
        state = "learning"
    elif screened.flagged:
        state = "flagged"
    else:
        state = "improved" if screened.improved else "fine"
    return Judged(
        cell=cell.name,
        target=cell.target,
        place=cell.place.title if cell.place else "",
        metric=figure.title,
        unit=figure.unit,
        now=now,
        before=screened.before,
        change=screened.change,
        limit=None if math.isinf(screened.limit) else screened.limit,
        bound=bound,
        runs=screened.runs,
        state=state,
    )


def _lost(analysis: Analysis, judged: Sequence[Judged], past: Sequence[Entry], gate: GateSection) -> Iterator[Judged]:
    """Where the last run had values and this one has no valid trial at all, and no count of statements says why.

    Trials that failed are the service's doing, and flagged; those that were disturbed or limited by the generator are not.
    """
    if not past:
        return
    have = {(cell.target, parts_of(cell.cell)[1]) for cell in judged if parts_of(cell.cell)[2] != STATEMENTS}
    explained = {(cell.target, parts_of(cell.cell)[1]) for cell in judged if cell.state == "flagged"}
    had = {parts_of(name)[:2] for name in past[-1].cells if parts_of(name)[2] in gate.metrics}
    for place in places(analysis):
        for target in analysis.run.plan.targets:
            key = (target, place.id)
            if place.load is None or target.endswith(TWIN) or key not in had or key in have | explained:
                continue
            here = analysis.at(target, place.load)
            reasons = [text for m in here for text in m.level.problems]
            failed = all(m.level.verdict == "failed" for m in here)
            yield Judged(
                cell=cell_name(target, place.id, VALID), target=target, place=place.title, metric="Share of valid trials",
                unit="ratio", now=0.0, before=1.0, change=1.0, limit=None, bound=0.0, runs=len(past),
                state=("flagged" if len(past) >= LEAST_RUNS else "learning") if failed else "not judged",
                reason=reasons[0] if reasons else "no trial was measured",
            )  # fmt: skip


def floors(now: Mapping[str, float], past: Sequence[Entry]) -> dict[str, float]:
    """Metric -> what equal twins typically differ by on this machine: the median over this run and those before it."""
    apart: dict[str, list[float]] = {}
    for run in (*(entry.cells for entry in past[-MOST_RUNS:]), now):
        for name, log in _twin_logs(run).items():
            apart.setdefault(parts_of(name)[2], []).append(abs(log))
    return {metric: math.expm1(median(logs)) for metric, logs in apart.items()}


def _twin_logs(run: Mapping[str, float]) -> dict[str, float]:
    """Cell -> the log ratio of its twin to it."""
    found = {}
    for name, value in run.items():
        target, place, metric = parts_of(name)
        figure = figure_of(metric)
        twin = run.get(cell_name(target + TWIN, place, metric))
        if twin is None or figure is None or figure.exact or metric in SPEED.values():
            continue
        found[name] = math.log(twin / value)
    return found


def canary_problem(now: Mapping[str, float], past: Sequence[Entry], gate: GateSection) -> str | None:
    """Whether the machine's own speed has moved: then nothing else of the run says anything."""
    name = cell_name(MACHINE, "", CANARY)
    before = [entry.cells[name] for entry in past if name in entry.cells]
    if name not in now or len(before) < LEAST_RUNS:
        return None
    bound = gate.canary_percent / 100
    ways: tuple[tuple[Direction, str], ...] = (("lower", "slower"), ("higher", "faster"))
    for direction, word in ways:
        found = screen(before, now[name], direction, bound)
        if found.flagged:
            return (
                f"the machine itself is {found.change:.1%} {word} than in the {found.runs} runs before: another clock "
                "frequency, kernel or Python; accept the run as a new baseline if that is meant"
            )
    return None


def twins_problem(now: Mapping[str, float], past: Sequence[Entry], gate: GateSection) -> str | None:
    """Whether the A/A arm moved: equal images apart by more than in the runs before."""
    logs = _twin_logs(now)
    runs = [_twin_logs(entry.cells) for entry in past[-MOST_RUNS:]]
    for name, log in logs.items():
        target, place, metric = parts_of(name)
        before = [run[name] for run in runs if name in run]
        if metric not in gate.metrics or len(before) < LEAST_RUNS:
            continue
        # Equal images differ by nothing in the mean: their spread around 0 is all that there is to know.
        spread = math.sqrt(sum(value * value for value in before) / len(before))
        tail = (1 - TWINS_CONFIDENCE) / 2 / len(logs)
        limit = student_t_quantile(1 - tail, len(before)) * spread
        if abs(log) > max(limit, math.log1p(bound_of(metric, gate, {}))):
            title = figure.title if (figure := figure_of(metric)) else metric
            return (
                f"the twins of {target} are {math.expm1(abs(log)):.1%} apart on {title} ({place}), "
                "and their images are equal"
            )
    return None
