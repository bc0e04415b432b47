"""Pulls and builds the images of a graph: base images once, independent builds in parallel."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache, partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from msgspec import Struct

from harness.containers.context import archived, packed
from harness.containers.engine import Say, apt_install
from harness.containers.images import OF, Build
from harness.errors import EngineError, ImageError
from harness.files import HOME

BUILD_LOGS = HOME / "runs" / ".build"
REGISTRY_TIMEOUT_SECONDS = 15
#: The engine unpacks a whole file system before it answers.
IMPORT_TIMEOUT_SECONDS = 900
PARALLEL_BUILDS = 3
CHUNK_BYTES = 1 << 20
# Builds use the host's network: bridges may be switched off, and a proxy on the loopback interface must be reachable.
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class Image(Struct, frozen=True):
    """A built image. Its id never changes; its tag may move on."""

    name: str
    id: str
    size_bytes: int


def choose_set(wanted: str, say: Say) -> str:
    """The image set: `wanted`; for `auto`, `official` if a registry answers, else `local`."""
    if wanted != "auto":
        return wanted
    # A client of its own, with a short time-out.
    client = docker.from_env(timeout=REGISTRY_TIMEOUT_SECONDS)
    try:
        client.images.get_registry_data("debian:trixie-slim")
    except (DockerException, OSError) as error:
        reason = str(getattr(error, "explanation", None) or error).strip().splitlines()[-1][:120]
        say(f"image set: local (no registry answers: {reason})")
        return "local"
    finally:
        client.close()
    say("image set: official (a registry answers)")
    return "official"


@cache
def log_folder() -> Path:
    """Where the output of builds is kept: beside the records of this checkout; in a temporary folder if it is read-only."""
    with contextlib.suppress(OSError):
        BUILD_LOGS.mkdir(parents=True, exist_ok=True)
        if os.access(BUILD_LOGS, os.W_OK):
            return BUILD_LOGS
    return Path(tempfile.mkdtemp(prefix="fitmap-build-logs-"))


def build_all(client: docker.DockerClient, builds: Mapping[str, Build], say: Say) -> dict[str, Image]:
    """Makes all images of a graph, and returns them by name.

    Raises ImageError at the first failure, after the builds that are running have ended.
    """
    sorter = TopologicalSorter({name: build.after for name, build in builds.items()})
    sorter.prepare()
    made: dict[str, Image] = {}
    with ThreadPoolExecutor(PARALLEL_BUILDS) as pool:
        running: dict[Future[Image], str] = {}
        try:
            while sorter.is_active():
                for name in sorter.get_ready():
                    running[pool.submit(_make, client, builds[name], say)] = name
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    name = running.pop(future)
                    made[name] = future.result()
                    sorter.done(name)
        finally:
            for future in running:
                future.cancel()
    return made


def _make(client: docker.DockerClient, build: Build, say: Say) -> Image:
    start = time.monotonic()
    existing = _find(client, build.tag)
    if existing and build.reusable:
        return Image(build.name, existing.id, existing.size_bytes)
    if not existing:
        say(f"  {build.how}: {_shown(build)}")
    if build.how == "bootstrap":
        _bootstrap(build, say)
    elif build.how == "pull":
        _pull(client, build)
    else:
        _build(client, build)
    image = _find(client, build.tag)
    if image is None:
        raise ImageError(f"{build.tag} was built, but the engine does not have it: is another program removing images?")
    if existing is None or existing.id != image.id:
        say(f"  ready: {_shown(build)} ({image.size_bytes / 1e6:.0f} MB, {time.monotonic() - start:.0f} s)")
    return Image(build.name, image.id, image.size_bytes)


def _shown(build: Build) -> str:
    return build.tag.partition(OF)[0]


def _find(client: docker.DockerClient, tag: str) -> Image | None:
    try:
        image = client.images.get(tag)
    except ImageNotFound:
        return None
    return Image(tag, str(image.id), int(image.attrs["Size"]))


def _bootstrap(build: Build, say: Say) -> None:
    if not shutil.which("mmdebstrap"):
        if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
            raise ImageError("the image set `local` needs mmdebstrap, root and Debian: use --image-set official instead")
        try:
            apt_install(("mmdebstrap",), say)
        except EngineError as error:
            raise ImageError(str(error)) from None
    # Through a file: if a stream broke off, the engine would import and tag the part that it got.
    with tempfile.TemporaryFile() as archive:
        done = subprocess.run(
            ["sh", str(build.context / build.dockerfile)],
            stdout=archive,
            stderr=subprocess.PIPE,
            check=False,
            umask=0o022,  # the files of the image must not depend on the user's
        )
        log = log_folder() / "debian.log"
        log.write_bytes(done.stderr)
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise ImageError(f"the Debian root file system could not be made ({' '.join(last)}): see {log}")
        archive.seek(0)
        repository, _, tag = build.tag.rpartition(":")
        # As a generator: docker-py announces a chunked body, but requests would send a file in one piece.
        chunks = iter(partial(archive.read, CHUNK_BYTES), b"")
        patient = docker.from_env(timeout=IMPORT_TIMEOUT_SECONDS)
        try:
            patient.api.import_image_from_stream(chunks, repository=repository, tag=tag)
        except (DockerException, OSError) as error:
            raise ImageError(f"the Debian root file system could not be imported: {error}") from None
        finally:
            patient.close()


def _pull(client: docker.DockerClient, build: Build) -> None:
    try:
        client.images.pull(build.tag)
    except (APIError, OSError) as error:
        raise ImageError(f"{build.tag} could not be pulled ({error}): try --image-set local") from None


@contextmanager
def laid(build: Build) -> Iterator[Path]:
    """The folder to build from: the build's context, or a copy with its overlay that exists as long as the context lasts."""
    if build.overlay is None:
        yield build.context
        return
    with tempfile.TemporaryDirectory(prefix="fitmap-variant-") as scratch:
        folder = Path(scratch, build.context.name)
        shutil.copytree(build.context, folder, symlinks=True)
        # A link of an overlay may lead out of it, as to services/training: its file is copied.
        shutil.copytree(build.overlay, folder, dirs_exist_ok=True)
        yield folder


def build_arguments(build: Build) -> dict[str, str]:
    """The build's own arguments and the host's proxy.

    One variable of a proxy is always there, if only empty. The builder marks each step of a build with arguments, although
    it does not count those of a proxy: an unchanged tree would be built again when the first of them appears or goes.
    """
    proxy = {name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ}
    return {**build.arguments, "ftp_proxy": "", **proxy}


def build_lines(
    client: docker.DockerClient,
    build: Build,
    *,
    tag: str,
    stage: str | None = None,
    nocache: bool = False,
    timeout_seconds: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Builds an image under a tag. Yields the output of the engine's builder, line by line.

    `stage`: the last one to build, all without it. `timeout_seconds`: how long the builder may print nothing.
    """
    with laid(build) as folder:
        context = archived(build.files) if build.files else packed(folder, build.dockerfile)
    with context:
        # The engine has the whole context when this returns.
        lines: Iterator[dict[str, Any]] = client.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=build.dockerfile,
            tag=tag,
            target=stage,
            buildargs=build_arguments(build),
            network_mode="host",
            nocache=nocache,
            timeout=timeout_seconds,
            rm=True,
            forcerm=True,
            decode=True,
        )
    return lines


def _build(client: docker.DockerClient, build: Build) -> None:
    log = log_folder() / f"{build.tag.partition(':')[0].replace('/', '-')}.log"
    output: list[str] = []
    problem = ""
    try:
        lines = build_lines(client, build, tag=build.tag)
        with log.open("w", encoding="utf-8") as file:
            for line in lines:
                problem = line.get("error", problem)
                text = line.get("stream", "")
                file.write(text or line.get("error", ""))
                if text.strip():
                    output.append(text.strip())
    except (DockerException, OSError, TypeError) as error:
        raise ImageError(f"image {build.name} failed to build: {error}") from None
    if "buildkit" in problem.lower():
        raise ImageError(
            f"image {build.name}: its Dockerfile needs BuildKit, which fitmap does not use ({problem.strip()}): build it "
            "with `docker build`, and name that image under `use`"
        )
    if problem:
        last = f"; last output: {output[-1][-200:]}" if output else ""
        raise ImageError(f"image {build.name} failed to build ({problem.strip()}{last}): see {log}")
