"""Finds the profiles: each loadtests/*.py with a `# /// fitmap` header is one.

Adding a file adds a profile. The header is TOML in comments, in the form of inline script metadata (PEP 723). It is read
as text: importing a profile would import Locust, which patches the whole process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from harness.errors import UsageError
from harness.plan.decoding import convert, read_text, read_toml
from harness.plan.levels import parse_levels
from harness.record.plan import Kind, Preset, Profile

_HEADER = re.compile(r"(?m)^# /// fitmap$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a profile's header.

    `presets`: those that measure the profile by default. Missing: all. Empty: only by name.
    """

    title: str
    question: str
    routes: tuple[str, ...] = ()
    connections: int = 0
    levels: tuple[str, ...] = ()
    presets: tuple[Preset, ...] | None = None
    kind: Kind = "load"
    most_blocks: int | None = None


#: The fields that a header of each kind needs besides title and question. Others of these fields are refused.
_NEEDS: Mapping[Kind, tuple[str, ...]] = {
    "load": ("routes", "connections", "levels"),
    "startup": ("routes", "connections"),
    "build": (),
    "memory-floor": ("routes", "connections", "levels"),
    "scale-up": ("routes", "connections", "levels"),
    "scale-out": ("routes", "connections", "levels"),
}


def read_profile(path: Path) -> Profile | None:
    """Reads the profile in a file; None if the file has no header. Raises UsageError."""
    match = _HEADER.search(read_text(path))
    if not match:
        return None
    lines = match.group("content").splitlines()
    text = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)
    header = convert(read_toml(text, f"{path}: the header"), Header, str(path))
    _check(header, path)
    leveled = "levels" in _NEEDS[header.kind]
    return Profile(
        # A module's name has no hyphen.
        path.stem.replace("_", "-"),
        header.title,
        header.question,
        header.routes,
        header.connections,
        parse_levels(header.levels, header.connections, header.routes, str(path)) if leveled else (),
        header.presets,
        header.kind,
        header.most_blocks,
    )


def _check(header: Header, path: Path) -> None:
    needs = _NEEDS[header.kind]
    for name in _NEEDS["load"]:
        if name in needs and not getattr(header, name):
            least = "must be at least 1" if name == "connections" else "are missing"
            raise UsageError(f"{path}: {name} {least}")
        if name not in needs and getattr(header, name):
            raise UsageError(f"{path}: a profile of kind {header.kind} has no {name}")
    if header.kind != "load" and len(header.levels) > 1:
        raise UsageError(f"{path}: a profile of kind {header.kind} has one level")
    if header.connections < 0 or (header.most_blocks is not None and header.most_blocks < 1):
        raise UsageError(f"{path}: connections and most_blocks must be at least 1")


def find_profiles(loadtests: Path) -> dict[str, Profile]:
    """All profiles by name, in alphabetical order. Raises UsageError."""
    found = (read_profile(path) for path in sorted(loadtests.glob("*.py")))
    return {profile.name: profile for profile in found if profile}
