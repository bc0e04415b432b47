"""Two versions of a service side by side: from a word on the command line, or a run in a history, to images. Builds."""

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
from harness.plan.targets import find_targets
from harness.record.plan import Target, folder_of

#: The working tree, as a side of a comparison.
WORKING_TREE = "."
#: Before the image's id, in the tag of an image that later runs are measured against.
KEPT = "kept-"
KEPT_DAYS = 60


class Version(Struct, frozen=True):
    """One version: what it is called, and its targets with their images."""

    name: str
    targets: Mapping[str, Target]
    images: Mapping[str, Image]


def resolve(revision: str) -> str:
    """A revision's full commit id. Raises UsageError."""
    # No revision begins with a dash: it would be read as an option.
    command = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(
            f"{revision!r} is neither a record nor a git revision of this checkout: `fitmap list` shows the records; "
            "a shallow clone has no other revisions (git fetch --unshallow)"
        )
    return done.stdout.strip()


def built(client: docker.DockerClient, word: str, names: Collection[str], image_set: str, say: Say) -> Version:
    """The images of targets as they are in the working tree or in a git revision. Raises UsageError, ImageError."""
    if word == WORKING_TREE:
        return _built(client, "the working tree", Tree(), names, image_set, say)
    commit = resolve(word)
    with checked_out(commit) as tree:
        return _built(client, f"{word} ({commit[:12]})" if word != commit else commit[:12], tree, names, image_set, say)


def _built(client: docker.DockerClient, name: str, tree: Tree, names: Collection[str], image_set: str, say: Say) -> Version:
    known = find_targets(tree.root / "services")
    if missing := [target for target in names if target not in known]:
        raise UsageError(f"{name} has no target {', '.join(missing)}: it has {', '.join(known)}")
    say(f"images of {', '.join(names)} from {name}")
    made = build_all(client, graph(tuple(names), image_set, tree), say)
    return Version(name, {target: known[target] for target in names}, {target: made[target] for target in names})


@contextmanager
def checked_out(commit: str) -> Iterator[Tree]:
    """The services and bases of a commit in a folder of their own, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="fitmap-revision-") as scratch:
        packed, folder = Path(scratch, "tree.tar"), Path(scratch, "tree")
        command = ["git", "-C", str(ROOT), "archive", f"--output={packed}", commit, "services", "harness/bases"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise UsageError(f"revision {commit[:12]} can't be checked out: {done.stderr.decode(errors='replace').strip()}")
        # Not tarfile's extractall(filter=...): Python 3.11 has it from 3.11.4 on.
        shutil.unpack_archive(packed, folder)
        yield Tree(folder, f"rev-{commit[:12]}")


def keep(client: docker.DockerClient, images: Mapping[str, str], needed: Collection[str]) -> None:
    """Name the images of a run, so that a later one can be measured against them though their tags have moved on and an
    `image prune` came by; and give up the names of old images that are not `needed`. `images`: target -> image id.

    Young ones stay: another history on this machine may compare with them.
    """
    oldest = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
    for name in {folder_of(target) for target in images}:
        repository = f"fitmap/{name}"
        for image in client.images.list(repository):
            for tag in image.tags:
                old = datetime.fromisoformat(image.attrs["Created"]) < oldest
                if tag.startswith(f"{repository}:{KEPT}") and image.id not in needed and old:
                    client.images.remove(tag, noprune=True)
        # What a target of the history is called may be a tag of nothing here.
        with suppress(ImageNotFound):
            client.images.get(images[name]).tag(repository, KEPT + images[name].removeprefix("sha256:")[:12])


def kept(client: docker.DockerClient, images: Mapping[str, str], names: Collection[str]) -> Mapping[str, Image] | None:
    """The images of a run of the history, where the engine still has all of them. `images`: target -> image id."""
    found = {}
    for name in names:
        try:
            image = client.images.get(images[name])
        except (ImageNotFound, KeyError):
            return None
        found[name] = Image(name, str(image.id), int(image.attrs["Size"]))
    return found
