"""Image sets, base images, and the graph of the images that a plan needs.

There are two image sets: `official` takes base images from a registry, `local` builds them here from Debian packages
(docs/development/images.md). harness/plan/bases.py reads which base images there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, structs

from harness.errors import UsageError
from harness.files import CONTRACT, ROOT
from harness.plan.bases import BASES_FOLDER, Base, Version, arguments_of, base_arguments, read_bases
from harness.plan.decoding import suggest
from harness.plan.targets import read_variants
from harness.plan.variants import file_of, overlay_of
from harness.record.plan import Target, folder_of, is_variant

#: Stands before the run's id in the tag of an image that a trial builds and removes.
TRIAL = "trial-"
#: Stands before the commit in the tag of an image that is built from a revision, and removed when that was measured.
REVISION = "rev-"
#: Stands before the name of the process that needs the image, in both. So another process does not remove it.
OF = "-of-"
#: The engine takes no longer tag.
MOST_LETTERS = 128
HOST_CERTIFICATES = Path("/usr/local/share/ca-certificates")


def tag_of(word: str, owner: str) -> str:
    """The tag of an image that a process needs for a while. `word` is cut where the whole would be too long."""
    return f"{word[: MOST_LETTERS - len(OF) - len(owner)]}{OF}{owner}"


class Build(Struct, frozen=True):
    """One image to make.

    `how`: bootstrap (a root file system), pull, certify (a pulled image plus the host's certificates) or build.
    `arguments`: build argument -> the tag that it stands for, or another value; `after`: the names of the builds that make
    these tags. `overlay`: the folder whose files are laid over a copy of the context.
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
    overlay: Path | None = None
    #: Files of the context, each with its name there: then it consists of these alone.
    files: tuple[tuple[Path, str], ...] = ()


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


class Tree(Struct, frozen=True):
    """The files that images are built from: this checkout, or those of a revision, whose images have a tag of their own."""

    root: Path = ROOT
    tag: str = "latest"

    @property
    def bases(self) -> Path:
        return self.root / BASES_FOLDER


HERE = Tree()


class _Bases(Struct, frozen=True):
    """Makes the base images of one project image. `chosen`: argument -> its version, where it is not the usual one."""

    image_set: str
    table: Mapping[str, Base]
    tree: Tree
    chosen: Mapping[str, str]

    def builds(self, argument: str) -> list[Build]:
        """What makes a base image, itself last. Raises UsageError."""
        version = self.table[argument].at(self.chosen.get(argument))
        if version is None or not getattr(version, self.image_set):
            raise UsageError(f"{argument} has no version {self.chosen.get(argument)} in the image set {self.image_set}")
        return self._local(argument, version) if self.image_set == "local" else self._official(argument, version)

    def _name(self, argument: str, arguments: Mapping[str, str] = {}) -> str:
        """The name of a build: with the versions of itself and of what it starts from, where they are not the usual ones."""
        versions = (f"{each}={self.chosen[each]}" for each in sorted({argument, *arguments}) if each in self.chosen)
        return " ".join((argument, *versions))

    def _local(self, argument: str, version: Version) -> list[Build]:
        bases, name = self.tree.bases, version.local
        if name == "debian":
            script = bases / "debian-rootfs.sh"
            tag = f"fitmap-base/debian:{_hash(script.read_bytes(), host_certificates())}"
            return [Build(argument, tag, "bootstrap", bases, script.name, {}, (), True)]
        dockerfile = bases / f"{name}.Dockerfile"
        chain: list[Build] = []
        parents: dict[str, Build] = {}
        for parent in base_arguments(dockerfile):
            builds = self.builds(parent)
            chain += builds
            parents[parent] = builds[-1]
        tags = {parent: build.tag for parent, build in parents.items()}
        values = (f"{key}={value}" for key, value in sorted(version.arguments.items()))
        recipe = _hash(dockerfile.read_bytes(), *(text.encode() for text in (*tags.values(), *values)))
        made = Build(
            name=self._name(argument, tags),
            tag=f"fitmap-base/{name}:{recipe}",
            how="build",
            context=bases,
            dockerfile=dockerfile.name,
            arguments={**tags, **version.arguments},
            after=tuple(build.name for build in parents.values()),
            reusable=True,
        )
        return [*chain, made]

    def _official(self, argument: str, version: Version) -> list[Build]:
        image, name, bases = version.official, self._name(argument), self.tree.bases
        certificates = host_certificates()
        if not certificates:
            return [Build(name, image, "pull", bases, "", {}, (), True)]
        pull = Build(f"{name} (pulled)", image, "pull", bases, "", {}, (), True)
        recipe = _hash(image.encode(), certificates, (bases / "certify.Dockerfile").read_bytes())
        tag = f"fitmap-base/certified-{argument.removesuffix('_IMAGE').lower()}:{recipe}"
        certified = Build(
            name,
            tag,
            "certify",
            HOST_CERTIFICATES,
            "certify.Dockerfile",
            {"BASE_IMAGE": image},
            (pull.name,),
            True,
            files=(
                (bases / "certify.Dockerfile", "certify.Dockerfile"),
                *((path, path.name) for path in sorted(HOST_CERTIFICATES.glob("*.crt"))),
            ),
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
    target, _, kind = name.partition(":")
    return fixed.get(name) or (root / "services" / folder_of(target), f"{kind}.Dockerfile" if kind else "Dockerfile")


def _variant(name: str, context: Path) -> Target | None:
    """The variant that an image is of, if it is of one. Raises UsageError."""
    target, _, _ = name.partition(":")
    if not is_variant(target):
        return None
    known = read_variants(context)
    if target not in known:
        raise UsageError(
            f'unknown target "{target}"{suggest(target, known) if known else f": {context.name} has no variant"}'
        )
    return known[target]


def _project_image(name: str, image_set: str, table: Mapping[str, Base], tree: Tree) -> list[Build]:
    context, dockerfile = _place(name, tree.root)
    target = _variant(name, context)
    overlay = overlay_of(context, target) if target else None
    path = file_of(context, overlay, dockerfile)
    if not path.exists():
        raise UsageError(f"{path.relative_to(tree.root)} is missing: a target needs a Dockerfile")
    variant = target.variant if target else None
    bases = _Bases(image_set, table, tree, variant.bases if variant else {})
    chain: list[Build] = []
    arguments: dict[str, str] = {}
    for argument in base_arguments(path):
        if argument == "LOAD_IMAGE":
            builds = _project_image("load", image_set, table, tree)
        elif argument in table:
            builds = bases.builds(argument)
        else:
            raise UsageError(
                f"{path.relative_to(tree.root)} names {argument}, which is not in harness/bases/images.toml: "
                f"use one of {', '.join(table)} or add it there"
            )
        chain += builds
        arguments[argument] = builds[-1].tag
    after = tuple(dict.fromkeys(build.name for build in chain))
    if variant:
        # check.Dockerfile need not have all of them.
        arguments |= {key: value for key, value in variant.arguments.items() if key in arguments_of(path)}
    tag = project_tag(name, tree)
    files = _load_files(tree.root) if name == "load" else ()
    return [*chain, Build(name, tag, "build", context, dockerfile, arguments, after, False, overlay, files)]


def _load_files(root: Path) -> tuple[tuple[Path, str], ...]:
    """The files that the load generator's image is built from: the profiles check answers against the contract.

    A wheel has them in two places.
    """
    contract = root / "services" / "contract" if root != ROOT else CONTRACT
    folders = ((root / "loadtests", "loadtests"), (contract, "services/contract"))
    return tuple(
        (path, f"{name}/{path.relative_to(folder).as_posix()}")
        for folder, name in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    )


def project_tag(name: str, tree: Tree = HERE) -> str:
    """The tag of a target's, the database's or the load generator's image."""
    image, _, kind = name.partition(":")
    return f"fitmap/{image}:{kind or tree.tag}"


def graph(names: tuple[str, ...], image_set: str, tree: Tree = HERE) -> dict[str, Build]:
    """All builds that the named project images need, by name. Raises UsageError."""
    table = read_bases(tree.root)
    builds: dict[str, Build] = {}
    for name in names:
        for build in _project_image(name, image_set, table, tree):
            builds[build.name] = build
    # A variant is built from its base's layers, as far as they are the same. So a variant that changes nothing is no image
    # of its own (harness/run/proof.py).
    for name in (name for name in names if is_variant(name) and folder_of(name) in names):
        builds[name] = structs.replace(builds[name], after=(*builds[name].after, folder_of(name)))
    return builds
