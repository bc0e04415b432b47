"""Every kind of container of a trial against the container section of the CIS Docker Benchmark, as the engine sees it.

docs/development/images.md has the table for readers; a test holds both together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import docker
import pytest

from harness.containers.engine import connect
from harness.containers.images import project_tag
from harness.containers.lifecycle import TrialContainers
from harness.containers.spec import (
    ContainerSpec,
    database_spec,
    engine_arguments,
    generator_spec,
    group_generator_spec,
    instrument_spec,
    proxy_spec,
    replica_specs,
    service_spec,
)
from harness.files import ROOT
from harness.record.config import Limits, Ports

pytestmark = pytest.mark.beside

PORTS, LIMITS = Ports(service=24080, database=24432), Limits()
SPECS: Mapping[str, Callable[[], ContainerSpec]] = {
    "database": lambda: database_spec(project_tag("database"), "0", PORTS, LIMITS, "secret"),
    "service": lambda: service_spec(project_tag("go"), "0", PORTS, LIMITS, "secret"),
    "replica": lambda: replica_specs(project_tag("go"), ("0",), PORTS, LIMITS, "secret")[0],
    "proxy": lambda: proxy_spec(project_tag("proxy"), "0", PORTS, 1, LIMITS),
    "generator": lambda: generator_spec(project_tag("load"), "0", "{}", LIMITS),
    "group generator": lambda: group_generator_spec(project_tag("load"), "0", "{}", LIMITS),
    "instrument": lambda: instrument_spec(project_tag("load"), "0", "instrument", ("true",)),
}
#: What a container may mount of its host: path -> read only.
MOUNTS = {"/sys/fs/cgroup": False}

Seen = Mapping[str, Any]
#: Rule of the benchmark -> what the engine says of a container that keeps it. What is not here has its reason on the page.
RULES: Mapping[str, Callable[[Seen, Seen], bool]] = {
    "5.3": lambda host, _: host["CapDrop"] == ["ALL"] and not host["CapAdd"],
    "5.4": lambda host, _: host["Privileged"] is False,
    "5.5": lambda _, seen: all(MOUNTS.get(mount["Source"]) is mount["RW"] for mount in seen["Mounts"]),
    "5.7": lambda host, _: not host["PortBindings"],
    "5.10": lambda host, _: host["Memory"] > 0 and host["MemorySwap"] == host["Memory"],
    "5.11": lambda host, _: host["CpusetCpus"] == "0",
    "5.12": lambda host, _: host["ReadonlyRootfs"] is True,
    "5.14": lambda host, _: host["RestartPolicy"]["Name"] in {"", "no"},
    "5.15": lambda host, _: host["PidMode"] == "",
    "5.16": lambda host, _: host["IpcMode"] in {"private", "none"},
    "5.17": lambda host, _: not host["Devices"],
    "5.19": lambda _, seen: all(mount["Propagation"] in {"", "rprivate"} for mount in seen["Mounts"]),
    "5.20": lambda host, _: host["UTSMode"] == "",
    "5.21": lambda host, _: not any(option.startswith("seccomp") for option in host["SecurityOpt"]),
    "5.24": lambda host, _: host["CgroupParent"] == "",
    "5.25": lambda host, _: "no-new-privileges" in host["SecurityOpt"],
    "5.28": lambda host, _: host["PidsLimit"] > 0,
    "5.30": lambda host, _: host["UsernsMode"] == "",
    "5.31": lambda _, seen: not any("docker.sock" in mount["Source"] for mount in seen["Mounts"]),
    # Of section 4, as what runs shows it.
    "4.1": lambda _, seen: seen["Config"]["User"] not in {"", "0", "root"},
}


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


@pytest.mark.parametrize("kind", SPECS)
def test_a_container_keeps_the_rules(client: docker.DockerClient, kind: str) -> None:
    with TrialContainers(client, "hardening", kind.replace(" ", "-")) as containers:
        running = containers.add(SPECS[kind]())
        running.start()
        running.container.reload()
        seen = running.container.attrs
        broken = [rule for rule, holds in RULES.items() if not holds(seen["HostConfig"], seen)]
    assert not broken, (broken, seen["HostConfig"])


def test_the_page_tells_of_each_rule_whether_it_is_held_here() -> None:
    page = (ROOT / "docs" / "development" / "images.md").read_text()
    told = dict(re.findall(r"^\| ([45]\.\d+) \|[^|]*\| (\w+)", page, re.MULTILINE))
    assert {rule for rule, word in told.items() if word == "held"} == set(RULES)
    assert {f"5.{number}" for number in range(3, 32)} <= set(told) and "| 5.1, 5.2 |" in page


def test_the_rules_find_a_container_without_hardening(client: docker.DockerClient) -> None:
    bare: Any = {
        **engine_arguments(SPECS["service"](), {}),
        "privileged": True,
        "cap_drop": None,
        "read_only": False,
        "user": "0",
    }
    container = client.containers.create(**bare)
    try:
        container.reload()
        broken = {rule for rule, holds in RULES.items() if not holds(container.attrs["HostConfig"], container.attrs)}
    finally:
        container.remove(force=True)
    assert {"4.1", "5.3", "5.4", "5.12"} <= broken
