"""The specifications of the containers of a team's own service, and of what stands beside it.

The service is hardened as fitmap's are; its manifest declares the exceptions. What stands beside it is as its image has it:
its user, its rights and its file system. That is not what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from harness.containers.spec import LOOPBACK, MEBIBYTE, ContainerSpec
from harness.errors import UsageError
from harness.plan.bounds import PORTS_APART
from harness.plan.placeholders import filled
from harness.record.config import Config, Limits, Ports
from harness.record.cpus import count_cpus
from harness.record.own import IMAGE_USER, Companion, Own, OwnDatabase
from harness.record.plan import Placement

HIGHEST_PORT = 65_535
TMP = {"/tmp": "size=64m"}


class Copied(Struct, frozen=True):
    """What differs from one copy of a service to another: its ports, and the password of its database.

    `beside`: companion -> its port.
    """

    ports: Ports
    beside: Mapping[str, int]
    password: str


def beside_ports(own: Own, config: Config, index: int) -> dict[str, int]:
    """The ports of a copy's companions, above all others that a run uses. Raises UsageError."""
    first = max(config.ports.service, config.ports.database, config.generator.port)
    found = {each.name: first + PORTS_APART * number + index for number, each in enumerate(own.beside, 1)}
    if found and max(found.values()) > HIGHEST_PORT:
        raise UsageError(
            f"[ports]: {len(found)} companions need ports above {first}, and there are none above {HIGHEST_PORT}: lower them"
        )
    return found


def values_of(copy: Copied, cpus: str, limits: Limits) -> dict[str, str]:
    """Placeholder -> its value (harness/plan/placeholders.py)."""
    return {
        "host": LOOPBACK,
        "port": str(copy.ports.service),
        "cpus": str(count_cpus(cpus)),
        "pool": str(limits.db_pool_size),
        "database_host": LOOPBACK,
        "database_port": str(copy.ports.database),
        "database_password": copy.password,
        **{f"{name.replace('-', '_')}_host": LOOPBACK for name in copy.beside},
        **{f"{name.replace('-', '_')}_port": str(port) for name, port in copy.beside.items()},
    }


def own_service_spec(
    own: Own, image: str, placement: Placement, limits: Limits, values: Mapping[str, str], secrets: Mapping[str, str]
) -> ContainerSpec:
    """The container of the service itself. `secrets`: variable -> value, of its own ones among others."""
    return ContainerSpec(
        role="service",
        image=image,
        user="" if own.user == IMAGE_USER else own.user,
        cpus=placement.service,
        memory_bytes=limits.service_memory_mib * MEBIBYTE,
        environment={
            **{name: filled(text, values) for name, text in own.environment.items()},
            **{name: secrets[name] for name in own.secrets},
        },
        tmpfs={**TMP, **in_memory(own.writable, own.user)},
        command=tuple(filled(text, values) for text in own.command),
        threads=limits.threads,
        open_files=limits.open_files,
    )


def in_memory(folders: Sequence[str], user: str) -> dict[str, str]:
    """Folders that a user may write to, each with its mount's options. A manifest may give others: `/data:uid=999,gid=999`.

    A mount has the mode of the image's folder in its place, so its owner must be the one who writes. Who an image's own user
    is, the manifest must say.
    """
    uid, _, gid = user.partition(":")
    usual = "mode=1777" if user == IMAGE_USER else f"uid={uid},gid={gid or uid}"
    return {path: options or usual for path, _, options in (folder.partition(":") for folder in folders)}


def beside_spec(
    part: OwnDatabase | Companion, role: str, image: str, placement: Placement, limits: Limits, values: Mapping[str, str]
) -> ContainerSpec:
    """The container of a database or of a companion, on the database's CPUs."""
    return ContainerSpec(
        role=role,
        image=image,
        user="",
        cpus=placement.database,
        memory_bytes=limits.database_memory_mib * MEBIBYTE,
        environment={name: filled(text, values) for name, text in part.environment.items()},
        tmpfs=in_memory(part.writable, IMAGE_USER),
        command=tuple(filled(text, values) for text in part.command) or _counting(part),
        threads=limits.threads,
        as_is=True,
    )


def _counting(part: OwnDatabase | Companion) -> tuple[str, ...]:
    """The command of PostgreSQL whose statements are counted, unless the manifest has one."""
    counted = isinstance(part, OwnDatabase) and part.counted
    return ("postgres", "-c", "shared_preload_libraries=pg_stat_statements") if counted else ()
