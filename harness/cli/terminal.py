"""What the command line says to people while it works."""

from __future__ import annotations

import sys

from loadtests.protocol.messages import Window


class Terminal:
    """Lines for people on standard error; a progress line that is overwritten where standard error is a terminal."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def say(self, line: str) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
        print(line, file=sys.stderr, flush=True)

    def progress(self, label: str, window: Window) -> None:
        if self._live:
            seconds = (window.end_ns - window.start_ns) / 1e9
            phase = "warming up" if window.phase == "warmup" else "measuring"
            sys.stderr.write(f"\r\x1b[K{label}: {phase}, {window.requests / seconds:,.0f} requests/s")
            sys.stderr.flush()
