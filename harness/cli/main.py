"""The entry point of `fitmap`: runs a command, and exits with its status."""

from __future__ import annotations

import argparse
import faulthandler
import os
import signal
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from harness.cli.arguments import parser
from harness.cli.ending import interrupt, run
from harness.cli.streams import finish, prepare
from harness.cli.terminal import Terminal

INTERRUPTED = "interrupted; finished trials are kept, and `fitmap bench --resume` measures the rest"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command, and exits with a status of docs/reference/cli.md."""
    prepare()
    # pygount, which counts source lines, brings GitPython: that refuses to be imported where there is no git.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    terminal = Terminal()
    try:
        options = parser().parse_args(arguments)
    except SystemExit as ended:  # after --help, or wrong usage
        raise SystemExit(finish(int(ended.code or 0), terminal.say)) from None
    # If a library written in C crashes, stderr says in which function.
    if not faulthandler.is_enabled():
        faulthandler.enable()
    # A cancelled CI job gets SIGTERM, and a closed terminal sends SIGHUP. Both must clean up, as after Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # `nohup` ignores SIGHUP
            signal.signal(number, interrupt)
    status = run(lambda: _command(options, terminal), terminal.say, options.runs, INTERRUPTED)
    raise SystemExit(finish(status, terminal.say))


def _command(options: argparse.Namespace, terminal: Terminal) -> int:
    module, _, function = options.run.partition(":")
    with terminal:
        # The only lazy import: the report's libraries take a second to load, and most commands need none.
        status: int = getattr(import_module(f"harness.cli.{module}"), function)(options, terminal)
        return status


if __name__ == "__main__":
    main()
