"""Strict reading of what users write: what is not UTF-8, not TOML or an unknown key is refused, with what to do."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from harness.errors import UsageError

T = TypeVar("T")

_VALUE = re.compile(r"Invalid enum value '(.*)' - at `\$([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([^`]+)`(?: - at `\$([^`]*)`)?")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`(?: - at `(?:key in )?([^`]*)`)?")


def read_text(path: Path) -> str:
    """The text of a file that a user wrote. Raises UsageError if it is not UTF-8, OSError if it can't be read."""
    try:
        # Some editors put a byte order mark first.
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise UsageError(f"{path}: byte {error.start} (0x{byte:02x}) is not UTF-8: save the file as UTF-8") from None


def read_toml(text: str, where: str) -> dict[str, Any]:
    """The tables of a text. Raises UsageError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where}: not TOML ({error})") from None
    except RecursionError:
        raise UsageError(f"{where}: not TOML that fitmap can read (nested too deeply)") from None


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
            inside = _inside(path.removeprefix("$"))
            raise UsageError(f'{where}: unknown key "{field}"{inside}{suggest(field, known)}') from None
        if value_error := _VALUE.fullmatch(message):
            word, path = value_error.groups()
            raise UsageError(f'{where}: unknown {_steps(path)[-1]} "{word}"{_known_at(type_, path)}') from None
        if missing := _MISSING.fullmatch(message):
            name, path = missing.group(1), missing.group(2) or ""
            raise UsageError(f'{where}: missing key "{name}"{_inside(path)}{_known_at(type_, f"{path}.{name}")}') from None
        raise UsageError(f"{where}: {message.replace('`$.', '`').replace('$.', '')}") from None


def _inside(path: str) -> str:
    """Where a key stands, in words. `path`: such as `.engine`, or `.targets[...]` of one of several tables."""
    section = path.removeprefix(".").replace("[...]", ".NAME")
    return f" in [{section}]" if section else ""


def _known_at(type_: Any, path: str) -> str:
    """The end of a message about the value at a path such as `.class`: the words that it may be, if they are a list."""
    *parents, name = _steps(path)
    kinds = {field.encode_name: field.type for field in msgspec.structs.fields(_struct_at(type_, parents))}
    words = _words(kinds[name])
    return f": known are {', '.join(words)}" if words else ""


def _words(kind: Any) -> list[str]:
    """The words of a Literal, also of one inside an optional or tuple type."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [word for inner in get_args(kind) for word in _words(inner)]


def _steps(path: str) -> list[str]:
    """The keys of a path such as `$.engine` or `$.setting[...]`."""
    return re.findall(r"\.(\w+)", path)


def _fields_at(type_: Any, path: str) -> list[str]:
    """The keys of the struct at a path."""
    return [field.encode_name for field in msgspec.structs.fields(_struct_at(type_, _steps(path)))]


def _struct_at(type_: Any, steps: Iterable[str]) -> Any:
    current = type_
    for step in steps:
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(current)}
        current = fields[step]
        # Optional types, tuples and tables of any names: the struct inside.
        current = next(_structs(current), current)
    return current


def _structs(kind: Any) -> Iterator[Any]:
    """All structs inside a type."""
    for inner in get_args(kind):
        if hasattr(inner, "__struct_fields__"):
            yield inner
        else:
            yield from _structs(inner)
