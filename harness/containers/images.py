"""Image sets, base images, and the graph of the images that a plan needs.

There are two image sets: `official` takes base images from a registry, `local` builds them here from Debian packages
(docs/development/images.md). Each Dockerfile names its base images as `ARG X_IMAGE=<official>`. The table
harness/bases/images.toml says what each of them stands for in each set.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from harness.errors import UsageError
from harness.files import ROOT

#: Stands before the run's id in the tag of an image that a trial builds and removes.
TRIAL = "trial-"
HOST_CERTIFICATES = Path("/usr/local/share/ca-certificates")

_BASE_ARGUMENT = re.compile(r"^ARG\s+([A-Z]+_IMAGE)\b", re.MULTILINE)


class Build(Struct, frozen=True):
    """One image to make.

    `how`: bootstrap (a root file system), pull, certify (a pulled image plus the host's certificates) or build.
    `arguments`: build argument -> the tag that it stands for; `after`: the names of the builds that make these tags.
    """

    name: str
    tag: str
    how: str
    context: Path
    dockerfile: str
    arguments: Mapping[str, str]
    after: tuple[str, ...]
    #: Whether the image is built once and used as long as its tag exists: the tag has a hash of the recipe.
    reusable: bool


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:12]


def host_certificates() -> bytes:
    """The certificates that were added to this host, as one byte string. Empty: there are none.

    Builds behind TLS inspection need them. Base images are built again when they change.
    """
    return b"".join(path.read_bytes() for path in sorted(HOST_CERTIFICATES.glob("*.crt")))


def base_arguments(dockerfile: Path) -> tuple[str, ...]:
    """The X_IMAGE build arguments that a Dockerfile names."""
    return tuple(dict.fromkeys(_BASE_ARGUMENT.findall(dockerfile.read_text())))


class Tree(Struct, frozen=True):
    """The files that images are built from: this checkout, or those of a revision, whose images have a tag of their own."""

    root: Path = ROOT
    tag: str = "latest"

    @property
    def bases(self) -> Path:
        return self.root / "harness" / "bases"


HERE = Tree()


def base_table(tree: Tree = HERE) -> dict[str, dict[str, str]]:
    """The table images.toml: build argument -> {official: image, local: Dockerfile's name}."""
    return tomllib.loads((tree.bases / "images.toml").read_text())


def _local_base(argument: str, table: dict[str, dict[str, str]], tree: Tree) -> list[Build]:
    name = table[argument]["local"]
    if name == "debian":
        script = tree.bases / "debian-rootfs.sh"
        tag = f"fitmap-base/debian:{_hash(script.read_bytes(), host_certificates())}"
        return [Build(argument, tag, "bootstrap", tree.bases, script.name, {}, (), True)]
    dockerfile = tree.bases / f"{name}.Dockerfile"
    chain: list[Build] = []
    arguments: dict[str, str] = {}
    for parent in base_arguments(dockerfile):
        builds = _local_base(parent, table, tree)
        chain += builds
        arguments[parent] = builds[-1].tag
    recipe = _hash(dockerfile.read_bytes(), *(tag.encode() for tag in arguments.values()))
    tag = f"fitmap-base/{name}:{recipe}"
    return [*chain, Build(argument, tag, "build", tree.bases, dockerfile.name, arguments, tuple(arguments), True)]


def _official_base(argument: str, table: dict[str, dict[str, str]], tree: Tree) -> list[Build]:
    image = table[argument]["official"]
    pull = Build(f"{argument} (pulled)", image, "pull", tree.bases, "", {}, (), True)
    certificates = host_certificates()
    if not certificates:
        return [Build(argument, image, "pull", tree.bases, "", {}, (), True)]
    recipe = _hash(image.encode(), certificates, (tree.bases / "certify.Dockerfile").read_bytes())
    tag = f"fitmap-base/certified-{argument.removesuffix('_IMAGE').lower()}:{recipe}"
    certified = Build(
        argument, tag, "certify", HOST_CERTIFICATES, "certify.Dockerfile", {"BASE_IMAGE": image}, (pull.name,), True
    )
    return [pull, certified]


def _place(name: str, root: Path) -> tuple[Path, str]:
    """Build context and Dockerfile of a project image. `go` is a target's image, `go:check` that of its own tests."""
    fixed = {
        "load": (root, "loadtests/Dockerfile"),
        "load-comparison": (root, "loadtests/comparison/Dockerfile"),
        "database": (root / "services", "database/Dockerfile"),
        "proxy": (root / "services" / "proxy", "Dockerfile"),
    }
    target, _, variant = name.partition(":")
    return fixed.get(name) or (root / "services" / target, f"{variant}.Dockerfile" if variant else "Dockerfile")


def _project_image(name: str, image_set: str, table: dict[str, dict[str, str]], tree: Tree) -> list[Build]:
    context, dockerfile = _place(name, tree.root)
    path = context / dockerfile
    if not path.exists():
        raise UsageError(f"{path.relative_to(tree.root)} is missing: a target needs a Dockerfile")
    base = _local_base if image_set == "local" else _official_base
    chain: list[Build] = []
    arguments: dict[str, str] = {}
    for argument in base_arguments(path):
        if argument == "LOAD_IMAGE":
            builds = _project_image("load", image_set, table, tree)
        elif argument in table:
            builds = base(argument, table, tree)
        else:
            raise UsageError(
                f"{path.relative_to(tree.root)} names {argument}, which is not in harness/bases/images.toml: "
                f"use one of {', '.join(table)} or add it there"
            )
        chain += builds
        arguments[argument] = builds[-1].tag
    after = tuple(chain_build.name for chain_build in chain)
    return [*chain, Build(name, project_tag(name, tree), "build", context, dockerfile, arguments, after, False)]


def project_tag(name: str, tree: Tree = HERE) -> str:
    """The tag of a target's, the database's or the load generator's image."""
    image, _, variant = name.partition(":")
    return f"fitmap/{image}:{variant or tree.tag}"


def graph(names: tuple[str, ...], image_set: str, tree: Tree = HERE) -> dict[str, Build]:
    """All builds that the named project images need, by name. Raises UsageError."""
    table = base_table(tree)
    builds: dict[str, Build] = {}
    for name in names:
        for build in _project_image(name, image_set, table, tree):
            builds[build.name] = build
    return builds
