"""The types of a service that fitmap did not start, given by its URL under [targets.NAME] of fitmap.toml."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from harness.record.measurement import Missing

#: Why so much is not known of it.
NOT_STARTED = Missing("fitmap did not start it")
#: The roles of containers that other services have.
UNSEEN = {"service": NOT_STARTED, "database": NOT_STARTED}
PORTS = {"http": 80, "https": 443}


class ExternalSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What [targets.NAME] has.

    `folder`: the one with its profiles in `loadtests/`, and `ca`, a file of certificates (PEM): as seen from fitmap.toml;
    after the options are read, from the working directory. Without `ca`: the authorities that browsers trust.
    """

    url: str
    language: str
    profiles: tuple[str, ...]
    most_requests_per_second: int
    i_may_load_it: bool = False
    #: Needed by levels without a rate. 0: not set.
    most_connections: int = 0
    folder: str = "."
    ca: str = ""


class External(Struct, frozen=True):
    """A service that fitmap did not start. `url`: scheme, host and port alone, `http` or `https`."""

    url: str
    #: As in `ExternalSection`, as seen from the working directory.
    folder: str
    profiles: tuple[str, ...]
    most_requests_per_second: int
    most_connections: int
    ca: str = ""

    @property
    def host(self) -> str:
        """Its name or address, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or PORTS[parts.scheme]

    @property
    def secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.url.startswith("https:")
