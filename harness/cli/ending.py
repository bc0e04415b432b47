"""How a command ends: every failure is one sentence and an exit status, whatever went wrong."""

from __future__ import annotations

import contextlib
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

from harness.cli.streams import EXIT_BROKEN_PIPE, full, reader_gone
from harness.containers.engine import FAILURES, Say
from harness.errors import EngineError, FitmapError
from harness.files import write_whole

EXIT_CRASHED = 4
#: A command that a signal ends has this status plus the signal's number, as in a shell.
EXIT_SIGNAL = 128
#: In the folder of the records. CI keeps that folder, without hidden files.
FOLDER = "errors"
MOST_LETTERS = 300


class Interrupted(KeyboardInterrupt):
    """A signal asks the command to end, as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def interrupt(number: int, _frame: FrameType | None) -> None:
    """The handler of such a signal."""
    raise Interrupted(number)


def run(command: Callable[[], int], say: Say, runs: Path, interrupted: str = "") -> int:
    """Runs a command, and returns its exit status.

    `runs`: where the details of an unforeseen failure are written. Such a failure must not end with 1, as an uncaught
    exception does: CI would take it for a regression. `interrupted`: what is said after Ctrl-C, and after SIGTERM and SIGHUP
    if `interrupt` is their handler.
    """
    try:
        return command()
    except Exception as error:
        status, words = _told(error, runs)
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, Interrupted) else signal.SIGINT
        status, words = EXIT_SIGNAL + number, interrupted
    try:
        if words:
            say(f"fitmap: {words}")
    except BrokenPipeError:
        reader_gone()
        return EXIT_BROKEN_PIPE
    return status


def _told(error: Exception, runs: Path) -> tuple[int, str]:
    """The exit status of a failure, and what is said about it."""
    if isinstance(error, FitmapError):
        return error.exit_status, str(error)
    if isinstance(error, FAILURES):
        return EngineError.exit_status, f"the Docker Engine failed ({_line(error)}): check it with `fitmap doctor`"
    if isinstance(error, BrokenPipeError) and reader_gone():
        return EXIT_BROKEN_PIPE, ""
    if isinstance(error, OSError) and full():
        return EXIT_CRASHED, ""  # what ends the program says so
    return EXIT_CRASHED, _crash(error, runs)


def _line(error: BaseException) -> str:
    """An error's text in one line that is not too long."""
    text = " ".join(str(error).split())
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}..."


def _crash(error: Exception, runs: Path) -> str:
    """The sentence about an error that nobody foresaw. Its details go into a file, or else below the sentence."""
    name = type(error).__name__
    what = f"{name}: {_line(error)}" if str(error) else name
    details = "".join(
        (
            f"fitmap {_version()}, Python {platform.python_version()}, {platform.platform()}\n",
            f"{sys.argv}\n\n",
            *traceback.format_exception(error),
        )
    )
    file = _kept(details, runs)
    place = f"the details are in {file}: please report them" if file else f"please report the details:\n{details}"
    return f"failed in a way that was not foreseen ({what}); {place}"


def _kept(details: str, runs: Path) -> Path | None:
    """Writes the details of a failure into the folder of the records, or else a temporary one. The file, or None."""
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ.txt")
    data = details.encode(errors="backslashreplace")
    with contextlib.suppress(OSError):
        write_whole(runs / FOLDER / name, data)
        return runs / FOLDER / name
    with contextlib.suppress(OSError):
        path = Path(tempfile.mkdtemp(prefix="fitmap-errors-"), name)
        write_whole(path, data)
        return path
    return None


def _version() -> str:
    try:
        return version("fitmap")
    except PackageNotFoundError:
        return "that is not installed"
