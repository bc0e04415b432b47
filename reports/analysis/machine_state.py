"""What the machine did to the rounds and blocks of an interleaved record, and which ratios depend on it.

A round is loud where requests took more CPU time than in other rounds, in all trials of its group. No probe is needed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean, median, pstdev

from msgspec import Struct

from reports.analysis.observations import LevelObservation, Observation
from reports.stats.intervals import Ratio
from reports.stats.pairs import ByRound, TrialValues, ratio_of, round_logs

#: By this metric rounds are quiet or loud.
CPU = "cpu"
#: With fewer rounds in a third nothing is said of it.
LEAST_ROUNDS = 2
#: With fewer other trials a round's state is mostly their own noise.
LEAST_OTHERS = 2
#: So many other targets tell what the machine did to a block.
LEAST_REFERENCES = 2


class ByState(Struct, frozen=True):
    """A ratio in the quiet third of the rounds of each start, and in the loud third."""

    quiet: Ratio
    loud: Ratio

    @property
    def depends(self) -> bool:
        """Whether the two differ by more than their intervals."""
        return self.quiet.high < self.loud.low or self.loud.high < self.quiet.low


class LoudRounds(Struct, frozen=True):
    """By which factor a request took more CPU time in the loud third of the rounds at a load than in the quiet third."""

    load: str
    dearer: float


class TrialRounds(Struct, frozen=True):
    """The rounds of one trial at a load. `logs`: of CPU per request. `scores`: the same with mean 0 and deviation 1, so that
    no trial weighs more than another.
    """

    target: str
    pair: str
    group: int
    logs: ByRound
    scores: ByRound


def trial_rounds(observations: Mapping[str, Sequence[Observation]]) -> tuple[TrialRounds, ...]:
    """The rounds of all valid trials at a load. `observations`: by target."""
    found = []
    for m in (m for mine in observations.values() for m in mine):
        if not isinstance(m, LevelObservation) or not m.valid or len(m.rounds.get(CPU, ())) < 2:
            continue
        logs = {number: math.log(value) for number, value in m.rounds[CPU].items()}
        middle, deviation = fmean(logs.values()), pstdev(logs.values())
        scores = {number: (log - middle) / deviation if deviation else 0.0 for number, log in logs.items()}
        found.append(TrialRounds(m.trial.target, m.pair, m.trial.group, logs, scores))
    return tuple(found)


def _thirds(rounds: Iterable[int], others: Sequence[TrialRounds]) -> tuple[list[int], list[int]]:
    """The quiet and the loud third of some rounds, by trials that were alive then; empty where they can't be told.

    The trials that are compared are not among the others: what is a trial's own noise would pass for the machine's.
    """
    known = [number for number in rounds if all(number in each.scores for each in others)]
    count = len(known) // 3
    if len(others) < LEAST_OTHERS or count < LEAST_ROUNDS:
        return [], []
    order = sorted(known, key=lambda number: (fmean(each.scores[number] for each in others), number))
    return order[:count], order[-count:]


class Machine(Struct, frozen=True):
    """The trials by which the rounds at a load are quiet or loud."""

    trials: tuple[TrialRounds, ...]

    def ratio(
        self, better: tuple[str, TrialValues], other: tuple[str, TrialValues], confidence_percent: float, comparisons: int
    ) -> ByState | None:
        """The ratio of two targets (each with its name) told again for both thirds; None with fewer than three starts."""
        (name, mine), (other_name, theirs) = better, other
        quiet, loud = [], []
        for pair in sorted(mine.rounds.keys() & theirs.rounds.keys()):
            logs = round_logs(mine, theirs, pair)
            groups = {each.group for each in self.trials if each.pair == pair and each.target in (name, other_name)}
            others = [
                each
                for each in self.trials
                if each.group in groups and not (each.pair == pair and each.target in (name, other_name))
            ]
            low, high = _thirds(logs, others)
            if low:
                quiet.append(fmean(logs[number] for number in low))
                loud.append(fmean(logs[number] for number in high))
        found = [ratio_of(logs, confidence_percent, comparisons) for logs in (quiet, loud)]
        return ByState(found[0], found[1]) if found[0] and found[1] else None

    def loudness(self) -> float | None:
        """By which factor a request took more CPU time in the loud third: the mean over the trials. None: unknown."""
        found = []
        groups = defaultdict(list)
        for each in self.trials:
            groups[each.group].append(each)
        for group in groups.values():
            for trial in group:
                quiet, loud = _thirds(trial.logs, [each for each in group if each is not trial])
                if quiet:
                    found.append(fmean(trial.logs[n] for n in loud) - fmean(trial.logs[n] for n in quiet))
        return math.exp(fmean(found)) if found else None


def shifts(target: str, values: Mapping[str, TrialValues], references: Collection[str]) -> dict[str, float]:
    """Pair -> by how much the machine made all targets dearer in that block, in logarithms: the median of what happened to
    the other targets among the `references`. Empty where they are too few.
    """
    others = [values[name].values for name in references if name != target and name in values]
    if len(others) < LEAST_REFERENCES:
        return {}
    middles = [fmean(map(math.log, each.values())) for each in others]
    found = defaultdict(list)
    for each, middle in zip(others, middles, strict=True):
        for pair, value in each.items():
            found[pair].append(math.log(value) - middle)
    return {pair: median(logs) for pair, logs in found.items()}
