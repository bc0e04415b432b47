"""The one description of the three containers of a trial: limits, hardening, environment. Pure.

docker-compose.yml says the same for a person who wants to play; tests/unit/cli/test_play.py holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from harness.record.config import Limits, Ports
from harness.record.cpus import count_cpus

MEBIBYTE = 1024 * 1024
LOOPBACK = "127.0.0.1"
LABEL = "fitmap"
SERVICE_USER = "10001"
DATABASE_USER = "999"
DRAIN_SECONDS = 15


class ContainerSpec(Struct, frozen=True):
    """One hardened container, engine-neutral. Memory in bytes; `tmpfs` maps mount points to their options."""

    role: str
    image: str
    user: str
    cpus: str
    memory_bytes: int
    environment: Mapping[str, str]
    tmpfs: Mapping[str, str]
    #: Replaces the image's own entry point, where one image has several programs.
    entrypoint: tuple[str, ...] = ()
    threads: int = Limits().threads
    #: None: the engine's own limit.
    open_files: int | None = None


def database_spec(image: str, cpus: str, ports: Ports, limits: Limits, password: str) -> ContainerSpec:
    """The PostgreSQL container: data and sockets in memory, one password for one trial."""
    return ContainerSpec(
        role="database",
        image=image,
        user=DATABASE_USER,
        cpus=cpus,
        memory_bytes=limits.database_memory_mib * MEBIBYTE,
        environment={"PORT": str(ports.database), "DATABASE_PASSWORD": password},
        tmpfs={
            "/tmp": "size=64m",
            "/var/lib/postgresql": "uid=999,gid=999,mode=0700,size=1g",
            "/var/run/postgresql": "uid=999,gid=999,mode=0775,size=1m",
        },
        threads=limits.threads,
    )


def service_spec(image: str, cpus: str, ports: Ports, limits: Limits, password: str) -> ContainerSpec:
    """The target's container."""
    return ContainerSpec(
        role="service",
        image=image,
        user=SERVICE_USER,
        cpus=cpus,
        memory_bytes=limits.service_memory_mib * MEBIBYTE,
        environment={
            "HOST": LOOPBACK,
            "PORT": str(ports.service),
            "CPUS": str(count_cpus(cpus)),
            "DB_POOL_SIZE": str(limits.db_pool_size),
            "DATABASE_URL": f"postgresql://fitmap:{password}@{LOOPBACK}:{ports.database}/fitmap",
        },
        tmpfs={"/tmp": "size=64m"},
        threads=limits.threads,
        open_files=limits.open_files,
    )


def replica_specs(image: str, cpus: Sequence[str], ports: Ports, limits: Limits, password: str) -> tuple[ContainerSpec, ...]:
    """The target's container several times, each on CPUs and a port of its own: those behind the service's port, which is
    the proxy's. They share the pool's connections out, so that the database has as many as it has for one.
    """
    each = structs.replace(limits, db_pool_size=max(1, limits.db_pool_size // len(cpus)))
    return tuple(
        structs.replace(
            service_spec(image, cpu, structs.replace(ports, service=port), each, password), role=f"service-{port}"
        )
        for cpu, port in zip(cpus, replica_ports(ports, len(cpus)), strict=True)
    )


def replica_ports(ports: Ports, count: int) -> tuple[int, ...]:
    """Where replicas listen."""
    return tuple(ports.service + number for number in range(1, count + 1))


def proxy_spec(image: str, cpus: str, ports: Ports, count: int, limits: Limits) -> ContainerSpec:
    """The load balancer in a service's place, before `count` replicas."""
    return ContainerSpec(
        role="proxy",
        image=image,
        user=SERVICE_USER,
        cpus=cpus,
        memory_bytes=256 * MEBIBYTE,
        environment={
            "HOST": LOOPBACK,
            "PORT": str(ports.service),
            "CPUS": str(count_cpus(cpus)),
            "REPLICAS": " ".join(str(port) for port in replica_ports(ports, count)),
        },
        tmpfs={"/tmp": "size=1m"},
        threads=limits.threads,
        open_files=limits.open_files,
    )


def generator_spec(image: str, cpus: str, load_json: str, limits: Limits) -> ContainerSpec:
    """The load generator's container."""
    return ContainerSpec(
        role="generator",
        image=image,
        user=SERVICE_USER,
        cpus=cpus,
        memory_bytes=2048 * MEBIBYTE,
        environment={"FITMAP_LOAD": load_json},
        tmpfs={"/tmp": "size=64m"},
        threads=limits.threads,
        open_files=limits.open_files,
    )


def instrument_spec(image: str, cpus: str, role: str, entrypoint: tuple[str, ...]) -> ContainerSpec:
    """A server of known behaviour, or another program of the load image, in a target's place."""
    return ContainerSpec(
        role=role,
        image=image,
        user=SERVICE_USER,
        cpus=cpus,
        memory_bytes=1024 * MEBIBYTE,
        environment={},
        tmpfs={"/tmp": "size=64m,mode=1777"},
        entrypoint=entrypoint,
    )


def engine_arguments(spec: ContainerSpec, labels: Mapping[str, str]) -> dict[str, Any]:
    """The spec as keyword arguments of docker-py's `containers.create`."""
    return {
        "image": spec.image,
        "user": spec.user,
        "environment": dict(spec.environment),
        "labels": {LABEL: spec.role, **labels},
        # Bridge NAT costs more than a small service does.
        "network_mode": "host",
        "read_only": True,
        "tmpfs": dict(spec.tmpfs),
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        # CPU sets, not quotas: a quota throttles in 100 ms steps and punishes parallel runtimes.
        "cpuset_cpus": spec.cpus,
        "mem_limit": spec.memory_bytes,
        "memswap_limit": spec.memory_bytes,
        "pids_limit": spec.threads,
        **({"ulimits": [{"name": "nofile", "soft": spec.open_files, "hard": spec.open_files}]} if spec.open_files else {}),
        **({"entrypoint": list(spec.entrypoint)} if spec.entrypoint else {}),
    }
