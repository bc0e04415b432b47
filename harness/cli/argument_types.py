"""The types of options' values. A value that means nothing is refused: it would silently stand for a default."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

#: Of minutes and of megabytes: far beyond what anybody means.
MOST = 1_000_000


def text(given: str) -> str:
    """A word that says something: an empty one, such as an unset variable of a CI job gives, would mean the default."""
    if not given.strip():
        raise argparse.ArgumentTypeError("it is empty: give a value, or leave it out")
    return given


def path(given: str) -> Path:
    """A path, which may not be empty: that would be the current folder."""
    return Path(text(given))


def names(given: str) -> tuple[str, ...]:
    """Names with commas between them."""
    found = tuple(name.strip() for name in text(given).split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"{given!r} has an empty name: write names with one comma between two")
    return found


def above_zero(given: str) -> float:
    """A number above 0 that is not infinite."""
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 < value <= MOST:
        raise argparse.ArgumentTypeError(f"{given!r} is no number above 0 and up to {MOST:,}")
    return value


def percent(given: str) -> float:
    """A percentage above 0 and below 100, with or without its sign."""
    try:
        value = float(given.strip().removesuffix("%"))
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{given!r} is no precision: give a percentage above 0 and below 100, such as 2%")
    return value


class StrictParser(argparse.ArgumentParser):
    """A parser that takes no empty word; its commands have the same class."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # The type of arguments without a type of their own.
        self.register("type", None, text)

    def add_subparsers(self, **settings: Any) -> Any:
        commands = super().add_subparsers(**settings)
        # Each command looks at its own words, and names the argument that is empty.
        commands.type = str
        return commands
