"""The confirmation: flagged cells are measured again in pairs, base against head. Is the head worse?

A pair is one trial of the base and one of the head, measured at once or next to each other. The log ratios of a cell's pairs
give an interval and a one-sided Student's t test of "not worse", with the effect of the machine's speed removed (`at_zero`
in reports/stats/intervals.py). Holm's correction (S. Holm, Scand. J. Statist. 6, 1979) keeps the chance of any false alarm
over all cells of one confirmation at `ALPHA`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from harness.record.plan import BASE
from reports.analysis.analysis import Analysis
from reports.analysis.cells import VALID, metric_info, parts_of
from reports.comparison.matched_cells import PairedCell, all_pairs
from reports.metrics.catalogue import STATEMENTS
from reports.metrics.scopes import load_id
from reports.regression.gate_result import Confirmation, EvaluatedCell, State
from reports.regression.history import HistoryEntry
from reports.regression.screening import MAX_RUNS, screen_cell
from reports.stats.intervals import AtZero, at_zero, student_t_quantile, student_t_tail

ALPHA = 0.05
MIN_PAIRS = 3


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values. A cell is significant at a level if its adjusted p-value is below it."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return adjusted


def confirm(cells: Mapping[str, PairedCell]) -> dict[str, Confirmation]:
    """The test and interval of each cell. Cells with fewer than three pairs are left out."""
    found = {cell: at_zero(pairs.worse, pairs.slower) for cell, pairs in cells.items() if len(pairs.worse) >= MIN_PAIRS}
    p_values = {cell: _p(fit) for cell, fit in found.items()}
    adjusted = holm(p_values)
    return {cell: _confirmation(fit, len(cells[cell].worse), p_values[cell], adjusted[cell]) for cell, fit in found.items()}


def _confirmation(fit: AtZero, pairs: int, p: float, adjusted: float) -> Confirmation:
    # Each bound of the interval corresponds to a one-sided test at the same level.
    half = student_t_quantile(1 - ALPHA, fit.degrees) * fit.error
    return Confirmation(
        worse=math.exp(fit.mean),
        low=math.exp(fit.mean - half),
        high=math.exp(fit.mean + half),
        pairs=pairs,
        p=p,
        p_adjusted=adjusted,
    )


def _p(fit: AtZero) -> float:
    """One-sided p-value of "the mean is not above 0"."""
    # Counted values have no variation.
    if fit.error < 1e-12:
        return 0.0 if fit.mean > 1e-9 else 1.0
    return student_t_tail(fit.mean / fit.error, fit.degrees)


def verdict(found: Confirmation, bound: float) -> State:
    """`regressed`: worse by `bound` or more (0.05 is 5 %), and beyond chance. `not regressed`: the pairs show no worsening
    of that size. `inconclusive`: they show one that may be chance.
    """
    if found.worse < 1 + bound:
        return "not regressed"
    return "regressed" if found.p_adjusted < ALPHA else "inconclusive"


def baseline(past: Sequence[HistoryEntry], cell: EvaluatedCell) -> HistoryEntry | None:
    """The run whose images are the base if a cell is measured again: the one that the screening names, or the middle one of
    the runs that it used.

    It is not the last one: a regression that the screening missed last night would then be the base, and never be found.
    """
    recent = past[-MAX_RUNS:]
    # Where some runs lack the cell, those that it was screened against go further back.
    named = next((entry for entry in past if entry.run == cell.base), None)
    return named or (recent[len(recent) // 2] if recent else None)


def settled(cell: EvaluatedCell, past: Sequence[HistoryEntry], images: Mapping[str, str]) -> EvaluatedCell:
    """Decides a flagged cell that needs no second measurement; other cells are returned as they are. A value that is read
    (an image's size) has no noise. If the image is that of the baseline, the service itself can't have got slower.
    `images`: target -> image id of this run.

    The same image flagged in two runs in a row is not chance: something else got slower, which pairs can't confirm.
    """
    base = baseline(past, cell)
    target, _, metric = parts_of(cell.cell)
    figure = metric_info(metric)
    if figure and figure.exact and metric != STATEMENTS:
        return _with(cell, "regressed", "it is read, not measured")
    # What fitmap did not start has no image: nobody knows whether it is the same.
    same = base is not None and target in images and base.images.get(target) == images[target]
    return _unchanged(cell, past, base) if base and same else cell


def _unchanged(cell: EvaluatedCell, past: Sequence[HistoryEntry], base: HistoryEntry) -> EvaluatedCell:
    last, earlier = past[-1], [entry.cells for entry in past[:-1]]
    figure = metric_info(parts_of(cell.cell)[2])
    # Against all runs: a machine that leaves its best state would be flagged against that for weeks.
    again = figure and cell.cell in last.cells and screen_cell(
        cell.cell, figure, last.cells, earlier, cell.bound, levels=False
    ).flagged  # fmt: skip
    if again:
        return _with(
            cell,
            "inconclusive",
            "for the second run in a row, though the image is the same: the machine, its kernel or the engine got slower",
        )
    return _with(cell, "not regressed", f"the image is that of run {base.run}: chance, or the machine's mood")


def _with(cell: EvaluatedCell, state: State, reason: str = "", confirmation: Confirmation | None = None) -> EvaluatedCell:
    return msgspec.structs.replace(cell, state=state, reason=reason or cell.reason, confirmation=confirmation)


def confirmed(measured: Sequence[tuple[Sequence[EvaluatedCell], Analysis]]) -> tuple[EvaluatedCell, ...]:
    """The flagged cells with the verdict of their pairs. `measured`: those of one base, and what was measured of them."""
    pairs: dict[str, PairedCell] = {}
    for flagged, again in measured:
        every = all_pairs(again)
        pairs |= {cell.cell: every[cell.cell] for cell in flagged if cell.cell in every}
    # Over all bases together, so that the chance of a false alarm does not grow with their number.
    found = confirm(pairs)
    return tuple(_confirmed(cell, found.get(cell.cell), again) for flagged, again in measured for cell in flagged)


def _confirmed(cell: EvaluatedCell, found: Confirmation | None, again: Analysis) -> EvaluatedCell:
    target, scope, metric = parts_of(cell.cell)
    problem = problem_of(again, target, scope)
    if metric == VALID:
        return _with(cell, *validity(again, target, scope))
    if found is None:
        return _with(cell, "inconclusive", f"under {MIN_PAIRS} pairs could be measured{f': {problem}' if problem else ''}")
    return _with(cell, verdict(found, cell.bound), problem if metric == STATEMENTS else "", found)


def validity(again: Analysis, target: str, scope: str) -> tuple[State, str]:
    """The state of a load that lost its valid trials: does the head have some again, or does the base have none either?"""
    valid = {
        version: sum(m.valid for m in again.measured if m.trial.target == version and m.load.id == scope)
        for version in (target + BASE, target)
    }
    if valid[target]:
        return "not regressed", f"{valid[target]} trials were valid when it was measured again"
    if valid[target + BASE] < MIN_PAIRS:
        return "inconclusive", "the base has no valid trials either"
    return "regressed", problem_of(again, target, scope) or "no trial of the head could be measured"


def problem_of(analysis: Analysis, target: str, scope: str) -> str:
    """The first problem text of a target's trials at a scope; empty if they have none."""
    place = (target, load_id(scope))
    return next((text for m in analysis.measured if (m.trial.target, m.load.id) == place for text in m.level.problems), "")
