"""From flagged cells, and from pairs of base and head that were measured again, to what a gate says. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.plan.config_file import GateSection
from harness.plan.targets import BASE
from harness.record.writer import Run
from reports.analysis.analysis import Analysis
from reports.analysis.cells import STATEMENTS, Cell, cell_name, cells, figure_of, parts_of
from reports.comparison.paired_trials import Pairs, all_pairs
from reports.regression.confirmation import ALPHA, LEAST_PAIRS, confirm, verdict
from reports.regression.gate_result import SCHEMA, Confirmation, Gate, Judged, State, Verdict
from reports.regression.history import Entry
from reports.regression.sanity_checks import VALID, bound_of
from reports.regression.screening import MOST_RUNS, screen_cell
from reports.stats.intervals import at_zero, student_t_tail

MOST_NAMED = 5


def baseline(past: Sequence[Entry]) -> Entry | None:
    """The run that flagged cells are measured against: the middle one of those that they were screened against.

    Not the last: a regression that the screen missed last night would be its own baseline, and never be found.
    """
    recent = past[-MOST_RUNS:]
    return recent[len(recent) // 2] if recent else None


def settled(cell: Judged, past: Sequence[Entry], images: Mapping[str, str]) -> Judged:
    """A flagged cell that needs no second measurement: what is read (an image's size) has no noise; and where the image is
    that of the baseline, nothing of the service can have got slower. `images`: target -> image id of this run.

    With the same image twice in a row is no chance any more: something else got slower, which nothing here can confirm.
    """
    base = baseline(past)
    target, _, metric = parts_of(cell.cell)
    figure = figure_of(metric)
    if figure and figure.exact and metric != STATEMENTS:
        return _with(cell, "regressed", "it is read, not measured")
    return _unchanged(cell, past, base) if base and base.images.get(target) == images[target] else cell


def _unchanged(cell: Judged, past: Sequence[Entry], base: Entry) -> Judged:
    last, earlier = past[-1], [entry.cells for entry in past[:-1]]
    figure = figure_of(parts_of(cell.cell)[2])
    again = bool(
        figure and cell.cell in last.cells and screen_cell(cell.cell, figure, last.cells, earlier, cell.bound).flagged
    )
    if again:
        return _with(
            cell,
            "inconclusive",
            "for the second run in a row, though the image is the same: the machine, its kernel or the engine got slower",
        )
    return _with(cell, "not regressed", f"the image is that of run {base.run}: chance, or the machine's mood")


def _with(cell: Judged, state: State, reason: str = "", confirmation: Confirmation | None = None) -> Judged:
    return msgspec.structs.replace(cell, state=state, reason=reason or cell.reason, confirmation=confirmation)


def confirmed(flagged: Sequence[Judged], again: Analysis) -> tuple[Judged, ...]:
    """The flagged cells as the pairs show them."""
    every = all_pairs(again)
    found = confirm({cell.cell: every[cell.cell] for cell in flagged if cell.cell in every})
    return tuple(_confirmed(cell, found.get(cell.cell), again) for cell in flagged)


def _confirmed(cell: Judged, found: Confirmation | None, again: Analysis) -> Judged:
    target, place, metric = parts_of(cell.cell)
    problem = _problem(again, target, place)
    if metric == VALID:
        return _with(cell, *_validity(again, target, place))
    if found is None:
        return _with(cell, "inconclusive", f"under {LEAST_PAIRS} pairs could be measured{f': {problem}' if problem else ''}")
    return _with(cell, verdict(found, cell.bound), problem if metric == STATEMENTS else "", found)


def _validity(again: Analysis, target: str, place: str) -> tuple[State, str]:
    """Whether the head still has no valid trial where the base has."""
    valid = {
        side: sum(m.valid for m in again.measured if m.trial.target == side and m.load.id == place)
        for side in (target + BASE, target)
    }
    if valid[target]:
        return "not regressed", f"{valid[target]} trials were valid when it was measured again"
    if valid[target + BASE] < LEAST_PAIRS:
        return "inconclusive", "the base has no valid trials either"
    return "regressed", _problem(again, target, place) or "no trial of the head could be measured"


def _problem(analysis: Analysis, target: str, place: str) -> str:
    """What the trials of a target at a place say is wrong with them."""
    return next(
        (text for m in analysis.measured if (m.trial.target, m.load.id) == (target, place) for text in m.level.problems), ""
    )


def compared(again: Analysis, gate: GateSection) -> tuple[Judged, ...]:
    """Every cell of the heads against their bases, with no history: for a pull request."""
    named = {cell.name: cell for cell in cells(again)}
    heads = {
        name: cell
        for name, cell in named.items()
        if cell.metric in gate.metrics and not cell.target.endswith(BASE) and cell.target + BASE in again.run.plan.targets
    }
    every = {name: pairs for name, pairs in all_pairs(again).items() if name in heads}
    worse = confirm(every)
    better = confirm({name: _negated(pairs) for name, pairs in every.items()})
    found = [
        _compared(cell, named, worse.get(name), better.get(name), bound_of(cell.metric, gate, {}), again)
        for name, cell in heads.items()
    ]
    return (*found, *_lost(again, {(c.target, parts_of(c.cell)[1]) for c in found if c.state == "regressed"}))


def _negated(pairs: Pairs) -> Pairs:
    return Pairs(tuple(-value for value in pairs.worse), pairs.slower)


def _compared(
    cell: Cell,
    bases: Mapping[str, Cell],
    worse: Confirmation | None,
    better: Confirmation | None,
    bound: float,
    again: Analysis,
) -> Judged:
    figure = figure_of(cell.metric)
    place = cell.place.id if cell.place else ""
    base = bases.get(cell_name(cell.target + BASE, place, cell.metric))
    state: State = "inconclusive"
    reason = f"under {LEAST_PAIRS} pairs have a value"
    if worse is not None:
        state, reason = verdict(worse, bound), ""
        if state == "not regressed":
            improved = better is not None and better.p_adjusted < ALPHA and better.worse >= 1 + bound
            state = "improved" if improved else "fine"
    if cell.metric == STATEMENTS and state == "regressed":
        reason = _problem(again, cell.target, place)
    return Judged(
        cell=cell.name, target=cell.target, place=cell.place.title if cell.place else "",
        metric=figure.title if figure else cell.metric, unit=figure.unit if figure else "ratio",
        now=cell.mean, before=base.mean if base else None, change=worse.worse - 1 if worse else 0.0, limit=None, bound=bound,
        runs=1, state=state, reason=reason, confirmation=worse,
    )  # fmt: skip


def _lost(again: Analysis, explained: set[tuple[str, str]]) -> Iterator[Judged]:
    """Loads at which the base has valid trials and the head none."""
    for load in again.loads:
        for target in again.run.plan.targets:
            if target.endswith(BASE) or target + BASE not in again.run.plan.targets or (target, load.id) in explained:
                continue
            state, reason = _validity(again, target, load.id)
            if state == "regressed":
                yield Judged(
                    cell=cell_name(target, load.id, VALID), target=target, place=load.title, metric="Share of valid trials",
                    unit="ratio", now=0.0, before=1.0, change=1.0, limit=None, bound=0.0, runs=1, state=state, reason=reason,
                )  # fmt: skip


def neighbours_problem(again: Analysis, gate: GateSection) -> str | None:
    """The A/A arm of pairs in the order base, head, head, base: neighbours with the same image must not differ."""
    logs: dict[str, list[float]] = {}
    named = {cell.name: cell for cell in cells(again)}
    for cell in named.values():
        figure = figure_of(cell.metric)
        if figure is None or figure.exact or cell.metric not in gate.metrics or cell.target.endswith(BASE):
            continue
        place = cell.place.id if cell.place else ""
        base = named.get(cell_name(cell.target + BASE, place, cell.metric))
        if base is not None:
            logs[cell.name] = _neighbours(base.values, cell.values)
    for name, apart in logs.items():
        if len(apart) < LEAST_PAIRS:
            continue
        fit = at_zero(apart, ())
        target, place, metric = parts_of(name)
        if abs(fit.mean) < math.log1p(bound_of(metric, gate, {})) or fit.error == 0:
            continue
        if 2 * student_t_tail(abs(fit.mean) / fit.error, fit.degrees) < ALPHA / len(logs):
            title = figure.title if (figure := figure_of(metric)) else metric
            return (
                f"neighbouring trials of equal images of {target} differ by {math.expm1(abs(fit.mean)):.1%} in the mean on "
                f"{title} ({place}): the machine was changing all the while"
            )
    return None


def _neighbours(base: Mapping[str, float], head: Mapping[str, float]) -> list[float]:
    """Log ratios of the last trial of a block to the first of the next, which has the same image; by profile."""
    found = []
    for pair in head:
        block, _, profile = pair.partition("/")
        side = head if int(block) % 2 else base
        following = f"{int(block) + 1}/{profile}"
        if pair in side and following in side:
            found.append(math.log(side[following] / side[pair]))
    return found


def decide(run: Run, judged: Sequence[Judged], invalid: Sequence[str], base: str | None) -> Gate:
    """The verdict over all cells, and the sentences that say why. `invalid`: what makes the run say nothing."""
    states = {cell.state for cell in judged}
    said: Verdict
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
        reasons=(*invalid, *_reasons(judged)),
        cells=tuple(judged),
    )


def _reasons(judged: Sequence[Judged]) -> Iterator[str]:
    order: tuple[State, ...] = ("regressed", "inconclusive", "flagged", "not regressed", "improved", "not judged")
    for state in order:
        mine = sorted((cell for cell in judged if cell.state == state), key=lambda cell: -abs(cell.change))
        for cell in mine[:MOST_NAMED]:
            yield sentence(cell)
        if len(mine) > MOST_NAMED:
            yield f"... and {len(mine) - MOST_NAMED} cells more that are {state}"


def sentence(cell: Judged) -> str:
    """What is said of a cell."""
    where = f"{cell.target}, {cell.place}: {cell.metric}"
    found = cell.confirmation
    if parts_of(cell.cell)[2] == VALID:
        text = f"{cell.target}, {cell.place}: no valid trial: {cell.state}"
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
