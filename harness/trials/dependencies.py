"""Counts the packages that a service needs at run time: those that its team chose, and those that these pull in.

The count is of what the lock file pins for run time, on all platforms: that is what a team has to read, update and trust.
Tools for builds and tests do not count, nor do the language's standard library and the runtime itself.

go.sum            go.mod: `require` lines, those marked `// indirect` are transitive (Go writes both itself, `go mod tidy`)
Cargo.lock        [dependencies] of Cargo.toml, and what Cargo.lock reaches from them
requirements.txt  [project] dependencies of pyproject.toml; each further pinned line is transitive
package-lock.json dependencies of package.json; what the lock file does not mark as `dev` beyond them is transitive
pom.xml           <dependency> of scope compile or runtime; Maven has no lock file, so the rest are the jars in the image
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.record.trial_result import Dependencies

_REQUIRE = re.compile(
    r"^\s*(?:require\s+)?(?P<module>[\w./~-]+\.[\w./~-]+) v\S+(?P<indirect>\s*// indirect)?\s*$", re.MULTILINE
)
_POM = {"m": "http://maven.apache.org/POM/4.0.0"}


def dependencies(folder: Path, lock_file: str, jars: Collection[str]) -> Dependencies | None:
    """The numbers of a service's dependencies. None where the kind of the lock file is not known.

    `jars`: names of the jars in its image. Raises OSError if a file is missing, ValueError if a file is not as expected.
    """
    counters = {"go.sum": _go, "Cargo.lock": _cargo, "requirements.txt": _python, "package-lock.json": _npm}
    if lock_file == "pom.xml":
        return _maven(folder, jars)
    return counters[lock_file](folder) if lock_file in counters else None


def _go(folder: Path) -> Dependencies:
    required = list(_REQUIRE.finditer((folder / "go.mod").read_text(encoding="utf-8")))
    indirect = sum(bool(match["indirect"]) for match in required)
    return Dependencies(len(required) - indirect, indirect, "go.mod")


def _cargo(folder: Path) -> Dependencies:
    chosen = tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))["dependencies"]
    locked = tomllib.loads((folder / "Cargo.lock").read_text(encoding="utf-8"))["package"]
    versions: dict[str, list[Mapping[str, Any]]] = {}
    for package in locked:
        versions.setdefault(package["name"], []).append(package)
    # A renamed dependency has its true name in `package`.
    direct = {value.get("package", name) if isinstance(value, dict) else name for name, value in chosen.items()}
    reached: set[tuple[str, str]] = set()
    waiting = [package for package in locked if package["name"] in direct]
    while waiting:
        package = waiting.pop()
        key = package["name"], package["version"]
        if key in reached:
            continue
        reached.add(key)
        for wanted in package.get("dependencies", ()):
            # "name", or "name version" where several versions are locked.
            name, _, version = wanted.partition(" ")
            waiting += [p for p in versions[name] if version.split(" ")[0] in ("", p["version"])]
    return Dependencies(len(direct), len(reached) - len(direct), "Cargo.lock")


def _python(folder: Path) -> Dependencies:
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    # A pinned requirement begins its line; hashes and comments stand on lines that do not begin with a letter or digit.
    pinned = {_normal(line.removesuffix("\\")) for line in lines if line[:1].isalnum()}
    direct = {_normal(requirement) for requirement in project["dependencies"]}
    if not direct <= pinned:
        raise ValueError(f"{', '.join(sorted(direct - pinned))} of pyproject.toml is not in requirements.txt")
    return Dependencies(len(direct), len(pinned) - len(direct), "requirements.txt")


def _normal(requirement: str) -> str:
    """The normalised name in a requirement. Raises ValueError."""
    return canonicalize_name(Requirement(requirement).name)


def _npm(folder: Path) -> Dependencies:
    # Keys are paths: node_modules/a, node_modules/a/node_modules/b; the empty one is the service itself.
    locked = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    chosen = locked[""].get("dependencies", {})
    if absent := [name for name in chosen if f"node_modules/{name}" not in locked]:
        raise ValueError(f"{', '.join(absent)} of package.json is not in package-lock.json")
    run_time = [path for path, package in locked.items() if path and not (package.get("dev") or package.get("devOptional"))]
    return Dependencies(len(chosen), len(run_time) - len(chosen), "package-lock.json")


def _maven(folder: Path, jars: Collection[str]) -> Dependencies:
    pom = ElementTree.parse(folder / "pom.xml")  # noqa: S314 - a file of this repository
    scopes = [d.findtext("m:scope", "compile", _POM) for d in pom.findall("m:dependencies/m:dependency", _POM)]
    direct = sum(scope in ("compile", "runtime") for scope in scopes)
    if len(jars) < direct:
        raise ValueError(f"the image has {len(jars)} jars, but pom.xml names {direct} dependencies")
    return Dependencies(direct, len(jars) - direct, "pom.xml and the image's jars")
