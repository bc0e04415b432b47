"""Finds the user class of a profile: fitmap's own ones are modules here, a team's own ones lie in a folder beside.

An own profile is a Python file as fitmap's are, or one in TOML. The harness lays its folder into the image
(harness/containers/own_images.py).
"""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from loadtests.generator.stated import StatedConnection, stream_of
from loadtests.generator.user import LeanUser
from loadtests.protocol.stated import StatedProfile

#: Own profiles, each in a folder of its name.
OWN = Path(__file__).resolve().parents[2] / "own"


def profile_user(profile: str, own: Path = OWN) -> type[LeanUser]:
    """The user class of a profile."""
    folder, stem = own / profile, profile.replace("-", "_")
    if (path := folder / f"{profile}.toml").is_file():
        return _stated_user(msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), StatedProfile), folder)
    module: Any
    if (path := folder / f"{stem}.py").is_file():
        # Last: a file of the team's must not stand for a module of the same name that the generator needs.
        sys.path.append(str(folder))
        spec: Any = importlib.util.spec_from_file_location(f"own_{stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(f"loadtests.{stem}")
    found: type[LeanUser] = module.ProfileUser
    return found


def _stated_user(profile: StatedProfile, folder: Path) -> type[LeanUser]:
    class ProfileUser(LeanUser):
        """The user of a profile in TOML."""

        abstract = True
        routes = profile.routes
        stream = staticmethod(stream_of(profile, folder))
        pass_requests = sum(profile.counts())
        connection_class = StatedConnection

    return ProfileUser
