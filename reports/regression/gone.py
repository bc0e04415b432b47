"""What earlier runs of a series have and a run lacks, targets and single cells: it is told, and does not pass unseen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.record.config import GateSection
from harness.record.measurement import Missing
from harness.record.plan import TWIN, is_variant
from reports.analysis.analysis import Analysis
from reports.analysis.cells import VALID, cell_name, metric_info, parts_of, scopes
from reports.metrics.catalogue import BY_ID
from reports.regression.gate_result import EvaluatedCell, State
from reports.regression.history import HistoryEntry


def gone(
    analysis: Analysis, told: Sequence[EvaluatedCell], past: Sequence[HistoryEntry], gate: GateSection
) -> Iterator[EvaluatedCell]:
    """A cell for each lost target, and for each lost cell of the last run that nothing else at its load explains.

    `told`: the cells that the run has, and those of loads that it lost. `past`: the runs that it is screened against.
    """
    if not past:
        return
    mine = {*analysis.run.plan.targets, *analysis.unranked, *analysis.twins}
    lost = {target: entry for entry in past for target in _targets(entry, gate) if target not in mine}
    for target, entry in lost.items():
        yield _target(analysis, target, entry, len(past))
    names = {cell.cell for cell in told}
    explained = {parts_of(cell.cell)[:2] for cell in told if cell.state == "flagged" or parts_of(cell.cell)[2] == VALID}
    for name, before in past[-1].cells.items():
        target, scope, metric = parts_of(name)
        if name in names or target not in mine or target.endswith(TWIN) or metric not in gate.metrics:
            continue
        if (target, scope) not in explained:
            yield _cell(analysis, name, before, len(past))


def _targets(entry: HistoryEntry, gate: GateSection) -> Iterator[str]:
    """The targets that a run of the history measured, without twins."""
    found = dict.fromkeys(parts_of(name)[0] for name in entry.cells if parts_of(name)[2] in gate.metrics)
    return (target for target in found if not target.endswith(TWIN))


def _target(analysis: Analysis, target: str, entry: HistoryEntry, runs: int) -> EvaluatedCell:
    # Who names targets leaves the others out on purpose, and variants are measured by name alone.
    meant = bool(analysis.run.configuration.run.targets) or is_variant(target)
    state: State = "not judged" if meant else "inconclusive"
    what = "" if meant else ": accept this run if that is meant"
    return EvaluatedCell(
        cell=cell_name(target, "", VALID), target=target, scope="", metric="Share of valid trials", unit="ratio",
        now=None, before=1.0, change=0.0, limit=None, bound=0.0, runs=runs, state=state,
        reason=f"run {entry.run} measured it, and this run did not{what}",
    )  # fmt: skip


def _cell(analysis: Analysis, name: str, before: float, runs: int) -> EvaluatedCell:
    target, place, metric = parts_of(name)
    scope = next((scope for scope in scopes(analysis) if scope.id == place), None)
    figure = metric_info(metric)
    reason = "the run before has a value, and this run has none"
    if scope is not None and metric in BY_ID:
        found = analysis.trial_values(metric, target, scope)
        reason = found.reason if isinstance(found, Missing) else reason
    return EvaluatedCell(
        cell=name, target=target, scope=scope.title if scope else place, metric=figure.title if figure else metric,
        unit=figure.unit if figure else "", now=None, before=before, change=0.0, limit=None, bound=0.0, runs=runs,
        state="not judged", reason=reason,
    )  # fmt: skip
