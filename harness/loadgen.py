"""Runs the comparison of load clients (loadtests/comparison) in a container of its own."""

from __future__ import annotations

import docker
from docker.errors import APIError

from harness.containers import Crew
from harness.engine import Say
from harness.errors import EngineError
from harness.pair import ContainerSpec


def compare(client: docker.DockerClient, image_id: str, cpus: str, say: Say) -> int:
    """Stream the comparison's output through `say`; its exit status (1: the lean user is too slow).

    Raises EngineError.
    """
    spec = ContainerSpec(
        role="comparison",
        image=image_id,
        user="10001",
        cpus=cpus,
        memory_bytes=2 * 1024**3,
        environment={},
        tmpfs={"/tmp": "size=64m,mode=1777"},
    )
    with Crew(client, "loadgen", "comparison") as crew:
        member = crew.add(spec)
        lines = member.container.attach(stdout=True, stderr=True, stream=True, logs=True)
        member.start()
        for chunk in lines:
            say(chunk.decode(errors="replace").rstrip("\n"))
        try:
            return int(member.container.wait()["StatusCode"])
        except APIError as error:
            raise EngineError(f"the comparison was lost: {error.explanation}") from None
