"""Whether the starts of a target fall into two groups: a runtime may take one of two steady states when it starts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

from msgspec import Struct

#: A group of one start may be an accident.
MIN_STARTS = 2
#: The gap between the groups is wider than so many times the scatter inside them.
GAP = 4.0
#: Scatter that counts at least. Without it four to six starts of one state look like two in 6 to 10 of 100 records, because
#: some of them lie close together by chance. So a gap under 8 % is never told.
LEAST_SCATTER = 0.02


class TwoStates(Struct, frozen=True):
    """The geometric means of the two groups, and how many starts each has."""

    low: float
    high: float
    low_starts: int
    high_starts: int


def two_states(values: Mapping[str, float], shifts: Mapping[str, float]) -> TwoStates | None:
    """The two states of a target's values by pair, if it has two. `shifts`: pair -> by how much the machine was slower
    then, in logarithms; none is 0.
    """
    found = sorted((math.log(value) - shifts.get(pair, 0.0), value) for pair, value in values.items())
    cuts = range(MIN_STARTS, len(found) - MIN_STARTS + 1)
    cut = max(cuts, key=lambda at: found[at][0] - found[at - 1][0], default=None)
    if cut is None:
        return None
    groups = (found[:cut], found[cut:])
    squares = 0.0
    for group in groups:
        middle = fmean(log for log, _ in group)
        squares += sum((log - middle) ** 2 for log, _ in group)
    scatter = math.sqrt(squares / (len(found) - 2))
    if found[cut][0] - found[cut - 1][0] <= GAP * max(scatter, LEAST_SCATTER):
        return None
    low, high = (math.exp(fmean(math.log(value) for _, value in group)) for group in groups)
    return TwoStates(low, high, cut, len(found) - cut)
