"""What a gate against a revision finds, and how often it is wrong: a simulation with the gate's own decisions.

    python -m reports.regression.look_simulation    prints the table of docs/method/regression-statistics.md (two minutes)

A gate has one target: eight deciding cells (CPU per request of two mixes and six routes) and 36 watched ones. Each start of
base, twin and head has independent normal noise of its own in each cell, that of watched cells three times as large. The
head's third deciding cell is worse by some percent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from reports.regression.looks import LOOKS, Decision, LookedCell, Starts, look_at, twins_apart

DECIDING, WATCHED, CHANGED = 8, 36, 2
BOUND, WATCHED_BOUND, WATCHED_NOISE = 0.02, 0.05, 3.0
REPETITIONS = 2000


class Gates(Struct, frozen=True):
    """Shares (0 to 1) of simulated gates. `found`: the changed cell regressed. `alarms`: another cell did. `fine`: all cells
    are clear and none regressed. `invalid`: base and twin differ. `blocks`: the mean number that was measured.
    """

    found: float
    alarms: float
    fine: float
    invalid: float
    blocks: float


def gates(rng: np.random.Generator, noise: float, change: float, repetitions: int) -> Gates:
    """Simulates gates on a machine with so much noise of a start (0.01 is 1 %)."""
    found = alarms = fine = invalid = blocks = 0
    scale = noise * np.repeat([1.0, WATCHED_NOISE], [DECIDING, WATCHED])
    for _ in range(repetitions):
        base, twin, head = rng.normal(0, scale, (LOOKS[-1], 3, len(scale))).transpose(1, 2, 0)
        head[CHANGED] += math.log1p(change)
        cells = {
            str(at): LookedCell(
                Starts(tuple(range(1, LOOKS[-1] + 1)), tuple(map(float, h - b)), tuple(map(float, t - b))),
                BOUND if at < DECIDING else WATCHED_BOUND,
                deciding=at < DECIDING,
            )
            for at, (b, t, h) in enumerate(zip(base, twin, head, strict=True))
        }
        regressed, look, apart = _gate(cells)
        found += str(CHANGED) in regressed
        alarms += bool(regressed - {str(CHANGED)} if change else regressed)
        fine += not regressed and look < math.inf
        invalid += apart
        blocks += int(min(look, LOOKS[-1]))
    return Gates(*(count / repetitions for count in (found, alarms, fine, invalid, blocks)))


def _gate(cells: dict[str, LookedCell]) -> tuple[set[str], float, bool]:
    """The regressed cells, the look after which all were clear (infinite: never), and whether the twins were apart."""
    decisions: dict[str, Decision] = {}
    for look in LOOKS:
        decisions = look_at(cells, look, decisions)
        regressed = {name for name, decision in decisions.items() if decision.state == "regressed"}
        if twins_apart({name: cell.until(look) for name, cell in cells.items()}, len(LOOKS)):
            return regressed, look, True
        if not any(decision.state == "inconclusive" for decision in decisions.values()):
            return regressed, look, False
    return regressed, math.inf, False


def table(repetitions: int = REPETITIONS) -> Iterator[str]:
    """The lines of the Markdown table."""
    rng = np.random.default_rng(1)
    yield "| noise of a start | change of one route | found | false alarms | fine | base and twin differ | blocks |"
    yield "|---|---|---|---|---|---|---|"
    for noise in (0.003, 0.005, 0.01, 0.015, 0.02):
        for change in (0.0, 0.03, 0.05):
            seen = gates(rng, noise, change, repetitions)
            yield (
                f"| {noise:.1%} | {f'{change:+.0%}' if change else 'none'} | {f'{seen.found:.1%}' if change else '-'} "
                f"| {seen.alarms:.2%} | {seen.fine:.1%} | {seen.invalid:.2%} | {seen.blocks:.1f} |"
            )


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
