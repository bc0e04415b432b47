"""The errors that a user can meet. Each has an exit status.

A message is one sentence: it says what is wrong and what to do.

    FitmapError
    |- UsageError        2  the command line, fitmap.toml, a manifest or a record is wrong
    |- EngineError       4  no container engine answers, or it failed
    |- ImageError        4  an image could not be built or pulled
    |- PortTaken         4  another program listens on a port that a container needs
    |- RunError          4  the run can't go on (disk full, another run is measuring)
    `- TrialError        -  one trial failed: the run records the reason and goes on

Only the command line prints them and exits. Any other exception is a defect of fitmap, and ends with 4 as well: 1 would be
taken for a regression (harness/cli/ending.py).
"""


class FitmapError(Exception):
    """Base of all errors that the user sees as one sentence."""

    exit_status = 4


class UsageError(FitmapError):
    """What the user wrote is wrong."""

    exit_status = 2


class EngineError(FitmapError):
    """No container engine answers, or it failed."""


class ImageError(FitmapError):
    """An image could not be built or pulled."""


class PortTaken(FitmapError):
    """A port that a container needs is in use."""


class RunError(FitmapError):
    """The run can't go on."""


class TrialError(FitmapError):
    """One trial failed at a stage. The run records it and goes on."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason
