"""A record in which base, its twin and the head were measured at once: its cells, and what the gate's looks say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from harness.record.config import GateSection
from harness.record.plan import BASE, TWIN, Profile, is_base, sliced
from reports.analysis.analysis import Analysis
from reports.analysis.caveats import states_in_words
from reports.analysis.cells import VALID, Cell, cell_name, cells, metric_info, parts_of
from reports.comparison.matched_cells import pairs_of
from reports.metrics.catalogue import BY_ID, STATEMENTS
from reports.metrics.metric import Direction
from reports.regression.confirmation import problem_of, validity
from reports.regression.gate_result import EvaluatedCell
from reports.regression.looks import Decision, LookedCell, Starts, decide_cells, twins_apart
from reports.regression.screening import bound_of
from reports.stats.pairs import TrialValues
from reports.stats.two_states import two_states

#: The metric that decides, at loads that the service works through as fast as it can.
CPU = "cpu"


class GateCell(Struct, frozen=True):
    """A cell of the head. `now` and `before`: its value and that of the base, None where no trial is valid. `states`: whose
    starts have two steady states, in words.
    """

    name: str
    scope: str
    now: float | None
    before: float | None
    looked: LookedCell
    states: str = ""


def gate_cells(analysis: Analysis, gate: GateSection) -> tuple[GateCell, ...]:
    """All cells of the heads that the gate judges. CPU per request at each saturated load decides, also without a value.

    If there is no such load, all cells decide.
    """
    named = {cell.name: cell for cell in cells(analysis)}
    deciding = dict(_deciding(analysis)) if CPU in gate.metrics else {}
    found = {
        name: _gate_cell(cell, named, gate, deciding=name in deciding or not deciding)
        for name, cell in named.items()
        if cell.metric in gate.metrics
        and not is_base(cell.target)
        and cell_name(cell.target + BASE, *parts_of(name)[1:]) in named
    }
    bound = gate.paired_percent / 100
    missing = {
        name: GateCell(name, title, None, None, LookedCell(Starts(), bound, deciding=True))
        for name, title in deciding.items()
        if name not in found
    }
    return (*found.values(), *missing.values())


def _deciding(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """The cells that decide, each with the title of its scope."""
    measured = {(trial.target, trial.profile) for trial in analysis.run.plan.trials if not is_base(trial.target)}
    profiles = {profile.name for profile in analysis.run.plan.profiles if sliced(profile)}
    for load in analysis.loads:
        for target in analysis.run.plan.targets:
            if load.kind == "closed" and load.profile in profiles and (target, load.profile) in measured:
                yield cell_name(target, load.id, CPU), load.title


def _gate_cell(head: Cell, named: Mapping[str, Cell], gate: GateSection, *, deciding: bool) -> GateCell:
    scope, metric = parts_of(head.name)[1:]
    figure = metric_info(metric)
    base, twin = (named.get(cell_name(head.target + version, scope, metric)) for version in (BASE, BASE + TWIN))
    exact = figure is not None and figure.exact
    # What is read or counted needs no twin.
    third = head if exact else twin
    load = head.scope.load if head.scope else None
    closed = metric == CPU and load is not None and load.kind == "closed"
    looked = LookedCell(
        starts=_starts(base.trials, head.trials, third.trials, figure.direction) if figure and base and third else Starts(),
        bound=gate.paired_percent / 100 if closed else bound_of(metric, gate, {}),
        deciding=deciding and not exact,
        exact=exact,
    )
    states = _states(head, [each for each in (base, twin) if each]) if closed else ""
    return GateCell(
        head.name, head.scope.title if head.scope else "", head.mean, base.mean if base else None, looked, states
    )


def _states(head: Cell, bases: Sequence[Cell]) -> str:
    """Base and its twin are the same image, so their starts count together."""
    starts = {
        "the head": dict(head.trials.values),
        "the base": {f"{cell.target} {pair}": value for cell in bases for pair, value in cell.trials.values.items()},
    }
    found = ((name, two_states(values, {})) for name, values in starts.items())
    words = (
        f"{name} has two steady states: {states_in_words(states, BY_ID[CPU].unit)}, so the ratio depends on the starts"
        for name, states in found
        if states
    )
    return "; ".join(words)


def _starts(base: TrialValues, head: TrialValues, twin: TrialValues, direction: Direction) -> Starts:
    """The starts of which all three have a value."""
    common = sorted(base.values.keys() & head.values.keys() & twin.values.keys())
    ours, twins = (pairs_of(base.only(common), each.only(common), direction) for each in (head, twin))
    return Starts(tuple(_block(pair) for pair in common), ours.worse, twins.worse)


def _block(pair: str) -> int:
    return int(pair.partition("/")[0])


def apart(found: Sequence[GateCell], looks: int) -> str | None:
    """Why a gate is invalid: base and twin, which are equal, differ beyond chance. None if they do not."""
    differing = twins_apart({cell.name: cell.looked for cell in found}, looks)
    if not differing:
        return None
    name = max(differing, key=differing.__getitem__)
    target, _, metric = parts_of(name)
    figure = metric_info(metric)
    scope = next(cell.scope for cell in found if cell.name == name)
    return (
        f"the base of {target} and its twin, which are the same image, differ by {differing[name]:.1%} on "
        f"{figure.title if figure else metric} ({scope or 'whole run'}): the machine treats equal services unequally"
    )


def evaluated(analysis: Analysis, found: Sequence[GateCell], blocks: int, looks: Sequence[int]) -> tuple[EvaluatedCell, ...]:
    """The cells as they stand after so many blocks. Those that are not clear yet are inconclusive."""
    decisions = decide_cells({cell.name: cell.looked for cell in found}, blocks, looks)
    judged = [_evaluated(analysis, cell, decisions[cell.name]) for cell in found]
    lost = tuple(_lost(analysis, {(c.target, parts_of(c.cell)[1]) for c in judged if c.state == "regressed"}))
    gone = {(cell.target, parts_of(cell.cell)[1]) for cell in lost}
    # A load that the head no longer serves is one regression, and no open question besides.
    return (*(c for c in judged if c.state != "inconclusive" or (c.target, parts_of(c.cell)[1]) not in gone), *lost)


def _evaluated(analysis: Analysis, cell: GateCell, decision: Decision) -> EvaluatedCell:
    target, scope, metric = parts_of(cell.name)
    figure, confirmation = metric_info(metric), decision.confirmation
    reason = ""
    if confirmation is None:
        problem = problem_of(analysis, target, scope) or problem_of(analysis, target + BASE, scope)
        reason = f"{decision.starts} starts have a value{f': {problem}' if problem else ''}"
    elif metric == STATEMENTS and decision.state == "regressed":
        reason = problem_of(analysis, target, scope)
    if decision.state in ("inconclusive", "regressed"):
        reason = "; ".join(filter(None, (reason, cell.states)))
    return EvaluatedCell(
        cell=cell.name, target=target, scope=cell.scope, metric=figure.title if figure else metric,
        unit=figure.unit if figure else "ratio", now=cell.now, before=cell.before,
        change=confirmation.worse - 1 if confirmation else 0.0, limit=None, bound=cell.looked.bound, runs=1,
        state=decision.state, reason=reason, confirmation=confirmation,
    )  # fmt: skip


def _lost(analysis: Analysis, explained: set[tuple[str, str]]) -> Iterator[EvaluatedCell]:
    """Loads at which the base has valid trials and the head has none."""
    for load in analysis.loads:
        for target in analysis.run.plan.targets:
            if is_base(target) or target + BASE not in analysis.run.plan.targets or (target, load.id) in explained:
                continue
            state, reason = validity(analysis, target, load.id)
            if state == "regressed":
                yield EvaluatedCell(
                    cell=cell_name(target, load.id, VALID), target=target, scope=load.title, metric="Share of valid trials",
                    unit="ratio", now=0.0, before=1.0, change=1.0, limit=None, bound=0.0, runs=1, state=state, reason=reason,
                )  # fmt: skip


def unclear(
    judged: Sequence[EvaluatedCell], found: Sequence[GateCell], profiles: Sequence[Profile]
) -> tuple[tuple[str, str], ...]:
    """The targets and profiles that have a cell which further starts may make clear.

    A cell of the whole run belongs to all profiles. One without any start so far will have none later.
    """
    started = {cell.name for cell in found if cell.looked.starts.head}
    waiting = [cell for cell in judged if cell.state == "inconclusive" and cell.cell in started]
    return tuple(
        dict.fromkeys(
            (cell.target, profile.name)
            for cell in waiting
            for profile in profiles
            if parts_of(cell.cell)[1].partition("@")[0] in ("", profile.name)
        )
    )


def look_words(judged: Sequence[EvaluatedCell], blocks: int) -> str:
    """What a look shows, as a line of progress: `after 4 starts: 7 of 8 cells are clear; widest: ... +0.4 % ±2.1 %`."""
    waiting = [cell for cell in judged if cell.state == "inconclusive"]
    regressed = sum(cell.state == "regressed" for cell in judged)
    text = f"after {blocks} starts: {len(judged) - len(waiting)} of {len(judged)} cells are clear"
    text += f", {regressed} regressed" if regressed else ""
    if not waiting:
        return text
    widest = max(waiting, key=_width)
    return f"{text}; widest: {widest.target}, {widest.scope}: {widest.metric} {_change(widest)}"


def _width(cell: EvaluatedCell) -> float:
    """Half the width of the interval as a share; infinite without one."""
    return cell.confirmation.high / cell.confirmation.worse - 1 if cell.confirmation else float("inf")


def _change(cell: EvaluatedCell) -> str:
    return f"{100 * cell.change:+.1f} % ±{100 * _width(cell):.1f} %" if cell.confirmation else f"({cell.reason})"
