"""The types of a team's own service: how it is started, and which parts of the contract it keeps.

They are read from its service.toml (harness/plan/own.py), and stand in the record as they were read: with the names of
secrets, and with placeholders such as {database_password}, never with their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

#: `drain`: it ends with status 0 within fifteen seconds of SIGTERM. `statements`: its requests execute exactly those of its
#: queries.toml.
Part = Literal["drain", "statements"]
#: The user of an image, as the manifest names it.
IMAGE_USER = "image"


class OwnImage(Struct, frozen=True, forbid_unknown_fields=True):
    """An image that exists (`use`), or one that is built from a folder beside the manifest (`build`)."""

    use: str = ""
    build: str = ""
    dockerfile: str = "Dockerfile"
    #: Build arguments.
    arguments: Mapping[str, str] = {}


class Counted(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose statements PostgreSQL counts: the role and the database that the service uses. `admin`: a superuser."""

    user: str
    database: str
    admin: str = "postgres"


class Queries(Struct, frozen=True, forbid_unknown_fields=True):
    """What queries.toml has: name -> SQL, and route -> the names of the statements that a request executes."""

    queries: Mapping[str, str]
    routes: Mapping[str, tuple[str, ...]]


class OwnDatabase(Struct, frozen=True, forbid_unknown_fields=True):
    """The database of a service: an image, and files for its folder /docker-entrypoint-initdb.d, in their order."""

    image: str
    init: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    #: Replaces the image's command.
    command: tuple[str, ...] = ()
    #: Folders that are held in memory.
    writable: tuple[str, ...] = ()
    #: Needed for `statements`.
    counted: Counted | None = None


class Companion(Struct, frozen=True, forbid_unknown_fields=True):
    """Another container that a service needs, such as a cache. It runs on the database's CPUs."""

    name: str
    image: str
    environment: Mapping[str, str] = {}
    command: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()


class Own(Struct, frozen=True):
    """A team's own service. Texts hold placeholders: harness/plan/placeholders.py has them."""

    #: The folder of its manifest, as seen from the working directory.
    folder: str
    image: OwnImage
    #: Names of its profiles.
    profiles: tuple[str, ...]
    keeps: tuple[Part, ...]
    #: Its first 200 on this path is "ready".
    health: str
    ready_seconds: float
    #: A user's number, or IMAGE_USER.
    user: str
    #: Folders that it may write to, in memory. All else is read-only, but for /tmp.
    writable: tuple[str, ...]
    environment: Mapping[str, str]
    #: Variables that are taken over from fitmap's own environment.
    secrets: tuple[str, ...]
    #: Replaces the image's command.
    command: tuple[str, ...]
    #: Runs to its end before the service starts.
    migrate: tuple[str, ...]
    database: OwnDatabase | None
    beside: tuple[Companion, ...]
    #: Of a service that keeps `statements`.
    queries: Queries | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the containers beside the service's own."""
        return (*(("database",) if self.database else ()), *(companion.name for companion in self.beside))


def image_name(target: str, part: str) -> str:
    """The name under which a run has the image of a part of an own service."""
    return f"{target}/{part}"
