"""Entry point of `fitmap`: runs the command that was given, and turns errors into one sentence and an exit status."""

from __future__ import annotations

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
    """Run one command. Exits with the status that docs/reference/cli.md lists."""
    options = parser().parse_args(arguments)
    # A cancelled CI job gets SIGTERM: it must clean up as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    terminal = Terminal()
    module, _, function = options.run.partition(":")
    try:
        with terminal:
            # The only lazy import: the report's libraries take a second to load, and most commands need none.
            status = getattr(import_module(f"harness.cli.{module}"), function)(options, terminal)
        # Here, where a reader that went away is told from a fault: at exit Python would complain.
        sys.stdout.flush()
    except FitmapError as error:
        terminal.say(f"fitmap: {error}")
        status = error.exit_status
    except DockerException as error:
        terminal.say(f"fitmap: the Docker Engine failed ({error}): check it with `fitmap doctor`")
        status = EngineError.exit_status
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain once more when it flushes at its end.
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
