"""The report of a run that is still going on, written between trials.

Nothing is measured while the page is written, and the pages of a run take at most PAGE_SHARE of its time: of a long record
each takes seconds.
"""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from harness.cli.terminal import Terminal
from harness.errors import RunError
from harness.record.plan import Trial
from harness.record.reader import Record, read_record
from harness.record.trial_result import TrialResult
from harness.run.progress import Position
from harness.wording import counted
from loadtests.protocol.group_messages import SliceEvent
from loadtests.protocol.messages import Window
from reports.export.files import write_running
from reports.export.view import Running

#: The share of a run's time that may go into pages.
PAGE_SHARE = 0.03
#: How often the page loads itself again, seconds.
RELOAD_SECONDS = 15


class LivePage:
    """Passes a run's progress on to the terminal, and writes the page after a trial. `opens`: shows it in a browser."""

    def __init__(self, terminal: Terminal, *, opens: bool) -> None:
        self._terminal = terminal
        self._opens = opens
        self._record: Record | None = None
        self._written = time.monotonic()
        self._took = 0.0

    def say(self, text: str) -> None:
        """Write one line."""
        self._terminal.say(text)

    def run_started(self, record: Record) -> None:
        """Remember where the record is."""
        self._record, self._written = record, time.monotonic()
        self._terminal.run_started(record)

    def trial_started(self, position: Position, trials: Sequence[Trial]) -> None:
        """Show that a trial or a group begins."""
        self._terminal.trial_started(position, trials)

    def slice(self, target: str, event: SliceEvent) -> None:
        """Show what a slice measured."""
        self._terminal.slice(target, event)

    def window(self, window: Window) -> None:
        """Show what the load generator counted in a window."""
        self._terminal.window(window)

    def trial_done(self, position: Position, result: TrialResult, *, repeated: bool) -> None:
        """Write the line of the trial, and the page where it is time."""
        self._terminal.trial_done(position, result, repeated=repeated)
        since = time.monotonic() - self._written
        if self._record is None or position.number == position.total or self._took > PAGE_SHARE * since:
            return
        begun = time.monotonic()
        try:
            page = _write(self._record.folder, position)
        except RunError as error:
            # The measurement goes on: the report is written again at its end.
            self._terminal.say(f"the page of the running measurement can't be written: {error}")
            return
        self._written = time.monotonic()
        self._took = self._written - begun
        self.open(page)

    def open(self, page: Path) -> None:
        """Show the page in a browser, once: an open page loads itself again."""
        if self._opens:
            self._opens = False
            open_page(page, self._terminal)


def _write(folder: Path, position: Position) -> Path:
    left = round(max(position.left_seconds / 60, 1))
    verb = "is" if position.total == 1 else "are"
    running = Running(
        f"{position.number} of {counted(position.total, 'trial')} {verb} done",
        f"About {counted(left, 'minute')} {'is' if left == 1 else 'are'} left.",
        RELOAD_SECONDS,
    )
    return write_running(read_record(folder), running)


def open_page(page: Path, terminal: Terminal) -> None:
    """Shows a page in the user's browser, or says where it is."""
    desktop = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    # Without a desktop, a text browser would take the terminal and end only with the user's key.
    if not desktop or not webbrowser.open(page.resolve().as_uri()):
        terminal.say(f"no browser can be opened here; the page is {page}")
