"""The rows of the scorecard, as scorecard.toml declares them."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path

import msgspec
from msgspec import Struct

FILE = Path(__file__).with_name("scorecard.toml")
#: The place of rows that are costs (reports/overview/bills.py).
BILL = "bill"


class Fallback(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a row is read if a record lacks its own place, and what it is called then."""

    place: str
    title: str = ""
    subtitle: str = ""


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One row; scorecard.toml explains its fields."""

    group: str
    title: str
    subtitle: str
    place: str
    metric: str
    family: str
    noun: str
    price: str
    card: str = ""
    fallback: tuple[Fallback, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.place} {self.metric}".strip()

    @property
    def bill(self) -> bool:
        return self.place == BILL

    def placed(self, places: Collection[str]) -> Row | None:
        """The row where a record has its place, or its first fallback that the record has; None where it has none."""
        if self.bill or self.place in places:
            return self
        other = next((each for each in self.fallback if each.place in places), None)
        if other is None:
            return None
        return msgspec.structs.replace(
            self,
            place=other.place,
            title=other.title or self.title,
            subtitle=other.subtitle or self.subtitle,
        )


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    row: tuple[Row, ...]


def read_rows(path: Path = FILE) -> tuple[Row, ...]:
    """Reads the rows of a file. Raises msgspec.ValidationError on wrong content."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).row
