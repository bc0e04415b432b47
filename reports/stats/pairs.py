"""Ratios of two targets, from trials that ran in the same block.

The bounds of a ratio hold for all comparisons of one target with the others together (Bonferroni). That also limits wrong
winners: a wrong target is ahead only if its bound against the truly best one fails, and the sum of these chances is half of
(100 % - confidence) (Hsu's argument for multiple comparisons with the best, J. C. Hsu, Multiple Comparisons, 1996,
chapter 4).

Trials are a sample: twins of one image differ from start to start. So a start gives one number, and the interval is
Student's t over the starts. Rounds of all starts are never pooled: such intervals are too narrow. A start's number is its
value: of all its slices, or of the quiet third where they are loud. A trimmed mean of the rounds' differences was tried: it
hides a garbage collection in one slice of ten, and did not repeat better (docs/method/evidence.md).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from reports.stats.intervals import MIN_TRIALS, Ratio, log_interval

ByRound = Mapping[int, float]


class TrialValues(Struct, frozen=True):
    """A target's values of a metric at a scope by pair (block and profile). `rounds`: the same for the slices of each trial,
    empty where it was measured in one window.
    """

    values: Mapping[str, float]
    rounds: Mapping[str, ByRound] = {}

    def only(self, pairs: Collection[str]) -> TrialValues:
        """The same without the other pairs."""
        return TrialValues({pair: v for pair, v in self.values.items() if pair in pairs}, self.rounds)


def pair_logs(mine: TrialValues, other: TrialValues) -> dict[str, float]:
    """Pair -> logarithm of `mine` / `other`, for the pairs that both have, in the order of their names. All ratios between
    targets of one record come from here.
    """
    common = sorted(mine.values.keys() & other.values.keys())
    return {pair: math.log(mine.values[pair] / other.values[pair]) for pair in common}


def round_logs(mine: TrialValues, other: TrialValues, pair: str) -> dict[int, float]:
    """Round -> logarithm of `mine` / `other` in the rounds that both trials of a pair have."""
    ours, theirs = mine.rounds.get(pair, {}), other.rounds.get(pair, {})
    return {each: math.log(ours[each] / theirs[each]) for each in sorted(ours.keys() & theirs.keys())}


def paired_ratio(better: TrialValues, other: TrialValues, confidence_percent: float, comparisons: int) -> Ratio | None:
    """`better` / `other` over the pairs (blocks) that both have; None with fewer than three pairs.

    The bounds of so many `comparisons` hold together with `confidence_percent`. The ratio is the geometric mean of the
    pairs' ratios.
    """
    return ratio_of(list(pair_logs(better, other).values()), confidence_percent, comparisons)


def ratio_of(logs: Sequence[float], confidence_percent: float, comparisons: int) -> Ratio | None:
    """The ratio of which each pair gave a logarithm; None with fewer than three pairs."""
    if len(logs) < MIN_TRIALS:
        return None
    tail = (1 - confidence_percent / 100) / max(comparisons, 1)
    centre, half = log_interval(logs, 1 - tail)
    return Ratio(math.exp(centre), math.exp(centre - half), math.exp(centre + half), len(logs))
