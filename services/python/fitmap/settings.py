"""Configuration from the environment, checked once before anything starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self
from urllib.parse import unquote, urlsplit


class SettingsError(Exception):
    """A value is missing or malformed; the message is one line and never holds a password."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str

    @classmethod
    def parse(cls, url: str) -> Self:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            # The error's own text quotes parts of the URL.
            raise SettingsError("DATABASE_URL is not a URL") from error
        name = parts.path.removeprefix("/")
        if (
            parts.scheme != "postgresql"
            or not (parts.hostname and port and parts.username and parts.password and name)
            or "/" in name
            or "?" in url
            or "#" in url
        ):
            raise SettingsError("DATABASE_URL must read postgresql://user:password@host:port/name")
        return cls(parts.hostname, port, unquote(parts.username), unquote(parts.password), unquote(name))


@dataclass(frozen=True, slots=True)
class Settings:
    host: str
    port: int
    database: DatabaseAddress
    db_pool_size: int
    cpus: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        return cls(
            host=_host(environment.get("HOST", "127.0.0.1")),
            port=_integer(environment, "PORT", 65_535),
            database=DatabaseAddress.parse(_required(environment, "DATABASE_URL")),
            db_pool_size=_integer(environment, "DB_POOL_SIZE", 1_000, default=16),
            # What the process may run on, not what the machine has: a CPU set counts.
            cpus=_integer(environment, "CPUS", 1_024, default=os.process_cpu_count() or 1),
        )

    def pool_share(self, worker: int) -> int:
        """The connections of one worker process: shares add up to the pool size, but nobody goes without."""
        share, rest = divmod(self.db_pool_size, self.cpus)
        return max(1, share + (worker < rest))


def _required(environment: Mapping[str, str], name: str) -> str:
    try:
        return environment[name]
    except KeyError:
        raise SettingsError(f"{name} is missing") from None


def _integer(environment: Mapping[str, str], name: str, high: int, default: int | None = None) -> int:
    if default is not None and name not in environment:
        return default
    text = _required(environment, name)
    if text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= high:
        return int(text)
    raise SettingsError(f"{name} must be an integer from 1 to {high}")


def _host(text: str) -> str:
    if text != "localhost":
        try:
            ip_address(text)
        except ValueError:
            raise SettingsError("HOST must be an IP address or localhost") from None
    return text
