"""The entry point of `fitmap`: runs a command, and reports errors in one sentence."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

from docker.errors import DockerException

from harness.cli.arguments import parser
from harness.cli.terminal import Terminal
from harness.errors import EngineError, FitmapError

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command, and exits with a status of docs/reference/cli.md."""
    options = parser().parse_args(arguments)
    # If a library written in C crashes, stderr says in which function.
    if not faulthandler.is_enabled():
        faulthandler.enable()
    # A cancelled CI job gets SIGTERM. It must clean up, as after Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    terminal = Terminal()
    module, _, function = options.run.partition(":")
    try:
        with terminal:
            # The only lazy import: the report's libraries take a second to load, and most commands need none.
            status = getattr(import_module(f"harness.cli.{module}"), function)(options, terminal)
        # Flushed here, so that a closed pipe is handled below. At exit Python would report it as an error.
        sys.stdout.flush()
    except FitmapError as error:
        terminal.say(f"fitmap: {error}")
        status = error.exit_status
    except DockerException as error:
        terminal.say(f"fitmap: the Docker Engine failed ({error}): check it with `fitmap doctor`")
        status = EngineError.exit_status
    except BrokenPipeError:
        # The reader closed the pipe. Without this Python would report it again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        terminal.say("fitmap: interrupted; finished trials are kept, and `fitmap bench --resume` measures the rest")
        status = EXIT_INTERRUPTED
    raise SystemExit(status)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
