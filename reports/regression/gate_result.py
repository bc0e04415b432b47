"""The result of a gate: its types, and gate.json.

A gate screens each cell of a run against the runs before it (reports/regression/screening.py), measures flagged cells again,
base against head (reports/regression/confirmation.py), and gives one verdict. `gate.json` in the run's folder holds the
result. The files for CI are made from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from harness.errors import RunError, UsageError
from harness.files import write_whole
from harness.record.damage import DAMAGED

SCHEMA = 1
FILE = "gate.json"

#: `fine`, `learning` (too few runs before this one) and `improved` come from the screening and are final. A flagged cell
#: becomes `regressed`, `not regressed` or `inconclusive`; it stays `flagged` if nothing was measured again.
#: `not judged`: this run has no valid trial of the cell, and the service is not the cause. `watched`: not worse by its
#: bound; a gate against a revision does not wait until that is certain.
State = Literal[
    "fine", "learning", "improved", "flagged", "regressed", "not regressed", "inconclusive", "not judged", "watched"
]

#: `invalid`: the machine or the A/A test changed, so the run can't be used.
GateVerdict = Literal["fine", "learning", "regressed", "inconclusive", "invalid"]

EXIT_STATUS: dict[GateVerdict, int] = {"fine": 0, "learning": 0, "regressed": 1, "inconclusive": 3, "invalid": 3}


class Confirmation(Struct, frozen=True):
    """A cell measured again in `pairs` of base and head. Ratios above 1 are worse, whatever the metric.

    `p`: one-sided p-value of "not worse"; `p_adjusted`: corrected for the number of cells (Holm), and of looks (Bonferroni).
    """

    worse: float
    low: float
    high: float
    pairs: int
    p: float
    p_adjusted: float


class EvaluatedCell(Struct, frozen=True):
    """A cell of the run: its value now and before, and its state.

    `cell` is the name in the history (target|scope|metric). `now` (None: this run has no value) and `before` are in the
    metric's unit. `before`: the geometric mean of the runs before, or of those at the best level; None without any.
    `change`: the worsening (0.1 is 10 %). `limit`: how much noise explains, on the same scale (None while learning).
    `bound`: the relevance bound, the least worsening that counts.
    """

    cell: str
    target: str
    scope: str = msgspec.field(name="place")
    metric: str
    unit: str
    now: float | None
    before: float | None
    change: float
    limit: float | None
    bound: float
    runs: int
    state: State
    #: Why it has this state, if that needs an explanation.
    reason: str = ""
    confirmation: Confirmation | None = None
    #: The run whose images are the base if it is measured again; empty while learning.
    base: str = ""


class Gate(Struct, frozen=True):
    """The content of gate.json. `reasons`: sentences that explain the verdict, the worst first."""

    schema: int
    run: str
    started: str
    revision: str | None
    #: The runs (with commas between them) or the revision against which was measured; None if nothing was measured again.
    base: str | None
    verdict: GateVerdict
    reasons: tuple[str, ...]
    cells: tuple[EvaluatedCell, ...]

    @property
    def exit_status(self) -> int:
        """0: fine or learning; 1: a confirmed regression; 3: inconclusive or invalid."""
        return EXIT_STATUS[self.verdict]

    def in_state(self, *states: State) -> tuple[EvaluatedCell, ...]:
        """The cells that are in one of the states."""
        return tuple(cell for cell in self.cells if cell.state in states)


def write_gate(gate: Gate, folder: Path) -> Path:
    """Writes gate.json into a run's folder. Raises RunError."""
    path = folder / FILE
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(gate), indent=1))
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room; the record itself is complete") from None
    return path


def read_gate(folder: Path) -> Gate | None:
    """Reads gate.json from a run's folder; None if there is none. Raises UsageError."""
    path = folder / FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Gate)
    except FileNotFoundError:
        return None
    except (OSError, *DAMAGED) as error:
        raise UsageError(f"{FILE} can't be read ({error}): {folder}") from None
    if found.schema > SCHEMA:
        raise UsageError(f"{FILE} has schema {found.schema}, newer than this fitmap reads ({SCHEMA}): {folder}")
    return found
