"""The variants of a target: `[variants.NAME]` in its manifest. No folder is copied for them.

A variant is the same service with another version of a base image, other build arguments, other variables of its container,
or some other files (its overlay). All else is its base's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from harness.errors import UsageError
from harness.plan.bases import arguments_of, bases_below, is_base_argument, read_bases
from harness.plan.decoding import convert, suggest
from harness.record.plan import BASE, DOT, TWIN, Setting, Target, TargetClass, Variant
from loadtests.protocol.meta import META_KEYS

#: Means each variant on the command line.
ALL = "all"
#: What fitmap itself tells a service.
CONTRACT_VARIABLES = ("HOST", "PORT", "CPUS", "DB_POOL_SIZE", "DATABASE_URL")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TEXTS = tuple(key for key, kind in META_KEYS.items() if kind is str)


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of [variants.NAME]."""

    question: str
    target_class: TargetClass | None = field(default=None, name="class")
    bases: Mapping[str, str] = {}
    arguments: Mapping[str, str] = {}
    environment: Mapping[str, str] = {}
    overlay: str = ""
    adds: tuple[str, ...] = ()
    proves: Mapping[str, str] = {}
    deviation: tuple[Setting, ...] = ()


def variants_of(base: Target, folder: Path, sections: Mapping[str, Any]) -> dict[str, Target]:
    """The variants of a target by their names, such as `go.go126`. Raises UsageError."""
    return {f"{base.name}{DOT}{name}": _variant(base, folder, name, section) for name, section in sections.items()}


def overlay_of(folder: Path, target: Target) -> Path | None:
    """The folder whose files are laid over a copy of a target's folder, if there is one."""
    return folder / target.variant.overlay if target.variant and target.variant.overlay else None


def file_of(folder: Path, overlay: Path | None, name: str) -> Path:
    """A file of a target: that of its overlay, if this has it."""
    return overlay / name if overlay and (overlay / name).exists() else folder / name


def _variant(base: Target, folder: Path, name: str, value: Any) -> Target:
    path = folder / "service.toml"
    where = f"{path}: [variants.{name}]"
    if not _NAME.fullmatch(name) or name == ALL or name.endswith((TWIN, BASE)):
        raise UsageError(
            f'{where}: "{name}" can\'t be its name: take lower-case letters, digits, _ and -; not "{ALL}", '
            f"and no end in {TWIN} or {BASE}"
        )
    section = convert(value, Section, where)
    overlay = folder / section.overlay if section.overlay else None
    files = _overlay_files(folder, overlay, section, where)
    _check_arguments(folder, overlay, section, where)
    _check_rest(section, base, where)
    added, removed = _changed_lines(folder, overlay, files)
    return msgspec.structs.replace(
        base,
        name=f"{base.name}{DOT}{name}",
        target_class=section.target_class or base.target_class,
        variant=Variant(
            name=name,
            base=base.name,
            question=section.question,
            bases=section.bases,
            arguments=section.arguments,
            environment=section.environment,
            overlay=section.overlay,
            files=files,
            lines_added=added,
            lines_removed=removed,
            proves=section.proves,
            deviations=section.deviation,
        ),
    )


def _overlay_files(folder: Path, overlay: Path | None, section: Section, where: str) -> tuple[str, ...]:
    """The files of the overlay. Each is in the folder too, or listed as new."""
    if overlay is None:
        if section.adds:
            raise UsageError(f"{where} adds: there is no overlay that could add {section.adds[0]}")
        return ()
    if not overlay.is_dir():
        raise UsageError(f"{where} overlay: {folder.name} has no folder {section.overlay}")
    files = tuple(sorted(path.relative_to(overlay).as_posix() for path in overlay.rglob("*") if path.is_file()))
    if not files:
        raise UsageError(f"{where} overlay: {section.overlay} holds no file")
    for file in files:
        if file == "service.toml":
            raise UsageError(
                f"{where} overlay: the manifest is the folder's own: take service.toml out of {section.overlay}"
            )
        if file not in section.adds and not (folder / file).is_file():
            raise UsageError(f"{where} overlay holds {file}, which the folder has not: list it in adds, or name it as there")
        if file in section.adds and (folder / file).is_file():
            raise UsageError(f"{where} adds: the folder has {file} already")
    if absent := [file for file in section.adds if file not in files]:
        raise UsageError(f"{where} adds: the overlay does not hold {absent[0]}")
    return files


def _check_arguments(folder: Path, overlay: Path | None, section: Section, where: str) -> None:
    """Each build argument and each base image is one of the Dockerfile's."""
    if not section.arguments and not section.bases:
        return
    dockerfile = file_of(folder, overlay, "Dockerfile")
    known = arguments_of(dockerfile)
    for argument in section.arguments:
        if is_base_argument(argument):
            raise UsageError(f"{where} arguments: {argument} is a base image: choose its version under bases")
        if argument not in known:
            raise UsageError(f"{where} arguments: its Dockerfile has no ARG {argument}")
    if not section.bases:
        return
    root = folder.parent.parent
    table = read_bases(root)
    below = bases_below(dockerfile, table, root)
    for argument, version in section.bases.items():
        if argument not in table:
            raise UsageError(f'{where} bases: unknown base image "{argument}"{suggest(argument, table)}')
        if table[argument].at(version) is None:
            versions = ", ".join(table[argument].known) or "none but the usual one"
            raise UsageError(f'{where} bases: {argument} has no version "{version}" ({versions})')
        if argument not in below:
            raise UsageError(f"{where} bases: its Dockerfile does not start from {argument} ({', '.join(sorted(below))})")


def _check_rest(section: Section, base: Target, where: str) -> None:
    if not (section.bases or section.arguments or section.environment or section.overlay):
        raise UsageError(f"{where} changes nothing: give it bases, arguments, environment or an overlay")
    for name in section.environment:
        if name in CONTRACT_VARIABLES:
            raise UsageError(f"{where} environment: {name} is fitmap's own, the same for every target")
    for key in section.proves:
        if key not in _TEXTS:
            raise UsageError(f'{where} proves: GET /meta has no text "{key}"{suggest(key, _TEXTS)}')
    if (section.target_class or base.target_class) == "tuned" and base.target_class != "tuned" and not section.deviation:
        raise UsageError(f"{where}: class tuned needs a [[deviation]] for each departure from {base.target_class}")


def _changed_lines(folder: Path, overlay: Path | None, files: tuple[str, ...]) -> tuple[int, int]:
    """How many lines of text the overlay adds to the folder's files, and how many it removes. Other files count nothing."""
    if overlay is None:
        return 0, 0
    added = removed = 0
    for file in files:
        before, after = _lines(folder / file), _lines(overlay / file)
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != "equal":
                removed += i2 - i1
                added += j2 - j1
    return added, removed


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return []
