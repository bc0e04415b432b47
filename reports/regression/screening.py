"""The screening: each cell of a run is compared with a prediction interval from the runs before it.

A cell is flagged if its value is outside the one-sided prediction interval (Student's t on logarithms; Hahn & Meeker,
Statistical Intervals, 1991, chapter 4) and the worsening exceeds the relevance bound. Where the cell's level has changed, it
is compared with the best of its levels (reports/stats/best_level.py). If every run has the machine's speed, its effect is
removed first (`at_zero` in reports/stats/intervals.py). A flag is a reason to measure again, not a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from msgspec import Struct

from harness.record.config import GateSection
from harness.record.plan import TWIN
from reports.analysis.analysis import Analysis
from reports.analysis.cells import SPEED, VALID, Cell, MetricInfo, cell_name, cells, metric_info, parts_of, scopes
from reports.metrics.catalogue import STATEMENTS
from reports.metrics.metric import Direction
from reports.regression.gate_result import EvaluatedCell, State
from reports.regression.gone import gone
from reports.regression.history import HistoryEntry
from reports.stats.best_level import BestLevel, best_level
from reports.stats.intervals import at_zero, student_t_quantile

MIN_RUNS = 10
MAX_RUNS = 30
SCREEN_CONFIDENCE = 0.995


class Screened(Struct, frozen=True):
    """A cell against its history. `before`: the mean of the runs before, or of those at its best level, at the machine's
    present speed. `change`: the worsening (0.1 is 10 %). `limit`: how much noise explains, on the same scale (infinite while
    learning). `flagged` and `improved`: beyond the limit and the relevance bound, in one or the other direction.
    """

    before: float | None
    change: float
    limit: float
    runs: int
    flagged: bool
    improved: bool
    #: The positions, among the runs that have the cell, of the first run of the level and of that after its last.
    level: tuple[int, int] = (0, 0)

    @property
    def learning(self) -> bool:
        return self.runs < MIN_RUNS


def screen(
    past: Sequence[float],
    now: float,
    direction: Direction,
    bound: float,
    covariates: Sequence[Sequence[float]] = (),
    *,
    levels: bool = False,
) -> Screened:
    """Screens one cell. `past`: values above 0, oldest first. `bound`: the least worsening that counts (0.05 is 5 %).

    `covariates`: sequences of logarithms of the machine's speed in each past run, relative to now. `levels`: compare with
    the best level that the values have held, in place of all of them.
    """
    recent = [math.log(v) for v in past[-MAX_RUNS:]]
    sign = -1.0 if direction == "higher" else 1.0
    n = len(recent)
    if n < MIN_RUNS:
        mean = fmean(recent) if recent else math.log(now)
        change = math.expm1(sign * (math.log(now) - mean))
        return Screened(math.exp(mean) if recent else None, change, math.inf, n, flagged=False, improved=False)
    columns = [column[-MAX_RUNS:] for column in covariates]
    best = best_level(recent, columns, sign) if levels else BestLevel(0, n, at_zero(recent, columns))
    expected = best.fit
    worse = sign * (math.log(now) - expected.mean)
    limit = student_t_quantile(SCREEN_CONFIDENCE, expected.degrees) * expected.scatter
    far = max(limit, math.log1p(bound))
    first = len(past) - n
    return Screened(
        math.exp(expected.mean), math.expm1(worse), math.expm1(limit), n, flagged=worse > far, improved=worse < -far,
        level=(first + best.start, first + best.end),
    )  # fmt: skip


def screen_cell(
    name: str,
    figure: MetricInfo,
    now: Mapping[str, float],
    past: Sequence[Mapping[str, float]],
    bound: float,
    *,
    levels: bool = True,
) -> Screened:
    """Screens one cell of a run against the runs before it, which may lack it. A run is given as cell name -> value."""
    target, scope, _ = parts_of(name)
    speeds = [cell_name(target, scope, SPEED[role]) for role in figure.covariates]
    # Only if every run has the speed: otherwise values with and without the correction would be mixed.
    having = [run for run in past if name in run][-MAX_RUNS:]
    probed = [speed for speed in speeds if speed in now and all(speed in run for run in having)]
    covariates = [[math.log(run[speed] / now[speed]) for run in having] for speed in probed]
    return screen([run[name] for run in having], now[name], figure.direction, bound, covariates, levels=levels)


def bound_of(metric: str, gate: GateSection, floors: Mapping[str, float]) -> float:
    """The relevance bound (0.05 is 5 %): the configured one, or the noise floor if that is larger."""
    return max(gate.percents.get(metric, gate.percent) / 100, floors.get(metric, 0.0))


def judge(
    analysis: Analysis, past: Sequence[HistoryEntry], gate: GateSection, floors: Mapping[str, float]
) -> tuple[EvaluatedCell, ...]:
    """Screens each cell of a run that belongs to the gate against the runs before it."""
    found = {cell.name: cell for cell in cells(analysis)}
    now = {name: cell.mean for name, cell in found.items()}
    runs = [entry.cells for entry in past]
    judged = []
    for name, cell in found.items():
        figure = metric_info(cell.metric)
        if figure is None or cell.metric not in gate.metrics or cell.target.endswith(TWIN):
            continue
        bound = bound_of(cell.metric, gate, floors)
        screened = screen_cell(name, figure, now, runs, bound)
        judged.append(_judged(cell, figure, screened, now[name], bound, _base(name, past, screened)))
    told = (*judged, *_lost(analysis, judged, past, gate))
    return (*told, *gone(analysis, told, past[-MAX_RUNS:], gate))


def _base(name: str, past: Sequence[HistoryEntry], screened: Screened) -> str:
    """The run in the middle of the level that a cell is compared with: its images are the base of a confirmation.

    It is not the last one: a regression that the screening missed last night would then be the base, and never be found.
    """
    having = [entry.run for entry in past if name in entry.cells][-MAX_RUNS:]
    start, end = screened.level
    return having[(start + end) // 2] if end > start else ""


def _judged(cell: Cell, figure: MetricInfo, screened: Screened, now: float, bound: float, base: str) -> EvaluatedCell:
    state: State
    if screened.learning:
        state = "learning"
    elif screened.flagged:
        state = "flagged"
    else:
        state = "improved" if screened.improved else "fine"
    return EvaluatedCell(
        cell=cell.name,
        target=cell.target,
        scope=cell.scope.title if cell.scope else "",
        metric=figure.title,
        unit=figure.unit,
        now=now,
        before=screened.before,
        change=screened.change,
        limit=None if math.isinf(screened.limit) else screened.limit,
        bound=bound,
        runs=screened.runs,
        state=state,
        base=base,
    )


def _lost(
    analysis: Analysis, judged: Sequence[EvaluatedCell], past: Sequence[HistoryEntry], gate: GateSection
) -> Iterator[EvaluatedCell]:
    """Loads at which the last run had values and this run has no valid trial, unless a flagged cell already explains it.

    If all trials failed, the service is the cause, and the cell is flagged. Trials that were disturbed or limited by the
    generator are not flagged. A route has no trials of its own.
    """
    if not past:
        return
    have = {(cell.target, parts_of(cell.cell)[1]) for cell in judged if parts_of(cell.cell)[2] != STATEMENTS}
    explained = {(cell.target, parts_of(cell.cell)[1]) for cell in judged if cell.state == "flagged"}
    had = {parts_of(name)[:2] for name in past[-1].cells if parts_of(name)[2] in gate.metrics}
    for scope in scopes(analysis):
        for target in (*analysis.run.plan.targets, *analysis.unranked):
            key = (target, scope.id)
            if scope.load is None or scope.route or target.endswith(TWIN) or key not in had or key in have | explained:
                continue
            here = analysis.at(target, scope.load)
            reasons = [text for m in here for text in m.level.problems]
            failed = all(m.level.verdict == "failed" for m in here)
            yield EvaluatedCell(
                cell=cell_name(target, scope.id, VALID), target=target, scope=scope.title, metric="Share of valid trials",
                unit="ratio", now=0.0, before=1.0, change=1.0, limit=None, bound=0.0, runs=len(past),
                state=("flagged" if len(past) >= MIN_RUNS else "learning") if failed else "not judged",
                reason=reasons[0] if reasons else "no trial was measured",
            )  # fmt: skip
