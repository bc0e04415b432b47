"""The images of a version of a service: of the working tree, of a git revision, or of an earlier run in a history."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
from docker.errors import ImageNotFound
from msgspec import Struct

from harness.containers.builder import Image, build_all
from harness.containers.engine import Say
from harness.containers.images import Tree, graph
from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.targets import find_all
from harness.record.plan import Target, image_of

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


def resolve(revision: str) -> str:
    """A revision's full commit id. Raises UsageError."""
    # git must not read a name that begins with a dash as an option.
    command = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise UsageError(
            f"{revision!r} is neither a record nor a git revision of this checkout: `fitmap list` shows the records; "
            "a shallow clone has no other revisions (git fetch --unshallow)"
        )
    return done.stdout.strip()


def built(client: docker.DockerClient, word: str, names: Collection[str], image_set: str, say: Say) -> Version:
    """Builds the images of targets from the working tree or a git revision. Raises UsageError, ImageError."""
    if word == WORKING_TREE:
        return _built(client, "the working tree", Tree(), names, image_set, say)
    commit = resolve(word)
    with checked_out(commit) as tree:
        return _built(client, f"{word} ({commit[:12]})" if word != commit else commit[:12], tree, names, image_set, say)


def _built(client: docker.DockerClient, name: str, tree: Tree, names: Collection[str], image_set: str, say: Say) -> Version:
    known = find_all(tree.root / "services")
    if missing := [target for target in names if target not in known]:
        raise UsageError(f"{name} has no target {', '.join(missing)}: it has {', '.join(known)}")
    say(f"building the images of {', '.join(names)} from {name}")
    made = build_all(client, graph(tuple(names), image_set, tree), say)
    return Version(name, {target: known[target] for target in names}, {target: made[target] for target in names})


@contextmanager
def checked_out(commit: str) -> Iterator[Tree]:
    """The services and base images of a commit, in a folder that exists as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="fitmap-revision-") as scratch:
        packed, folder = Path(scratch, "tree.tar"), Path(scratch, "tree")
        command = ["git", "-C", str(ROOT), "archive", f"--output={packed}", commit, "services", "harness/bases"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise UsageError(f"revision {commit[:12]} can't be checked out: {done.stderr.decode(errors='replace').strip()}")
        # Not tarfile's extractall(filter=...): Python 3.11 has it only from 3.11.4.
        shutil.unpack_archive(packed, folder)
        yield Tree(folder, f"rev-{commit[:12]}")


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
