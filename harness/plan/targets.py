"""Finds the targets: each folder under services/ with a service.toml is one, and so is each variant that this declares.

Adding a folder adds a target.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from harness.errors import UsageError
from harness.plan.decoding import convert, read_text, read_toml
from harness.plan.variants import variants_of
from harness.record.plan import BASE, DOT, TWIN, Development, Deviation, Edit, Setting, Sizing, Target, TargetClass


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of service.toml."""

    language: str
    target_class: TargetClass = field(name="class")
    kind: Literal["compiled", "managed", "interpreted"]
    framework: str
    driver: str
    sources: tuple[str, ...]
    lock_file: str
    setting: tuple[Setting, ...] = ()
    deviation: tuple[Deviation, ...] = ()
    edit: Edit | None = None
    development: Development | None = None
    jars: str = ""
    memory: tuple[Sizing, ...] = ()
    jit: bool = False
    represents: bool = False
    #: Without this line a target is measured unasked, so that a new folder is.
    default: bool = True
    variants: Mapping[str, Any] = {}


def read_target(folder: Path) -> Target:
    """Reads the target in a folder, without its variants. Raises UsageError."""
    return _target(folder, _manifest(folder))


def read_variants(folder: Path) -> dict[str, Target]:
    """Reads the variants of the target in a folder, by their names. Raises UsageError."""
    manifest = _manifest(folder)
    return variants_of(_target(folder, manifest), folder, manifest.variants)


def _manifest(folder: Path) -> Manifest:
    path = folder / "service.toml"
    return convert(read_toml(read_text(path), str(path)), Manifest, str(path))


def _target(folder: Path, manifest: Manifest) -> Target:
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
        development=manifest.development,
        jars=manifest.jars,
        memory=manifest.memory,
        jit=manifest.jit,
        kind=manifest.kind,
        represents=manifest.represents,
        default=manifest.default,
    )


def with_twins(targets: Mapping[str, Target], names: Collection[str]) -> dict[str, Target]:
    """All targets, with a twin after each named one: the same image under a second name."""
    return _beside(targets, TWIN, names)


def with_default_twin(targets: Mapping[str, Target], preset: str, *, every: bool) -> dict[str, Target]:
    """All targets with the twin of one of them, or of `every`: an A/A test in each run.

    A compiled target is taken if there is one, because its starts do not differ by what a JIT compiler chose, and no variant
    where there is another. Preset smoke has none: it only checks that everything works. A service that fitmap did not start
    has none either. Raises UsageError.
    """
    external = [name for name, target in targets.items() if target.external]
    if external and every:
        raise UsageError(f"--twins: {external[0]} is one process, which fitmap did not start: it has no twin")
    if external or (preset == "smoke" and not every):
        return dict(targets)
    bases = {name: target for name, target in targets.items() if target.variant is None} or targets
    compiled = [name for name, target in bases.items() if target.kind == "compiled"]
    return with_twins(targets, targets if every else (compiled or list(bases))[:1])


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
    """All targets by name, in alphabetical order, without variants. Raises UsageError."""
    folders = sorted(path.parent for path in services.glob("*/service.toml"))
    for folder in folders:
        if folder.name.endswith((TWIN, BASE)):
            raise UsageError(f"{folder.name}: names that end with {TWIN} or {BASE} are fitmap's own; rename the folder")
        if DOT in folder.name:
            raise UsageError(f"{folder.name}: a name with a dot is that of a variant; rename the folder")
    if not folders:
        raise UsageError(f"no target under {services}: a target is a folder with a service.toml")
    found = {folder.name: read_target(folder) for folder in folders}
    _check_representatives(found.values())
    return found


def find_all(services: Path) -> dict[str, Target]:
    """All targets by name, each followed by its variants. Raises UsageError."""
    found: dict[str, Target] = {}
    for name, target in find_targets(services).items():
        found |= {name: target, **read_variants(services / name)}
    return found


def _check_representatives(targets: Collection[Target]) -> None:
    """One target stands for a language in a class."""
    same: dict[tuple[str, str], list[Target]] = {}
    for target in targets:
        same.setdefault((target.target_class, target.language), []).append(target)
    for (target_class, language), mine in same.items():
        if len(mine) > 1 and sum(target.represents for target in mine) != 1:
            names = ", ".join(target.name for target in mine)
            count = "two" if len(mine) == 2 else str(len(mine))
            raise UsageError(
                f"class {target_class} has {count} targets of {language} ({names}): set represents = true in one"
            )
