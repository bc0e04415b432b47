"""The images of a version of a service: of the working tree, of a git revision, or of an earlier run in a history."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import msgspec
from docker.errors import ImageNotFound
from msgspec import Struct, UnsetType

from harness.containers.builder import Image, build_all
from harness.containers.engine import FAILURES, Say
from harness.containers.images import REVISION, Tree, graph, tag_of
from harness.containers.lifecycle import remove_images
from harness.containers.own_images import own_graph, part_names
from harness.containers.owners import owner
from harness.errors import UsageError
from harness.files import ROOT
from harness.host.git import git
from harness.plan.own import MANIFEST, read_own
from harness.plan.targets import find_all
from harness.record.own import Own
from harness.record.plan import Target, folder_of, image_of

#: The name of the working tree as a version.
WORKING_TREE = "."
#: Stands before the image's id in the tag of an image that later runs may be measured against.
KEPT = "kept-"
KEPT_DAYS = 60


class Version(Struct, frozen=True):
    """One version: its name, and its targets with their images."""

    name: str
    targets: Mapping[str, Target]
    images: Mapping[str, Image]


def repository_of(targets: Mapping[str, Target]) -> Path:
    """The repository that some targets lie in: fitmap's own checkout, or that of a team's services. Raises UsageError."""
    if external := next((name for name, target in targets.items() if target.external), None):
        raise UsageError(
            f"{external}: fitmap did not start it and can't build an older version of it: `fitmap gate` without --base "
            "compares it with its earlier runs, `fitmap compare` two records"
        )
    found: dict[Path, str] = {}
    for name, target in targets.items():
        found.setdefault(toplevel(Path(target.own.folder)) if isinstance(target.own, Own) else ROOT, name)
    if len(found) > 1:
        raise UsageError(
            f"{' and '.join(found.values())} lie in different repositories, and a revision is of one: choose the targets of "
            "one with --target"
        )
    return next(iter(found), ROOT)


def toplevel(folder: Path) -> Path:
    """The root of the checkout that a folder is in. The folder itself where git knows of none."""
    found = git("rev-parse", "--show-toplevel", folder=folder)
    return Path(found.text) if found.reason is None else folder.resolve()


def resolve(revision: str, repository: Path = ROOT) -> str:
    """A revision's full commit id. Raises UsageError."""
    # git must not read a name that begins with a dash as an option.
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", folder=repository)
    if found.reason is None:
        return found.text
    # git itself says nothing where there is no such revision.
    if found.reason:
        raise UsageError(f"{revision!r} is no record, and git can't look for such a revision ({found.reason})")
    which = "this checkout" if repository == ROOT else repository
    raise UsageError(
        f"{revision!r} is neither a record nor a git revision of {which}: `fitmap list` shows the records; "
        "a shallow clone has no other revisions (git fetch --unshallow)"
    )


def check_version(word: str, repository: Path = ROOT) -> None:
    """Raises UsageError unless a word is the working tree or a revision, before time is spent on anything."""
    if word != WORKING_TREE:
        resolve(word, repository)


def built(client: docker.DockerClient, word: str, targets: Mapping[str, Target], image_set: str, say: Say) -> Version:
    """Builds the images of targets from the working tree or a git revision. Raises UsageError, ImageError."""
    repository = repository_of(targets)
    if word == WORKING_TREE:
        return _built(client, "the working tree", Tree(repository), targets, image_set, say)
    commit = resolve(word, repository)
    # Of fitmap itself the images need these folders alone.
    paths = ("services", "harness/bases") if repository == ROOT else ()
    with checked_out(commit, repository, paths) as tree:
        name = f"{word} ({commit[:12]})" if word != commit else commit[:12]
        return _built(client, name, tree, targets, image_set, say)


def _built(
    client: docker.DockerClient, name: str, tree: Tree, targets: Mapping[str, Target], image_set: str, say: Say
) -> Version:
    own = any(target.own for target in targets.values())
    known = _own_targets(tree, targets) if own else find_all(tree.root / "services")
    if missing := [target for target in targets if target not in known]:
        raise UsageError(f"{name} has no target {', '.join(missing)}: it has {', '.join(known) or 'none of them'}")
    say(f"building the images of {', '.join(targets)} from {name}")
    builds = own_graph({t: known[t] for t in targets}, tree.tag) if own else graph(tuple(targets), image_set, tree)
    made = build_all(client, builds, say)
    # The folder of a revision does not last.
    chosen = {t: msgspec.structs.replace(known[t], own=_from_folder(known[t].own, targets[t].own)) for t in targets}
    needed = (*targets, *part_names(chosen))
    return Version(name, chosen, {image: made[image] for image in needed})


def _from_folder(own: Own | UnsetType, here: Own | UnsetType) -> Own | UnsetType:
    if isinstance(own, Own) and isinstance(here, Own):
        return msgspec.structs.replace(own, folder=here.folder)
    return own


def _own_targets(tree: Tree, targets: Mapping[str, Target]) -> dict[str, Target]:
    """The own services of a version of their repository, as its manifests have them. Raises UsageError."""
    repository = repository_of(targets)
    known: dict[str, Target] = {}
    for name, target in targets.items():
        if isinstance(target.own, Own):
            there = Path(target.own.folder).resolve()
            folder = tree.root / there.relative_to(repository.resolve())
            if (folder / MANIFEST).is_file():
                known |= read_own(folder, folder_of(name))
    return known


@contextmanager
def checked_out(
    commit: str, repository: Path = ROOT, paths: Sequence[str] = ("services", "harness/bases")
) -> Iterator[Tree]:
    """Some folders of a commit (default: services and base images), or all, in a folder that exists as long as the context.

    `paths`: none means all.
    """
    with tempfile.TemporaryDirectory(prefix="fitmap-revision-") as scratch:
        packed, folder = Path(scratch, "tree.tar"), Path(scratch, "tree")
        done = git("archive", f"--output={packed}", commit, *paths, folder=repository)
        if done.reason is not None:
            raise UsageError(f"revision {commit[:12]} can't be checked out: {done.reason}")
        # Not tarfile's extractall(filter=...): Python 3.11 has it only from 3.11.4.
        shutil.unpack_archive(packed, folder)
        yield Tree(folder, tag_of(f"{REVISION}{commit[:12]}", owner()))


@contextmanager
def revisions(client: docker.DockerClient) -> Iterator[None]:
    """Images of revisions that this process builds meanwhile lose their tags at the end."""
    try:
        yield
    finally:
        mine = owner()
        # An engine that fails now must not hide why the context ends. `fitmap clean` removes them later.
        with suppress(*FAILURES):
            remove_images(client, (REVISION,), lambda name: name == mine)


def keep(client: docker.DockerClient, images: Mapping[str, str], needed: Collection[str]) -> None:
    """Gives the images of a run tags of their own, and removes such tags from old images that are not `needed`.

    Later runs can then be measured against them, though the targets' tags move on, and even after an `image prune`.
    `images`: target -> image id. Young images keep their tags: another history on this machine may compare with them.
    """
    oldest = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
    for name in {image_of(target) for target in images}:
        repository = f"fitmap/{name}"
        for image in client.images.list(repository):
            for tag in image.tags:
                old = datetime.fromisoformat(image.attrs["Created"]) < oldest
                if tag.startswith(f"{repository}:{KEPT}") and image.id not in needed and old:
                    client.images.remove(tag, noprune=True)
        # The engine may no longer have the image.
        with suppress(ImageNotFound):
            client.images.get(images[name]).tag(repository, KEPT + images[name].removeprefix("sha256:")[:12])


def kept(client: docker.DockerClient, images: Mapping[str, str], names: Collection[str]) -> Mapping[str, Image] | None:
    """The images of an earlier run, None unless the engine still has all of them. `images`: target -> image id."""
    present = {}
    for name in names:
        try:
            image = client.images.get(images[name])
        except (ImageNotFound, KeyError):
            return None
        present[name] = Image(name, str(image.id), int(image.attrs["Size"]))
    return present
