"""Entry point: `python -m fitmap`."""

import os
import signal
import sys
from types import FrameType

from fitmap.log import configure_logging
from fitmap.server import serve
from fitmap.settings import Settings, SettingsError


def main() -> None:
    # uvicorn drains on SIGTERM and then raises the signal again for the handler that was there before: this one, which
    # makes the exit status 0. It also ends a start that is still under way, which process 1 would otherwise not notice.
    signal.signal(signal.SIGTERM, _exit)
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"configuration: {error}", file=sys.stderr)
        sys.exit(os.EX_CONFIG)
    configure_logging()
    serve(settings)


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
