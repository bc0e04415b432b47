"""Runs the comparison of load clients (loadtests/comparison) in containers."""

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

#: The target on which wrk and the lean user must agree. Any target would do, as both load the same one.
WITNESS = "go"


def compare(client: docker.DockerClient, image: str, cpus: str, say: Say) -> int:
    """Runs the comparison, and passes its output on to `say`. Returns its exit status (1: the lean user is too slow).

    Raises EngineError.
    """
    with TrialContainers(client, "loadgen", "comparison") as containers:
        spec = instrument_spec(image, cpus, "comparison", ())
        return _stream(containers.add(spec), say)


def agree(client: docker.DockerClient, images: Mapping[str, str], placement: Placement, config: Config, say: Say) -> int:
    """Loads one target with wrk and with the lean user. Returns the exit status (1: they disagree).

    `images`: name -> image id of load-comparison, database and WITNESS.
    Raises EngineError, PortTaken, TrialError.
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


def _stream(running: RunningContainer, say: Say) -> int:
    lines = running.container.attach(stdout=True, stderr=True, stream=True, logs=True)
    running.start()
    for chunk in lines:
        say(chunk.decode(errors="replace").rstrip("\n"))
    try:
        return int(running.container.wait()["StatusCode"])
    except APIError as error:
        raise EngineError(f"the engine lost the comparison's container: {error.explanation}") from None
