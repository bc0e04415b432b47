"""From a change of one line to its answer, in the loop in which a target's developers work.

The loop is in the manifest, as [development]. It runs in a container of the stage of the Dockerfile that compiles the
target. There it has run once before, so that its caches are warm and the service of the unchanged sources is running.
"""

from __future__ import annotations

import http.client
import io
import tarfile
import time
from pathlib import PurePosixPath

import docker.errors

from harness.containers.commands import run_in
from harness.containers.lifecycle import RunningContainer, TrialContainers
from harness.containers.spec import LOOPBACK, ContainerSpec, workbench_spec
from harness.errors import TrialError
from harness.record.measurement import Missing
from harness.record.plan import Development, Target
from harness.trials.readiness_probe import Watcher

#: The first run of the loop compiles all dependencies in the way that developers do.
FIRST_RUN_SECONDS = 600.0
_OUTPUT = "/tmp/development.output"
_PROCESS = "/tmp/development.pid"
# Ends the service that runs, then becomes the command, which ends as the service.
_RUN = f"""
if [ -s {_PROCESS} ]; then
    kill "$(cat {_PROCESS})"
    while kill -s 0 "$(cat {_PROCESS})" 2>/dev/null; do sleep 0.01; done
fi
echo $$ >{_PROCESS}
{{ cd "$1" && eval "$2"; }} >{_OUTPUT} 2>&1
"""


def edit_to_answer(
    image: str, service: ContainerSpec, target: Target, changed: str, containers: TrialContainers, watcher: Watcher
) -> float | Missing:
    """Seconds from the end of the edit to the first answer that shows it, or why there is no such value.

    `image`: that of the stage. `changed`: the edited file's new text. `watcher`: waits for the answer that shows it.
    """
    loop, edit = target.development, target.edit
    if loop is None or edit is None:
        return Missing("the target's manifest has no [development]")
    bench = containers.add(workbench_spec(image, service, loop.environment))
    bench.start()
    try:
        _run(bench, loop)
        _wait(bench, int(service.environment["PORT"]))
        watcher.begin()
        _write(bench, PurePosixPath(loop.folder, edit.file), changed)
        saved = time.time_ns()
        _run(bench, loop)
        return round((watcher.seen(bench).unix_ns[-1] - saved) / 1e9, 3)
    except (TrialError, docker.errors.DockerException) as error:
        return Missing(f"the loop of [development] failed: {error}; last output: {_output(bench)}")


def _run(bench: RunningContainer, loop: Development) -> None:
    """Begins to run the loop's command. Raises DockerException."""
    bench.container.exec_run(["sh", "-c", _RUN, "-", loop.folder, loop.command], detach=True)


def _wait(bench: RunningContainer, port: int) -> None:
    """Waits until the service of the first run answers. Raises TrialError."""
    deadline = time.monotonic() + FIRST_RUN_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        # The file with its number is missing for a moment after the start.
        status, _ = run_in(bench.container, ["sh", "-c", f'[ ! -s {_PROCESS} ] || kill -s 0 "$(cat {_PROCESS})"'])
        if status:
            raise TrialError("development", "its first run ended before the service answered")
        time.sleep(0.2)
    raise TrialError("development", f"the service of its first run did not answer within {FIRST_RUN_SECONDS:g} s")


def _write(bench: RunningContainer, path: PurePosixPath, text: str) -> None:
    """Writes a file in the container. Its time is exact: build tools compare times."""
    content = text.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo(path.name)
        entry.size, entry.mode = len(content), 0o644
        entry.pax_headers = {"mtime": f"{time.time():.9f}"}
        archive.addfile(entry, io.BytesIO(content))
    if not bench.container.put_archive(str(path.parent), buffer.getvalue()):
        raise TrialError("development", f"{path} could not be written")


def _output(bench: RunningContainer) -> str:
    status, output = run_in(bench.container, ["tail", "-c", "500", _OUTPUT])
    return output.decode(errors="replace").strip() if status == 0 else ""
