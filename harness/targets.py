"""Finds the targets: each folder under services/ with a service.toml is one. Adding a folder adds a target."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from harness.errors import UsageError
from harness.model import Deviation, Setting, Target
from harness.strict import convert


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of service.toml."""

    language: str
    target_class: Literal["standard", "tuned"] = field(name="class")
    framework: str
    driver: str
    sources: tuple[str, ...]
    lock_file: str
    setting: tuple[Setting, ...] = ()
    deviation: tuple[Deviation, ...] = ()


def read_target(folder: Path) -> Target:
    """The target in a folder. Raises UsageError."""
    path = folder / "service.toml"
    try:
        value = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML ({error})") from None
    manifest = convert(value, Manifest, str(path))
    return Target(
        name=folder.name,
        language=manifest.language,
        target_class=manifest.target_class,
        framework=manifest.framework,
        driver=manifest.driver,
        sources=manifest.sources,
        lock_file=manifest.lock_file,
        settings=manifest.setting,
        deviations=manifest.deviation,
    )


TWIN = "-twin"


def with_twins(targets: dict[str, Target]) -> dict[str, Target]:
    """Each target and, beside it, its twin: the same image under another name, which must never differ from it."""
    return {
        each.name: each
        for target in targets.values()
        for each in (target, msgspec.structs.replace(target, name=target.name + TWIN))
    }


def image_of(target: str) -> str:
    """The name of the image that a target runs: its own, or that of the target whose twin it is."""
    return target.removesuffix(TWIN)


def find_targets(services: Path) -> dict[str, Target]:
    """All targets by name, in alphabetical order. Raises UsageError."""
    folders = sorted(path.parent for path in services.glob("*/service.toml"))
    if not folders:
        raise UsageError(f"no target under {services}: a target is a folder with a service.toml")
    return {folder.name: read_target(folder) for folder in folders}
