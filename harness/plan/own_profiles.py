"""Finds the profiles of a team's own services, in TOML or in Python: NAME.toml or NAME.py in a folder loadtests/.

The folder lies beside the service's manifest, or one level up, where several services share it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import get_args

import msgspec
from msgspec import Struct

from harness.errors import UsageError
from harness.plan.decoding import convert, read_text, read_toml
from harness.plan.levels import parse_levels
from harness.plan.profiles import read_profile
from harness.record.own import Own
from harness.record.plan import Preset, Profile, Target, sliced
from loadtests.protocol.stated import StatedProfile, files_of, problems, variables_of

FOLDER = "loadtests"


class OwnProfile(Struct, frozen=True):
    """A profile, and the files that it consists of. `stated`: what stands in its file, if that is TOML."""

    profile: Profile
    files: tuple[Path, ...]
    stated: StatedProfile | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of fitmap's environment that it uses."""
        return variables_of(self.stated) if self.stated else ()


def find_own_profiles(targets: Mapping[str, Target], taken: Collection[str]) -> dict[str, OwnProfile]:
    """The profiles that own services list, by name. `taken`: the names of fitmap's own. Raises UsageError."""
    found: dict[str, OwnProfile] = {}
    for target in targets.values():
        where = f"{target.own.folder}/service.toml: profiles" if target.own else f"[targets.{target.name}] profiles"
        for name in target.team_profiles:
            mine = _find(Path(target.team_folder), name, taken, where)
            if isinstance(target.own, Own):
                _check_counted(target.own, mine.profile)
            other = found.setdefault(name, mine)
            if other.profile.content != mine.profile.content:
                raise UsageError(
                    f"{where}: another service has another profile {name}: "
                    f"rename one, or share one in a folder {FOLDER} beside both"
                )
    return found


def _check_counted(own: Own, profile: Profile) -> None:
    """Raises UsageError where nobody says which statements a route executes, though they are counted."""
    for route in profile.routes if own.queries else ():
        if own.queries and route not in own.queries.routes:
            raise UsageError(
                f'{own.folder}/queries.toml: [routes] has no "{route}", which profile {profile.name} sends: give it '
                "the names of its statements, or an empty list"
            )


def _find(folder: Path, name: str, taken: Collection[str], where: str) -> OwnProfile:
    if name in taken:
        raise UsageError(f'{where}: "{name}" is one of fitmap\'s profiles: rename the file')
    files = (f"{name}.toml", f"{name.replace('-', '_')}.py")
    for loadtests in (folder / FOLDER, folder.parent / FOLDER):
        for file in files:
            if (path := loadtests / file).is_file():
                found = _read(path, name)
                check_sliced(found.profile, str(path))
                return found
    raise UsageError(f"{where}: there is no {FOLDER}/{files[0]} (nor {files[1]}) beside it or one level up")


def _read(path: Path, name: str) -> OwnProfile:
    if path.suffix == ".toml":
        return read_stated(path)
    profile = read_profile(path)
    if profile is None:
        raise UsageError(f"{path}: a profile in Python begins with a header: `# /// fitmap`")
    # A profile may import its neighbours.
    files = tuple(sorted(each for each in path.parent.rglob("*") if each.is_file() and "__pycache__" not in each.parts))
    return OwnProfile(msgspec.structs.replace(profile, name=name, content=_content(files, path.parent)), files)


def read_stated(path: Path) -> OwnProfile:
    """Reads a profile in TOML. Raises UsageError."""
    stated = convert(read_toml(read_text(path), str(path)), StatedProfile, str(path))
    for problem in problems(stated):
        raise UsageError(f"{path}: {problem}")
    if stated.connections < 1:
        raise UsageError(f"{path}: connections must be at least 1")
    for preset in stated.presets or ():
        if preset not in get_args(Preset):
            raise UsageError(f'{path}: presets: unknown preset "{preset}": known are {", ".join(get_args(Preset))}')
    for file in files_of(stated):
        if not (path.parent / file).is_file():
            raise UsageError(f"{path}: {{line:{file}}}: no such file beside it")
        if not read_text(path.parent / file).strip():
            raise UsageError(f"{path}: {{line:{file}}}: the file is empty")
        if (path.parent / file).resolve().parent != path.parent.resolve():
            raise UsageError(f"{path}: {{line:{file}}}: the file must lie beside it")
    files = (path, *(path.parent / file for file in files_of(stated)))
    profile = Profile(
        path.stem,
        stated.title,
        stated.question,
        stated.routes,
        stated.connections,
        parse_levels(stated.levels, stated.connections, stated.routes, str(path)),
        None if stated.presets is None else tuple(each for each in get_args(Preset) if each in stated.presets),
        content=_content(files, path.parent),
    )
    return OwnProfile(profile, files, stated)


def check_sliced(profile: Profile, where: str) -> None:
    """Raises UsageError where a profile has what only fitmap's own targets are measured with."""
    if not sliced(profile):
        raise UsageError(
            f"{where}: a profile of an own service is of kind load, and its levels are saturate, routes, a rate such as "
            "500/s, or a share such as 50%"
        )


def _content(files: tuple[Path, ...], folder: Path) -> str:
    """A hash of the files' names and bytes."""
    digest = hashlib.sha256()
    for path in files:
        name, data = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        digest.update(len(name).to_bytes(4, "big") + name + len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()
