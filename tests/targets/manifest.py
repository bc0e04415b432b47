"""What a manifest must have beyond its form. Each check returns the problems that it found, as sentences."""

from __future__ import annotations

from pathlib import Path

from harness.record.plan import Target

#: A shorter reason gives none.
LEAST_LETTERS = 10


def lock_file_problems(folder: Path, target: Target) -> list[str]:
    """The file that pins the dependencies exists."""
    if (folder / target.lock_file).is_file():
        return []
    return [f"{target.name}: service.toml names lock_file {target.lock_file}, which does not exist"]


def source_problems(folder: Path, target: Target) -> list[str]:
    """Each pattern of `sources` matches a file."""
    return [
        f"{target.name}: service.toml has {pattern!r} in sources, which matches no file"
        for pattern in target.sources
        if not any(path.is_file() for path in folder.glob(pattern))
    ]


def setting_problems(target: Target) -> list[str]:
    """There is a setting, and each has its reason. So has each deviation of a variant."""
    if not target.settings:
        return [f"{target.name}: service.toml needs at least one [[setting]]"]
    deviations = target.variant.deviations if target.variant else ()
    every = (*(("setting", each) for each in target.settings), *(("deviation", each) for each in deviations))
    return [
        f"{target.name}: [[{kind}]] {each.name!r} of service.toml needs a reason: why is {each.why!r}"
        for kind, each in every
        if len(each.why) <= LEAST_LETTERS
    ]
