"""The verdict of a gate over all cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.record.run import Run
from reports.analysis.cells import VALID, parts_of
from reports.regression.gate_result import SCHEMA, EvaluatedCell, Gate, GateVerdict, State

MAX_NAMED = 5


def decide(
    run: Run, judged: Sequence[EvaluatedCell], invalid: Sequence[str], base: str | None, notes: Sequence[str] = ()
) -> Gate:
    """The verdict over all cells, with the reasons as sentences. `invalid`: why the run can't be used; usually empty.

    `notes`: what a reader must know besides.
    """
    states = {cell.state for cell in judged}
    said: GateVerdict
    if invalid:
        said = "invalid"
    elif "regressed" in states:
        said = "regressed"
    elif states & {"flagged", "inconclusive"}:
        said = "inconclusive"
    elif states <= {"learning", "not judged"}:
        said = "learning"
    else:
        said = "fine"
    return Gate(
        schema=SCHEMA,
        run=run.id,
        started=run.started,
        revision=run.revision,
        base=base,
        verdict=said,
        reasons=(*invalid, *notes, *_reasons(judged)),
        cells=tuple(judged),
    )


def _reasons(judged: Sequence[EvaluatedCell]) -> Iterator[str]:
    order: tuple[State, ...] = ("regressed", "inconclusive", "flagged", "not regressed", "improved", "not judged")
    for state in order:
        mine = sorted((cell for cell in judged if cell.state == state), key=lambda cell: -abs(cell.change))
        for cell in mine[:MAX_NAMED]:
            yield sentence(cell)
        if len(mine) > MAX_NAMED:
            yield f"... and {len(mine) - MAX_NAMED} cells more that are {state}"


def sentence(cell: EvaluatedCell) -> str:
    """A cell's change and state as a sentence."""
    where = f"{cell.target}, {cell.scope}: {cell.metric}"
    found = cell.confirmation
    if cell.now is None:
        text = f"{cell.target}{f', {cell.scope}: {cell.metric}' if cell.scope else ''}: no value: {cell.state}"
    elif parts_of(cell.cell)[2] == VALID:
        text = f"{cell.target}, {cell.scope}: no valid trial: {cell.state}"
    elif cell.state == "improved":
        text = f"{where} is {-cell.change:.1%} better"
    elif found is not None:
        text = (
            f"{where} is {found.worse - 1:+.1%} worse in {found.pairs} pairs "
            f"({found.low - 1:+.1%} to {found.high - 1:+.1%}, p = {found.p_adjusted:.2g}): {cell.state}"
        )
    else:
        text = f"{where} is {cell.change:+.1%} worse than before: {cell.state}"
    return f"{text} ({cell.reason})" if cell.reason else text
