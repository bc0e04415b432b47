"""The base images that Dockerfiles name, as harness/bases/images.toml declares them.

Each Dockerfile names its base images as `ARG X_IMAGE=<official>`. The table says what each argument stands for in each image
set, and which other versions there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from harness.plan.decoding import convert, read_text, read_toml

#: The folder with the table and the Dockerfiles of local base images, in a checkout.
BASES_FOLDER = Path("harness") / "bases"

_ARGUMENT = re.compile(r"^ARG\s+(\w+)", re.MULTILINE)
_BASE_ARGUMENT = re.compile(r"[A-Z]+_IMAGE")


class Version(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a base image. Empty: the image set does not have it.

    `local` names a Dockerfile in the folder; `arguments` are its build arguments.
    """

    official: str = ""
    local: str = ""
    arguments: Mapping[str, str] = {}


class Base(Struct, frozen=True, forbid_unknown_fields=True):
    """A base image. Its own fields are those of the version that a target gets unasked, which is called `version`."""

    official: str
    local: str
    arguments: Mapping[str, str] = {}
    version: str = ""
    versions: Mapping[str, Version] = {}

    def at(self, version: str | None) -> Version | None:
        """A version by its name, the usual one without a name; None if there is no such version."""
        if version is None or version == self.version:
            return Version(self.official, self.local, self.arguments)
        return self.versions.get(version)

    @property
    def known(self) -> tuple[str, ...]:
        """The names of all versions."""
        return tuple(sorted((*self.versions, *([self.version] if self.version else []))))


def read_bases(root: Path) -> dict[str, Base]:
    """The table of a checkout: build argument -> base image. Raises UsageError."""
    path = root / BASES_FOLDER / "images.toml"
    value = read_toml(read_text(path), str(path))
    return {name: convert(entry, Base, f"{path}: [{name}]") for name, entry in value.items()}


def arguments_of(dockerfile: Path) -> tuple[str, ...]:
    """All build arguments that a Dockerfile names."""
    return tuple(dict.fromkeys(_ARGUMENT.findall(read_text(dockerfile))))


def base_arguments(dockerfile: Path) -> tuple[str, ...]:
    """The X_IMAGE build arguments that a Dockerfile names."""
    return tuple(name for name in arguments_of(dockerfile) if is_base_argument(name))


def is_base_argument(name: str) -> bool:
    """Whether a build argument stands for a base image."""
    return _BASE_ARGUMENT.fullmatch(name) is not None


def bases_below(dockerfile: Path, table: Mapping[str, Base], root: Path) -> set[str]:
    """The base images that a Dockerfile starts from, and those that these start from in the local image set."""
    found: set[str] = set()
    for argument in base_arguments(dockerfile):
        found.add(argument)
        parent = root / BASES_FOLDER / f"{table[argument].local}.Dockerfile" if argument in table else None
        if parent and parent.exists():
            found |= bases_below(parent, table, root)
    return found
