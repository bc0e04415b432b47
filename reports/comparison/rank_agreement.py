"""Whether two records rank the targets in the same way.

Values change with the machine from day to day. If the order of the targets changed with them, it would not be a result.
Metrics that are read, not measured (an image's size), always agree and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.ranking import Ranking
from reports.metrics.catalogue import BY_ID
from reports.stats.intervals import MIN_TRIALS, log_interval, welch_ratio
from reports.stats.pairs import pair_logs


class Contrary(Struct, frozen=True):
    """A reversed order: `ahead` was ahead of `behind` in the base, and is behind it in the head."""

    scope: str
    axis: str
    ahead: str
    behind: str


class Agreement(Struct, frozen=True):
    """How two records agree, over all pairs of targets at a metric and scope.

    `ratios`: pairs of which both records have the ratio. `moved`: those whose ratio differs between the records by more than
    its interval. `by_chance`: how many would if nothing had changed. `apart`: pairs that differ clearly in the base, by more
    than the relevance bound. `unclear`: those of them that do not in the head. `contrary`: those in the opposite order.
    `winners`: winners of the base. `shared`: those that share the lead in the head. `lost`: those that lost it.
    """

    ratios: int
    moved: int
    by_chance: float
    apart: int
    unclear: int
    contrary: tuple[Contrary, ...]
    winners: int
    shared: int
    lost: tuple[Contrary, ...]


def agreement(now: Analysis, before: Analysis) -> Agreement:
    """Compares the order in the head (`now`) with that in the base (`before`). Ratios are paired by block within each
    record: the machine's speed in a block affects both targets, so it cancels in their ratio.
    """
    pairs: list[tuple[int, Contrary]] = []
    moved: list[bool] = []
    confidence = now.run.configuration.report.confidence_percent
    winners: list[tuple[str, Contrary]] = []
    for earlier, current in _both(now, before):
        scope, axis = before.scope(earlier).title, BY_ID[earlier.metric].title
        for one, other in combinations([entry.target for entry in earlier.entries], 2):
            ratios, ratios_before = _ratios(now, current, one, other), _ratios(before, earlier, one, other)
            if min(len(ratios), len(ratios_before)) < MIN_TRIALS:
                continue
            _, low, high = welch_ratio(ratios, ratios_before, confidence)
            moved.append(not low <= 1 <= high)
            if was := _side(before, earlier, ratios_before):
                ahead, behind = (one, other) if was > 0 else (other, one)
                pairs.append((was * _side(now, current, ratios), Contrary(scope, axis, ahead, behind)))
        if earlier.winner and (current.winner or current.note == "tie"):
            winners.append((current.winner or "", Contrary(scope, axis, earlier.winner, current.winner or "")))
    return Agreement(
        ratios=len(moved),
        moved=sum(moved),
        by_chance=len(moved) * (1 - confidence / 100),
        apart=len(pairs),
        unclear=sum(agrees == 0 for agrees, _ in pairs),
        contrary=tuple(found for agrees, found in pairs if agrees < 0),
        winners=len(winners),
        shared=sum(not winner for winner, _ in winners),
        lost=tuple(found for winner, found in winners if winner not in ("", found.ahead)),
    )


def said(found: Agreement) -> str:
    """The agreement in one sentence."""
    same, again = found.apart - found.unclear - len(found.contrary), found.winners - found.shared - len(found.lost)
    return (
        f"of {found.ratios} ratios between targets {found.moved} differ by more than their intervals, about "
        f"{found.by_chance:.0f} would by chance; of {found.apart} pairs of targets that the base tells apart the head tells "
        f"{same} apart in the same way, {len(found.contrary)} the other way, and {found.unclear} not; of {found.winners} "
        f"winners {again} win again, {found.shared} share the lead, {len(found.lost)} lose it"
    )


def _both(now: Analysis, before: Analysis) -> Iterator[tuple[Ranking, Ranking]]:
    """Rankings that both records have: the base's and the head's. Exact metrics are left out."""
    current = {(s.metric, s.scope, s.target_class): s for s in now.rankings}
    for earlier in before.rankings:
        found = current.get((earlier.metric, earlier.scope, earlier.target_class))
        if found and not BY_ID[earlier.metric].exact:
            yield earlier, found


def _ratios(analysis: Analysis, ranking: Ranking, one: str, other: str) -> list[float]:
    """How far `one` is ahead of `other` in each block that both have: above 1 it is better."""
    mine, others = (analysis.trial_values(ranking.metric, target, analysis.scope(ranking)) for target in (one, other))
    if isinstance(mine, Missing) or isinstance(others, Missing):
        return []
    sign = 1 if BY_ID[ranking.metric].direction == "higher" else -1
    return [math.exp(sign * log) for log in pair_logs(mine, others).values()]


def _side(analysis: Analysis, ranking: Ranking, ratios: Sequence[float]) -> int:
    """1 if the first of two is clearly ahead, -1 if it is clearly behind, otherwise 0. The rule is that of
    reports/analysis/ranking.py: bounds that hold together, and the relevance bound.
    """
    settings = analysis.run.configuration.report
    others = sum(entry.group is not None for entry in ranking.entries) - 1
    centre, half = log_interval([math.log(ratio) for ratio in ratios], 1 - (1 - settings.confidence_percent / 100) / others)
    bound = math.log1p(BY_ID[ranking.metric].relevance_percent(settings.relevance_percent) / 100)
    clearly = abs(centre) > max(half, bound)
    return (1 if centre > 0 else -1) if clearly else 0
