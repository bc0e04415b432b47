"""The specifications of a trial's containers: limits, hardening, environment.

docker-compose.yml has the same for `make play`; tests/unit/cli/test_play.py checks that the two agree.
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
    """One hardened container, independent of the engine. Memory in bytes. `tmpfs`: mount point -> options."""

    role: str
    image: str
    user: str
    cpus: str
    memory_bytes: int
    environment: Mapping[str, str]
    tmpfs: Mapping[str, str]
    #: Replaces the entry point of an image that has several programs.
    entrypoint: tuple[str, ...] = ()
    #: Replaces the image's command.
    command: tuple[str, ...] = ()
    threads: int = Limits().threads
    #: None: the engine's own limit.
    open_files: int | None = None
    #: Folders of the engine's host that the container may read: path there -> path in the container.
    mounts: Mapping[str, str] = {}
    #: For tools of a developer. Its file system can be written to, and orphaned processes are reaped.
    workbench: bool = False
    #: Not hardened: a team's database or cache, which may need the rights that its image expects.
    as_is: bool = False


def database_spec(image: str, cpus: str, ports: Ports, limits: Limits, password: str) -> ContainerSpec:
    """The container of PostgreSQL: data and sockets in memory, a password for this trial only."""
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


def service_spec(
    image: str, cpus: str, ports: Ports, limits: Limits, password: str, environment: Mapping[str, str] = {}
) -> ContainerSpec:
    """The target's container. `environment`: its variables beyond the contract's."""
    return ContainerSpec(
        role="service",
        image=image,
        user=SERVICE_USER,
        cpus=cpus,
        memory_bytes=limits.service_memory_mib * MEBIBYTE,
        environment={
            **environment,
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


def workbench_spec(image: str, service: ContainerSpec, environment: Mapping[str, str]) -> ContainerSpec:
    """A container with a target's tools, on all CPUs, with its service's variables. It does nothing by itself."""
    return structs.replace(
        service,
        role="workbench",
        image=image,
        user="0",
        cpus="",
        memory_bytes=6144 * MEBIBYTE,
        environment={**environment, **service.environment},
        entrypoint=("sleep", "infinity"),
        tmpfs={},
        threads=4096,
        workbench=True,
    )


def replica_specs(
    image: str,
    cpus: Sequence[str],
    ports: Ports,
    limits: Limits,
    password: str,
    environment: Mapping[str, str] = {},
) -> tuple[ContainerSpec, ...]:
    """The containers of a target's replicas, each on CPUs and a port of its own. The service's port is the proxy's.

    The replicas share the pool's connections, so that the database has as many as with one service.
    """
    shared = structs.replace(limits, db_pool_size=max(1, limits.db_pool_size // len(cpus)))
    return tuple(
        structs.replace(
            service_spec(image, cpu, structs.replace(ports, service=port), shared, password, environment),
            role=f"service-{port}",
        )
        for cpu, port in zip(cpus, replica_ports(ports, len(cpus)), strict=True)
    )


def replica_ports(ports: Ports, count: int) -> tuple[int, ...]:
    """The ports of the replicas: those after the service's port."""
    return tuple(ports.service + number for number in range(1, count + 1))


def proxy_spec(image: str, cpus: str, ports: Ports, count: int, limits: Limits) -> ContainerSpec:
    """The load balancer before `count` replicas, on the service's port."""
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


def group_generator_spec(
    image: str, cpus: str, load_json: str, limits: Limits, variables: Mapping[str, str] = {}
) -> ContainerSpec:
    """The load generator's container for a group. It reads the CPU counters of the group's containers by itself.

    `variables`: those that own profiles use.
    """
    plain = generator_spec(image, cpus, load_json, limits)
    return structs.replace(
        plain,
        environment={**variables, **plain.environment},
        entrypoint=("/opt/venv/bin/python", "-m", "loadtests.generator.group_master"),
        mounts={"/sys/fs/cgroup": "/fitmap/cgroup"},
    )


def instrument_spec(image: str, cpus: str, role: str, entrypoint: tuple[str, ...]) -> ContainerSpec:
    """A container of another program of the load image, such as a reference server in a target's place."""
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
    """The specification as keyword arguments of docker-py's `containers.create`."""
    return {
        "image": spec.image,
        "user": spec.user,
        "environment": dict(spec.environment),
        "labels": {LABEL: spec.role, **labels},
        # The NAT of a bridge costs more CPU time than a small service.
        "network_mode": "host",
        # The proxy of Docker's own configuration would be a setting of this machine that no record has.
        "use_config_proxy": False,
        "read_only": not (spec.workbench or spec.as_is),
        "tmpfs": dict(spec.tmpfs),
        **({} if spec.as_is else {"cap_drop": ["ALL"]}),
        "security_opt": ["no-new-privileges"],
        # CPU sets, not quotas: a quota throttles in steps of 100 ms, at the expense of runtimes with many threads.
        "cpuset_cpus": spec.cpus,
        "mem_limit": spec.memory_bytes,
        "memswap_limit": spec.memory_bytes,
        "pids_limit": spec.threads,
        **({"ulimits": [{"name": "nofile", "soft": spec.open_files, "hard": spec.open_files}]} if spec.open_files else {}),
        **({"volumes": {path: {"bind": there, "mode": "ro"} for path, there in spec.mounts.items()}} if spec.mounts else {}),
        **({"init": True} if spec.workbench else {}),
        **({"entrypoint": list(spec.entrypoint)} if spec.entrypoint else {}),
        **({"command": list(spec.command)} if spec.command else {}),
    }
