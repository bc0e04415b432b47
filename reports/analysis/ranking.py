"""Ranks the targets of a class by one metric, with ties.

A target wins if, against every other target of its class, the interval of the ratio excludes 1 and the ratio exceeds the
relevance bound (docs/method/statistics.md). Otherwise the lead is a tie and is shown as one.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.machine_state import ByState, Machine
from reports.metrics.metric import Direction
from reports.stats.intervals import Estimate, Ratio, estimate
from reports.stats.pairs import TrialValues, paired_ratio
from reports.stats.two_states import TwoStates


class RankedTarget(Struct, frozen=True):
    """A target in a ranking. `group`: tie group, 1 leads; None: not ranked, because it has no value or too few trials.
    `behind`: how far the leader is ahead of it. `by_state`: the same by the machine's state. `states`: those of its starts,
    if it has two.
    """

    target: str
    estimate: Estimate | Missing
    group: int | None
    behind: Ratio | None
    states: TwoStates | None = None
    by_state: ByState | None = None


class Ranking(Struct, frozen=True):
    """The ranking of one class by one metric at one scope (its id, see reports/metrics/scopes.py). `entries`: the best
    target first, at the end those that are not ranked.

    `winner` is None on a tie; `note` then says why nobody wins. `runner_up` is the target that the winner is least clearly
    ahead of, `lead` the winner's ratio to it.
    """

    metric: str
    scope: str
    target_class: str
    entries: tuple[RankedTarget, ...]
    leaders: tuple[str, ...]
    winner: str | None
    runner_up: str | None
    lead: Ratio | None
    note: str

    @property
    def set_apart(self) -> tuple[RankedTarget, ...]:
        """The targets that have a value, and too few trials to be ranked with the others."""
        return tuple(e for e in self.entries if e.group is None and isinstance(e.estimate, Estimate))


class _Compared(Struct, frozen=True):
    """The targets that are compared, and how: bounds hold for so many `comparisons` together."""

    values: Mapping[str, TrialValues]
    estimates: Mapping[str, Estimate]
    direction: Direction
    exact: bool
    confidence_percent: float
    comparisons: int

    def ratio(self, leader: str, other: str) -> Ratio | None:
        """How far the leader is ahead."""
        if self.exact:
            quotient = self.estimates[leader].median / self.estimates[other].median
            ahead = quotient if self.direction == "higher" else 1 / quotient
            return Ratio(ahead, ahead, ahead, 1)
        over, under = self._ordered(leader, other)
        return paired_ratio(self.values[over], self.values[under], self.confidence_percent, self.comparisons)

    def by_state(self, machine: Machine | None, leader: str, other: str) -> ByState | None:
        """The same by the machine's state."""
        if machine is None or leader == other:
            return None
        over, under = ((t, self.values[t]) for t in self._ordered(leader, other))
        return machine.ratio(over, under, self.confidence_percent, self.comparisons)

    def _ordered(self, leader: str, other: str) -> tuple[str, str]:
        return (leader, other) if self.direction == "higher" else (other, leader)


def _span(target: str, states: Mapping[str, TwoStates], estimates: Mapping[str, Estimate]) -> tuple[float, float]:
    """From the one steady state of a target to the other."""
    found, middle = states.get(target), estimates[target].median
    return (found.low, found.high) if found else (middle, middle)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def rank(
    *,
    metric: str,
    scope: str,
    target_class: str,
    values: Mapping[str, TrialValues | Missing],
    direction: Direction,
    exact: bool,
    confidence_percent: float,
    relevance_percent: float,
    set_apart: bool = False,
    states: Mapping[str, TwoStates] = {},
    machine: Machine | None = None,
) -> Ranking:
    """Ranks one class by one metric. `values`: target -> its values, or why there are none.

    Only values of valid trials may be passed. A target without a value is not ranked, and never counts as 0. `set_apart`:
    neither is one with too few trials; otherwise it keeps the others from being told apart. `states`: of the targets that
    have two steady states. Nobody wins or loses against one inside the range of its states: who is ahead there depends on
    the luck of a start. `machine`: what tells quiet rounds from loud ones.
    """
    measured = {target: cell for target, cell in values.items() if not isinstance(cell, Missing)}
    missing = {target: cell for target, cell in values.items() if isinstance(cell, Missing)}
    estimates = {t: estimate(list(cell.values.values()), confidence_percent, exact=exact) for t, cell in measured.items()}
    sign = -1 if direction == "higher" else 1
    every = sorted(measured, key=lambda t: (sign * estimates[t].median, t))
    able = [t for t in every if estimates[t].ranks] if set_apart else every
    # Where all but one have too few trials they stand side by side: the one has nobody to be compared with.
    order = able if len(able) > 1 else every

    compared = _Compared(measured, estimates, direction, exact, confidence_percent, len(order) - 1)

    def clearly(leader: str, other: str, found: Ratio | None) -> bool:
        told = found is not None and found.low > 1 and found.ahead > 1 + relevance_percent / 100
        return told and not (states and _overlap(*(_span(t, states, estimates) for t in (leader, other))))

    groups: dict[str, int] = {}
    behind: dict[str, Ratio | None] = {}
    rest, group = order, 0
    while rest:
        group += 1
        ratios = {other: compared.ratio(rest[0], other) for other in rest[1:]}
        if group == 1:
            behind = ratios
        tied = [rest[0], *(other for other in rest[1:] if not clearly(rest[0], other, ratios[other]))]
        groups.update(dict.fromkeys(tied, group))
        rest = [other for other in rest if other not in groups]

    leaders = tuple(target for target in order if groups[target] == 1)
    winner = leaders[0] if len(leaders) == 1 and len(order) > 1 else None
    least = min(((r.low, other) for other, r in behind.items() if r), default=None) if winner else None
    runner_up = least[1] if least else None
    return Ranking(
        metric=metric,
        scope=scope,
        target_class=target_class,
        entries=(
            *(
                RankedTarget(
                    t, estimates[t], groups[t], behind.get(t), states.get(t), compared.by_state(machine, order[0], t)
                )
                for t in order
            ),
            *(RankedTarget(t, estimates[t], None, None, states.get(t)) for t in every if t not in groups),
            *(RankedTarget(t, cell, None, None) for t, cell in missing.items()),
        ),
        leaders=leaders,
        winner=winner,
        runner_up=runner_up,
        lead=behind.get(runner_up) if runner_up else None,
        note="" if winner else _why_no_winner(order, behind, exact),
    )


def too_few(entry: RankedTarget) -> str:
    """Why a target with a value is not ranked."""
    trials = 0 if isinstance(entry.estimate, Missing) else entry.estimate.trials
    return f"{trials} valid trial{'' if trials == 1 else 's'}"


def _why_no_winner(order: list[str], behind: Mapping[str, Ratio | None], exact: bool) -> str:
    if not order:
        return "nothing to rank"
    if len(order) == 1:
        return "no other target to compare with"
    if not exact and any(found is None for found in behind.values()):
        return "too few trials"
    return "tie"
