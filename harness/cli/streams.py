"""Standard input, output and error: always there, and never the cause of a crash."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

EXIT_BROKEN_PIPE = 141
EXIT_REFUSED = 4


def prepare() -> None:
    """Opens streams that the caller closed, and lets the output replace letters that its encoding does not have.

    A closed stream's number would go to the next file that is opened, such as one of a record: what a program that is
    started writes to its output would then go into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    # Python has no object for a stream that was closed.
    sys.stdout = sys.stdout or _opened(1)
    sys.stderr = sys.stderr or _opened(2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _opened(number: int) -> TextIO:
    return os.fdopen(number, "w", encoding="utf-8", closefd=False)


def reader_gone() -> bool:
    """True if nobody reads standard output or error any more. That stream goes nowhere then."""
    gone = [_gone(number) for number in (1, 2)]
    return any(gone)


def _gone(number: int) -> bool:
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    gone = any(event & select.POLLERR for _, event in poll.poll(0))
    if gone:
        _to_nowhere(number)
    return gone


def _to_nowhere(number: int) -> None:
    # Otherwise Python would fail again when it writes what is left at its exit.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def full() -> bool:
    """True if standard output takes nothing more."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def finish(status: int, say: Callable[[str], None]) -> int:
    """Writes what is left of the output. The exit status: the given one, or another where the output can't be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _to_nowhere(1)
        return EXIT_BROKEN_PIPE
    except OSError as error:
        _to_nowhere(1)
        with contextlib.suppress(BrokenPipeError):
            say(f"fitmap: standard output can't be written ({error.strerror}): make room, or write it elsewhere")
        return status or EXIT_REFUSED
    return status
