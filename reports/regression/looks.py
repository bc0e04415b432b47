"""The looks of a gate that measures head, base and a twin of base at once: after how many starts is a cell clear?

Each block is a new start of base, its twin and the head, and the load goes round among them. A start gives one number per
cell. What a block does to all three is taken out (a randomized block design; D. C. Montgomery, Design and Analysis of
Experiments, chapter 4): the head is compared with the mean of base and twin, and the noise is that of all three. So the twin
halves the base's share of the noise, and few starts have twice the degrees of freedom.

After some blocks, the looks, each cell is tested on all its starts so far with Student's t. The chances of errors are
divided among the looks and cells (Bonferroni), so they hold however often was looked:

    ALARM   of any cell being called regressed although head and base are equal
    MISS    of a cell being called fine although it is worse by its bound
    APART   of base and twin, which are equal, being called different
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

import msgspec
from msgspec import Struct

from reports.regression.gate_result import Confirmation, State
from reports.stats.intervals import MIN_TRIALS, student_t_quantile, student_t_tail

#: So many blocks are measured before each look.
LOOKS = (3, 4, 6, 8, 12)
ALARM, MISS, APART = 0.001, 0.05, 0.005


class Starts(Struct, frozen=True):
    """A cell's starts by block: logarithms of how much worse than the base the head was, and the base's twin."""

    blocks: tuple[int, ...] = ()
    head: tuple[float, ...] = ()
    twin: tuple[float, ...] = ()

    def until(self, last: int) -> Starts:
        """The starts of the blocks up to one."""
        kept = [at for at, block in enumerate(self.blocks) if block <= last]

        def of(values: Sequence[float]) -> tuple[float, ...]:
            return tuple(values[at] for at in kept)

        return Starts(tuple(self.blocks[at] for at in kept), of(self.head), of(self.twin))


class LookedCell(Struct, frozen=True):
    """A cell with its starts. `bound`: the least worsening that counts (0.02 is 2 %).

    The gate measures on until each `deciding` cell is shown to be fine. The others are watched: it goes on as long as one
    looks worse by its bound. `exact`: it is read or counted, and has no noise.
    """

    starts: Starts
    bound: float
    deciding: bool
    exact: bool = False

    def until(self, last: int) -> LookedCell:
        """The cell as it was after so many blocks."""
        return msgspec.structs.replace(self, starts=self.starts.until(last))


class Effect(Struct, frozen=True):
    """A mean of logarithms with its standard error."""

    mean: float
    error: float
    degrees: int

    @property
    def p(self) -> float:
        """One-sided p-value of "the mean is not above 0"."""
        if self.error < 1e-12:
            return 0.0 if self.mean > 1e-9 else 1.0
        return student_t_tail(self.mean / self.error, self.degrees)


class Decision(Struct, frozen=True):
    """What is known of a cell. `inconclusive`: it is not clear yet. No confirmation: it has too few starts."""

    state: State
    starts: int
    confirmation: Confirmation | None = None


def effects(starts: Starts) -> tuple[Effect, Effect]:
    """How much worse the head is than base and twin, and the twin than the base. At least two starts are needed.

    Each error comes from the noise of all three, or from the comparison's own scatter where that is larger: a head may
    scatter more than its base.
    """
    n = len(starts.head)
    change = [head - twin / 2 for head, twin in zip(starts.head, starts.twin, strict=True)]
    # The noise of a single start has the variance 1 here: that of `change` is then 3/2, that of the twin against base 2.
    own, twins = _variance(change) / 1.5, _variance(starts.twin) / 2
    noise = (own + twins) / 2
    degrees = 2 * (n - 1)
    return (
        Effect(fmean(change), math.sqrt(max(noise, own) * 1.5 / n), degrees),
        Effect(fmean(starts.twin), math.sqrt(max(noise, twins) * 2 / n), degrees),
    )


def _variance(values: Sequence[float]) -> float:
    """The sample variance. That of the standard library is exact, and fifty times slower: simulations ask often."""
    middle = fmean(values)
    return math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)


def decide_cells(cells: Mapping[str, LookedCell], blocks: int, looks: Sequence[int] = LOOKS) -> dict[str, Decision]:
    """The decisions on all cells after so many blocks, at this look and those before it."""
    found: dict[str, Decision] = {}
    for look in (look for look in looks if look <= blocks):
        found = look_at(cells, look, found, len(looks))
    return found


def look_at(
    cells: Mapping[str, LookedCell], blocks: int, before: Mapping[str, Decision], looks: int = len(LOOKS)
) -> dict[str, Decision]:
    """The decisions at one look of so many. `before`: those at the look before it, empty at the first."""
    # Deciding cells have one half of the chance of an alarm, watched ones the other.
    tests = {
        kind: 2 * looks * sum(cell.deciding is kind and not cell.exact for cell in cells.values()) for kind in (True, False)
    }
    now = {name: _decided(cell.until(blocks), tests[cell.deciding], looks) for name, cell in cells.items()}
    return {name: _kept(before.get(name, decision), decision) for name, decision in now.items()}


def _kept(before: Decision, now: Decision) -> Decision:
    """A regression stays one. What was clear once does not become unclear."""
    clear = before.state in ("fine", "improved") and now.state == "inconclusive"
    return before if clear or (before.state == "regressed" and now.state != "regressed") else now


def _decided(cell: LookedCell, tests: int, looks: int) -> Decision:
    starts, limit = cell.starts, math.log1p(cell.bound)
    n = len(starts.head)
    if cell.exact and n:
        return _counted(fmean(starts.head), limit, n)
    if n < MIN_TRIALS:
        return Decision("inconclusive" if cell.deciding else "not judged", n)
    change, _ = effects(starts)
    half = student_t_quantile(1 - MISS / looks, change.degrees) * change.error
    confirmation = Confirmation(
        worse=math.exp(change.mean),
        low=math.exp(change.mean - half),
        high=math.exp(change.mean + half),
        pairs=n,
        p=change.p,
        p_adjusted=min(1.0, change.p * tests),
    )
    better = Effect(-change.mean, change.error, change.degrees).p * tests
    state: State
    if change.mean >= limit and confirmation.p_adjusted < ALARM:
        state = "regressed"
    elif change.mean <= -limit and better < ALARM:
        state = "improved"
    elif change.mean + half < limit:
        state = "fine"
    elif cell.deciding or change.mean >= limit:
        state = "inconclusive"
    else:
        state = "watched"
    return Decision(state, n, confirmation)


def _counted(worse: float, limit: float, starts: int) -> Decision:
    state: State = "regressed" if worse >= limit else "improved" if worse <= -limit else "fine"
    ratio, p = math.exp(worse), float(worse <= 0)
    return Decision(state, starts, Confirmation(ratio, ratio, ratio, starts, p, p))


def twins_apart(cells: Mapping[str, LookedCell], looks: int) -> dict[str, float]:
    """The cells in which base and twin, which are equal, differ by the bound and beyond chance: by how much (0.02 is 2 %).

    `looks`: how often is looked in all.
    """
    tested = {name: effects(c.starts)[1] for name, c in cells.items() if not c.exact and len(c.starts.head) >= MIN_TRIALS}
    found = {}
    for name, apart in tested.items():
        size = Effect(abs(apart.mean), apart.error, apart.degrees)
        if size.mean >= math.log1p(cells[name].bound) and 2 * size.p * len(tested) * looks < APART:
            found[name] = math.expm1(size.mean)
    return found
