"""One cell of the scorecard: a target on one axis, against the best one."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from reports.units import times

State = Literal["none", "few", "level", "best", "tied", "close", "behind", "plain"]
#: From this factor on, a target that is not told apart from the best keeps the shade of its median, outlined.
CLOSE_FROM = 1.2
#: Factors at which a shade ends; shade 0 is the best and those tied with it.
SHADES = (2.0, 4.0, 10.0, 30.0)
#: From this factor on, the number is red.
FAR_FROM = 10.0


class Cell(Struct, frozen=True):
    """A target on one axis.

    `state`: `none` (no value: `why` says the reason), `few` (under three trials: not ranked), `level` (no target of the row
    is told from any other), `best`, `tied` (with the best), `close` (not told apart from the best, its median is behind),
    `behind` (told apart), `plain` (a run of too few blocks, or of one target: values alone).
    `factor`: times behind the best; `at`, `low`, `high`: median and interval over the best median, as times worse.
    """

    target: str
    state: State
    value: str = ""
    factor: float | None = None
    at: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    trials: int = 0
    why: str = ""
    #: In the row's unit, and with few digits: for sentences.
    prose: str = ""
    #: What limits its place; the cell has a mark then.
    caveats: tuple[str, ...] = ()

    @property
    def leads(self) -> bool:
        return self.state in ("best", "tied")

    @property
    def in_front(self) -> bool:
        """Whether the target is in the first tie group."""
        return self.state in ("best", "tied", "close")

    @property
    def words(self) -> str:
        """What stands in the cell beside the value."""
        if self.state == "none":
            return "–"
        if self.state == "plain":
            return ""
        if self.state == "level":
            return "="
        if self.state == "best":
            return "best"
        if self.state == "tied":
            return "≈ best"
        factor = times(self.factor or 1.0)
        return f"≈{factor}" if self.state == "close" else factor

    @property
    def shade(self) -> int | None:
        """0 (best) to 5 (beyond thirty times); None where the cell has no shade."""
        if self.state in ("none", "few", "plain", "level"):
            return None
        if self.leads:
            return 0
        return 1 + sum((self.factor or 1.0) > bound for bound in SHADES)

    @property
    def far(self) -> bool:
        return self.state in ("close", "behind") and (self.factor or 1.0) >= FAR_FROM


def state_of(in_front: bool, alone: bool, factor: float) -> State:
    """The state of a ranked target in a row that tells some apart."""
    if not in_front:
        return "behind"
    if alone:
        return "best"
    return "tied" if factor < CLOSE_FROM else "close"
