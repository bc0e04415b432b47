"""Ratios of two targets, from trials that ran in the same block.

Trials that took turns (slices) were measured within the same second, round by round. Their logarithms are subtracted round
by round, so what the machine does to a round cancels. Trials measured one after the other are compared by their values.

The bounds of a ratio hold for all comparisons of one target with the others together (Bonferroni). That also limits wrong
winners: a wrong target is ahead only if its bound against the truly best one fails, and the sum of these chances is half of
(100 % - confidence) (Hsu's argument for multiple comparisons with the best, J. C. Hsu, Multiple Comparisons, 1996,
chapter 4).

Trials are a sample: twins of one image differ from start to start. So a start gives one number, and the interval is
Student's t over the starts. Rounds of all starts are never pooled: such intervals are too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean, stdev
from typing import Literal

from msgspec import Struct

from reports.stats.intervals import MIN_TRIALS, Ratio, log_interval, student_t_quantile

#: With fewer common rounds two trials are compared by their values.
MIN_ROUNDS = 5
#: The share that is cut off at each end of the rounds.
TRIM = 0.2
#: Of the interval that decides whether a trial's rounds have lumps of a target's own.
CONFIDENCE = 0.95
#: Standard errors by which totals and trimmed means differ over the starts before the totals count. Simulated: at 2 a cost
#: of a fifth in one slice of ten is missed too often, at 1 the bursts of the machine come back.
LUMPS = 1.5

#: How two trials give one ratio: from their rounds, or from their values (the quiet third of each).
Centre = Literal["mean", "trimmed mean", "values"]
ByRound = Mapping[int, float]


class TrialValues(Struct, frozen=True):
    """A target's values of a metric at a scope by pair (block and profile). `rounds`: the same for the slices of each trial,
    empty where it was measured in one window. `centre`: how the rounds of two trials give their ratio.
    """

    values: Mapping[str, float]
    rounds: Mapping[str, ByRound] = {}
    centre: Centre = "mean"

    def only(self, pairs: Collection[str]) -> TrialValues:
        """The same without the other pairs."""
        return TrialValues({pair: v for pair, v in self.values.items() if pair in pairs}, self.rounds, self.centre)


class _PairLog(Struct, frozen=True):
    """The logarithm of a pair's ratio in two ways. `half`: half the width of the centre's interval."""

    centre: float
    totals: float
    half: float

    @property
    def chosen(self) -> float:
        return self.centre if abs(self.totals - self.centre) <= self.half else self.totals


def pair_logs(mine: TrialValues, other: TrialValues) -> dict[str, float]:
    """Pair -> logarithm of `mine` / `other`, for the pairs that both have, in the order of their names. All ratios between
    targets of one record come from here.

    A garbage collection in one slice of ten is a cost of a target, not an outlier, and the trimmed mean hides it. So the
    ratio of totals counts for a trial where the two differ by more than the interval, and for all trials where they differ
    in the same direction from start to start.
    """
    found = {pair: _pair_log(mine, other, pair) for pair in sorted(mine.values.keys() & other.values.keys())}
    lumps = [each.totals - each.centre for each in found.values()]
    if len(lumps) >= MIN_TRIALS and abs(fmean(lumps)) > LUMPS * stdev(lumps) / math.sqrt(len(lumps)):
        return {pair: each.totals for pair, each in found.items()}
    return {pair: each.chosen for pair, each in found.items()}


def _pair_log(mine: TrialValues, other: TrialValues, pair: str) -> _PairLog:
    differences = round_logs(mine, other, pair)
    if mine.centre == "values" or len(differences) < MIN_ROUNDS:
        whole = math.log(mine.values[pair] / other.values[pair])
        return _PairLog(whole, whole, 0.0)
    if mine.centre == "mean":
        mean = fmean(differences.values())
        return _PairLog(mean, mean, 0.0)
    centre, half = trimmed_mean(list(differences.values()))
    totals = (sum(each.rounds[pair][number] for number in differences) for each in (mine, other))
    return _PairLog(centre, math.log(next(totals) / next(totals)), half)


def round_logs(mine: TrialValues, other: TrialValues, pair: str) -> dict[int, float]:
    """Round -> logarithm of `mine` / `other` in the rounds that both trials of a pair have."""
    ours, theirs = mine.rounds.get(pair, {}), other.rounds.get(pair, {})
    return {each: math.log(ours[each] / theirs[each]) for each in sorted(ours.keys() & theirs.keys())}


def trimmed_mean(values: Sequence[float]) -> tuple[float, float]:
    """The mean without the outer fifths, and half the width of its interval (J. W. Tukey & D. H. McLaughlin, Sankhya A 25,
    1963): the standard error comes from the values with their outer fifths pulled in. Takes five values or more.
    """
    ordered = sorted(values)
    cut = int(TRIM * len(ordered))
    kept = ordered[cut : len(ordered) - cut]
    pulled_in = [kept[0]] * cut + kept + [kept[-1]] * cut
    middle = fmean(pulled_in)
    degrees = len(kept) - 1
    error = math.sqrt(sum((v - middle) ** 2 for v in pulled_in) / (len(kept) * degrees))
    return fmean(kept), student_t_quantile((1 + CONFIDENCE) / 2, degrees) * error


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
