"""Runs the comparison of load clients (loadtests/comparison) in containers of their own."""

from __future__ import annotations

from collections.abc import Mapping

import docker
from docker.errors import APIError

from harness.containers.engine import Say
from harness.containers.lifecycle import RunningContainer, TrialContainers, check_port_free, new_password
from harness.containers.spec import database_spec, instrument_spec, service_spec
from harness.errors import EngineError
from harness.record.config import Config
from harness.record.plan import Placement

#: The target on which wrk and the lean user must agree. Any would do: it is the same one for both.
WITNESS = "go"


def compare(client: docker.DockerClient, image: str, cpus: str, say: Say) -> int:
    """Stream the comparison's output through `say`; its exit status (1: the lean user is too slow).

    Raises EngineError.
    """
    with TrialContainers(client, "loadgen", "comparison") as containers:
        spec = instrument_spec(image, cpus, "comparison", ())
        return _stream(containers.add(spec), say)


def agree(client: docker.DockerClient, images: Mapping[str, str], placement: Placement, config: Config, say: Say) -> int:
    """Load one target with wrk and with the lean user; the exit status (1: they disagree).

    `images`: name -> engine's image id, of load-comparison, database and WITNESS. Raises EngineError, PortTaken, TrialError.
    """
    password, ports = new_password(), config.ports
    check_port_free(ports.service, "service")
    check_port_free(ports.database, "database")
    with TrialContainers(client, "loadgen", "agreement") as containers:
        containers.add(database_spec(images["database"], placement.database, ports, config.limits, password)).start()
        containers.add(service_spec(images[WITNESS], placement.service, ports, config.limits, password)).start()
        entry = ("/opt/venv/bin/python", "-m", "loadtests.comparison.agreement", str(ports.service))
        spec = instrument_spec(images["load-comparison"], placement.generator, "comparison", entry)
        return _stream(containers.add(spec), say)


def _stream(member: RunningContainer, say: Say) -> int:
    lines = member.container.attach(stdout=True, stderr=True, stream=True, logs=True)
    member.start()
    for chunk in lines:
        say(chunk.decode(errors="replace").rstrip("\n"))
    try:
        return int(member.container.wait()["StatusCode"])
    except APIError as error:
        raise EngineError(f"the comparison was lost: {error.explanation}") from None
