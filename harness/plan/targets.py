"""Finds the targets: each folder under services/ with a service.toml is one.

Adding a folder adds a target.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from harness.errors import UsageError
from harness.plan.decoding import convert
from harness.record.plan import BASE, TWIN, Deviation, Edit, Setting, Sizing, Target


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of service.toml."""

    language: str
    target_class: Literal["standard", "tuned"] = field(name="class")
    kind: Literal["compiled", "managed", "interpreted"]
    framework: str
    driver: str
    sources: tuple[str, ...]
    lock_file: str
    setting: tuple[Setting, ...] = ()
    deviation: tuple[Deviation, ...] = ()
    edit: Edit | None = None
    jars: str = ""
    memory: tuple[Sizing, ...] = ()
    jit: bool = False


def read_target(folder: Path) -> Target:
    """Reads the target in a folder. Raises UsageError."""
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
        edit=manifest.edit,
        jars=manifest.jars,
        memory=manifest.memory,
        jit=manifest.jit,
        kind=manifest.kind,
    )


def with_twins(targets: Mapping[str, Target], names: Collection[str]) -> dict[str, Target]:
    """All targets, with a twin after each named one: the same image under a second name."""
    return _beside(targets, TWIN, names)


def with_default_twin(targets: Mapping[str, Target], preset: str, *, every: bool) -> dict[str, Target]:
    """All targets with the twin of one of them, or of `every`: an A/A test in each run.

    A compiled target is taken if there is one, because its starts do not differ by what a JIT compiler chose. Preset smoke
    has none: it only checks that everything works.
    """
    if preset == "smoke" and not every:
        return dict(targets)
    compiled = [name for name, target in targets.items() if target.kind == "compiled"]
    return with_twins(targets, targets if every else (compiled or list(targets))[:1])


def with_bases(targets: Mapping[str, Target]) -> dict[str, Target]:
    """Each target, followed by its base: an older version, in an image of its own."""
    return _beside(targets, BASE, targets)


def _beside(targets: Mapping[str, Target], suffix: str, names: Collection[str]) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for target in targets.values():
        found[target.name] = target
        if target.name in names:
            found[target.name + suffix] = msgspec.structs.replace(target, name=target.name + suffix)
    return found


def find_targets(services: Path) -> dict[str, Target]:
    """All targets by name, in alphabetical order. Raises UsageError."""
    folders = sorted(path.parent for path in services.glob("*/service.toml"))
    for folder in folders:
        if folder.name.endswith((TWIN, BASE)):
            raise UsageError(f"{folder.name}: names that end with {TWIN} or {BASE} are fitmap's own; rename the folder")
    if not folders:
        raise UsageError(f"no target under {services}: a target is a folder with a service.toml")
    return {folder.name: read_target(folder) for folder in folders}
