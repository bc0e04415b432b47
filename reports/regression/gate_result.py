"""Did it get slower? What a gate found, as frozen data, and its file.

A gate screens each cell of a run against the runs before it (reports/regression/screening.py), has the flagged ones
measured again, base against head (reports/regression/confirmation.py), and says one verdict. `gate.json` in the run's
folder holds it; what CI reads is made from that file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from harness.errors import RunError, UsageError
from harness.files import write_whole

SCHEMA = 1
FILE = "gate.json"

#: What is known of a cell. `fine`, `learning` (too few runs before it), `improved`: the screen's word, final. A flagged cell
#: ends as `regressed`, `not regressed` or `inconclusive`; it stays `flagged` where nothing was measured again.
#: `not judged`: this run has no valid trial of it, and the reason is not the service's.
State = Literal["fine", "learning", "improved", "flagged", "regressed", "not regressed", "inconclusive", "not judged"]

#: `invalid`: the machine or the A/A arm moved, so that the run says nothing.
GateVerdict = Literal["fine", "learning", "regressed", "inconclusive", "invalid"]

EXIT_STATUS: dict[GateVerdict, int] = {"fine": 0, "learning": 0, "regressed": 1, "inconclusive": 3, "invalid": 3}


class Confirmation(Struct, frozen=True):
    """A cell measured again, base against head, in `pairs` of neighbours. Ratios above 1 are worse, whatever the metric.

    `p`: one-sided, of no worsening; `p_adjusted`: after Holm's correction over all cells that were measured again.
    """

    worse: float
    low: float
    high: float
    pairs: int
    p: float
    p_adjusted: float


class EvaluatedCell(Struct, frozen=True):
    """A cell of the run: what it is, what it was, and what that means.

    `cell` is the history's name (target|place|metric). `now` and `before` (the geometric mean of the runs before it; None
    without any) are in the metric's unit. `change`: how much worse (0.1: a tenth), `limit`: what noise explains on the same
    scale (None while learning), `bound`: the least relevant worsening.
    """

    cell: str
    target: str
    scope: str = msgspec.field(name="place")
    metric: str
    unit: str
    now: float
    before: float | None
    change: float
    limit: float | None
    bound: float
    runs: int
    state: State
    #: Why it has this state, where that needs words.
    reason: str = ""
    confirmation: Confirmation | None = None


class Gate(Struct, frozen=True):
    """gate.json: all that a gate found. `reasons`: sentences that say why the verdict is what it is, worst first."""

    schema: int
    run: str
    started: str
    revision: str | None
    #: The run whose images (or the revision that) the head was measured against, where something was measured again.
    base: str | None
    verdict: GateVerdict
    reasons: tuple[str, ...]
    cells: tuple[EvaluatedCell, ...]

    @property
    def exit_status(self) -> int:
        """0 fine or still learning, 1 a confirmed regression, 3 inconclusive or invalid."""
        return EXIT_STATUS[self.verdict]

    def in_state(self, *states: State) -> tuple[EvaluatedCell, ...]:
        """The cells in one of some states."""
        return tuple(cell for cell in self.cells if cell.state in states)


def write_gate(gate: Gate, folder: Path) -> Path:
    """Write gate.json into a run's folder. Raises RunError."""
    path = folder / FILE
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(gate), indent=1))
    except OSError as error:
        raise RunError(f"{path} can't be written ({error.strerror}): make room; the record itself is complete") from None
    return path


def read_gate(folder: Path) -> Gate | None:
    """What a gate found of the run in a folder; None where none was asked. Raises UsageError."""
    path = folder / FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Gate)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"{FILE} can't be read ({error}): {folder}") from None
    if found.schema > SCHEMA:
        raise UsageError(f"{FILE} has schema {found.schema}, newer than this fitmap reads ({SCHEMA}): {folder}")
    return found
