"""Numbers with their words, as the lines on a terminal have them."""

from __future__ import annotations


def counted(number: int, word: str, plural: str = "") -> str:
    """`1 trial`, `2 trials`. `word`: in the singular. `plural`: where it does not end in s."""
    return f"{number} {word}" if number == 1 else f"{number} {plural or f'{word}s'}"


def minutes(seconds: float) -> str:
    """A planned duration in whole minutes, or `under a minute`."""
    return "under a minute" if seconds < 60 else f"{seconds / 60:.0f} min"
