"""Strict decoding: an unknown key is refused with a suggestion."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from harness.errors import UsageError

T = TypeVar("T")

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`(?: - at `(?:key in )?([^`]*)`)?")


def suggest(word: str, known: Iterable[str]) -> str:
    """The end of a message: `: did you mean "x"?`, or the list of known words."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f': did you mean "{near[0]}"?' if near else f": known are {', '.join(names)}"


def convert(value: Any, type_: type[T], where: str) -> T:
    """Converts a value from TOML or JSON to `type_`. Raises UsageError with `where`."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        message = str(error)
        unknown = _UNKNOWN.match(message)
        if unknown:
            field, path = unknown.group(1), unknown.group(2) or "$"
            known = _fields_at(type_, path)
            section = path.removeprefix("$").removeprefix(".")
            inside = f" in [{section}]" if section else ""
            raise UsageError(f'{where}: unknown key "{field}"{inside}{suggest(field, known)}') from None
        raise UsageError(f"{where}: {message.replace('`$.', '`').replace('$.', '')}") from None


def _fields_at(type_: Any, path: str) -> list[str]:
    """The keys of the struct at a path such as `$.engine` or `$.setting[...]`."""
    current = type_
    for step in re.findall(r"\.(\w+)", path):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(current)}
        current = fields[step]
        # Optional and tuple types: the struct inside.
        inner = [a for a in getattr(current, "__args__", ()) if hasattr(a, "__struct_fields__")]
        current = inner[0] if inner else current
    return [field.encode_name for field in msgspec.structs.fields(current)]
