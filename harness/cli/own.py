"""The commands init and check: the first files of a team's own service, and whether it is ready to be measured."""

from __future__ import annotations

import argparse
import os
import tomllib
from pathlib import Path
from typing import Any

from docker.errors import APIError, ImageNotFound

from harness.cli.settings import configure
from harness.cli.terminal import Terminal
from harness.containers.builder import choose_set
from harness.containers.engine import connect
from harness.containers.lifecycle import announced
from harness.errors import ImageError, UsageError
from harness.files import write_whole
from harness.plan.config_file import override
from harness.plan.decoding import convert, read_text, read_toml
from harness.plan.external import check_fuse, find_external
from harness.plan.first_files import (
    FIRST_CONNECTIONS,
    FIRST_RATE,
    ImageFacts,
    first_external,
    first_manifest,
    first_profile,
    read_dockerfile,
)
from harness.plan.openapi import read_openapi
from harness.plan.own import MANIFEST
from harness.plan.own_profiles import FOLDER
from harness.plan.selection import chosen_targets, own_profiles
from harness.record.config import Config
from harness.record.plan import Target
from harness.run.check import check
from harness.run.check_external import check_external
from harness.run.secrets import secrets_of
from harness.run.setup import made_images, ready_engine
from harness.wording import counted

EXIT_FAILS = 3


def check_services(options: argparse.Namespace, terminal: Terminal) -> int:
    """Starts each service of a folder once, and prints what holds, what fails and what to write."""
    if bool(options.folder) == bool(options.targets):
        raise UsageError("name either a folder with services of your own, or --target with one that fitmap did not start")
    config = configure(options)
    if options.folder:
        config = override(config, "run", services=(options.folder,), targets=())
    targets: dict[str, Target] = chosen_targets(config)
    if ours := [name for name, target in targets.items() if not target.external and options.targets]:
        raise UsageError(f"--target {ours[0]}: `fitmap check` takes a service of your own: its folder, or one of [targets]")
    # Read before anything is built: a mistake in a file takes no second to find.
    profiles = own_profiles(targets)
    check_fuse(targets, [found.profile for found in profiles.values()])
    secrets = secrets_of(targets, profiles)
    what = counted(len(targets), "manifest") if options.folder else "the entry in fitmap.toml"
    print(f"holds  {what} and {counted(len(profiles), 'profile')} can be read")
    client = ready_engine(config, terminal)
    images = made_images(client, ("load",), targets, choose_set(config.engine.image_set, terminal.say), terminal, profiles)
    failed = 0
    with announced(client, images["load"].id):
        for name, target in targets.items():
            mine = {each: profiles[each] for each in target.team_profiles}
            look = check_external if target.external else check
            for finding in look(client, config, target, images, mine, secrets):
                print(f"{finding.grade:<5}  {name}: {finding.text}", flush=True)
                failed += finding.grade == "fails"
    name = f" --target {next(iter(targets))}" if options.targets else ""
    print(
        f"{counted(failed, 'thing')} must be mended" if failed else f"everything holds: measure it with `fitmap bench{name}`"
    )
    return EXIT_FAILS if failed else 0


def write_first(options: argparse.Namespace, terminal: Terminal) -> int:
    """Writes a service.toml and a first profile into a folder."""
    folder = Path(options.folder)
    name = folder.resolve().name
    if options.url:
        return _write_external(options, folder, name)
    manifest, profile = folder / MANIFEST, folder / FOLDER / f"{name}.toml"
    for path in (manifest, profile):
        if path.exists():
            raise UsageError(f"{path} exists: remove it, or name another folder")
    facts = _image_facts(options, terminal) if options.image else _dockerfile_facts(folder)
    openapi = read_openapi(options.openapi) if options.openapi else None
    text = first_manifest(name, facts)
    write_whole(manifest, text.encode())
    write_whole(profile, first_profile(name, tomllib.loads(text)["health"], openapi).encode())
    for path in (manifest, profile):
        print(f"wrote {path}")
    print(f"read both, then: fitmap check {folder}")
    return 0


def _write_external(options: argparse.Namespace, folder: Path, name: str) -> int:
    """Writes a fitmap.toml and a first profile for a service that runs already. Nothing is sent to it."""
    if options.image:
        raise UsageError("--url is of a service that runs already: leave out --image")
    config, profile = folder / "fitmap.toml", folder / FOLDER / f"{name}.toml"
    for path in (config, profile):
        if path.exists():
            raise UsageError(f"{path} exists: remove it, or name another folder")
    text = first_external(name, options.url)
    # What is written can be read: the name and the URL are right.
    find_external(convert(read_toml(text, str(config)), Config, str(config)), ())
    openapi = read_openapi(options.openapi) if options.openapi else None
    write_whole(config, text.encode())
    write_whole(profile, first_profile(name, "/", openapi, level=FIRST_RATE, connections=FIRST_CONNECTIONS).encode())
    for path in (config, profile):
        print(f"wrote {path}")
    print(f"read both, then: fitmap --config {config} check --target {name}")
    return 0


def _dockerfile_facts(folder: Path) -> ImageFacts:
    """What the next Dockerfile says: in the folder, or above it. Raises UsageError."""
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / "Dockerfile").is_file():
            source = Path(os.path.relpath(place, folder.resolve())).as_posix()
            return read_dockerfile(read_text(place / "Dockerfile"), f'build = "{source}"')
        if (place / ".git").exists():
            break
    raise UsageError(f"no Dockerfile in {folder} or above it: name an image with --image")


def _image_facts(options: argparse.Namespace, terminal: Terminal) -> ImageFacts:
    """What an image says, which is pulled unless the engine has it. Raises ImageError."""
    client, name = connect(configure(options).engine.install, terminal.say), options.image
    try:
        image = client.images.get(name)
    except ImageNotFound:
        try:
            image = client.images.pull(name if ":" in name.rpartition("/")[2] else f"{name}:latest")
        except (APIError, OSError) as error:
            raise ImageError(f"{name} is neither on this engine nor could it be pulled ({error})") from None
    config: dict[str, Any] = image.attrs.get("Config") or {}
    return ImageFacts(
        source=f'use = "{name}"',
        ports=tuple(int(port.partition("/")[0]) for port in config.get("ExposedPorts") or {}),
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or ()),
        user=str(config.get("User") or ""),
        volumes=tuple(config.get("Volumes") or ()),
        healthcheck=" ".join((config.get("Healthcheck") or {}).get("Test") or ()),
    )
