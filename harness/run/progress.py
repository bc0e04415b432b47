"""How far a run is, and the listener that hears of it. The command line shows it without loading what a run needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from harness.record.plan import Trial
from harness.record.reader import Record
from harness.record.trial_result import TrialResult
from loadtests.protocol.group_messages import SliceEvent
from loadtests.protocol.messages import Window


class Position(Struct, frozen=True):
    """How far a run is: trial `number` of `total`. `left_seconds` is an estimate."""

    number: int
    total: int
    elapsed_seconds: float
    left_seconds: float


class Listener(Protocol):
    """The receiver of a run's progress: the command line, or a test."""

    def say(self, text: str) -> None: ...

    def run_started(self, record: Record) -> None: ...

    def trial_started(self, position: Position, trials: Sequence[Trial]) -> None:
        """A trial begins, or all trials of a group."""
        ...

    def window(self, window: Window) -> None: ...

    def slice(self, target: str, event: SliceEvent) -> None: ...

    def trial_done(self, position: Position, result: TrialResult, *, repeated: bool) -> None: ...
