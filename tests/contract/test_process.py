"""Start, configuration and end of a target's process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest
import talking
from stand import Pair, Service, Stand, accepts, stop, until
from story import Told

from harness.containers.lifecycle import new_password
from harness.containers.spec import DRAIN_SECONDS, LOOPBACK

pytestmark = pytest.mark.containers

EXIT_CONFIGURATION = 78
USER = f"postgresql://fitmap:secret-of-the-test@{LOOPBACK}"
WRONG: dict[str, dict[str, str | None]] = {
    "no PORT": {"PORT": None},
    "PORT empty": {"PORT": ""},
    "PORT 0": {"PORT": "0"},
    "PORT past the last": {"PORT": "65536"},
    "PORT no number": {"PORT": "80a"},
    "no DATABASE_URL": {"DATABASE_URL": None},
    "DATABASE_URL no URL": {"DATABASE_URL": "secret-of-the-test"},
    "DATABASE_URL of another kind": {"DATABASE_URL": f"mysql://fitmap:secret-of-the-test@{LOOPBACK}:5432/fitmap"},
    "DATABASE_URL with a port that is none": {"DATABASE_URL": f"{USER}:99999/fitmap"},
    "DATABASE_URL without a database": {"DATABASE_URL": f"{USER}:5432"},
    "DB_POOL_SIZE 0": {"DB_POOL_SIZE": "0"},
    "DB_POOL_SIZE over the range": {"DB_POOL_SIZE": "1001"},
    "DB_POOL_SIZE no number": {"DB_POOL_SIZE": "many"},
    "CPUS 0": {"CPUS": "0"},
    "CPUS over the range": {"CPUS": "1025"},
    "CPUS a fraction": {"CPUS": "1.5"},
}


@pytest.mark.essential
@pytest.mark.slow
def test_a_wrong_environment_is_one_line_and_status_78(stand: Stand, target: str) -> None:
    def start(changes: dict[str, str | None]) -> str:
        with stand.scope() as scope:
            spec = scope.service_spec(target, scope.free_port(), scope.free_port(), new_password(), changes)
            ended = scope.run_to_end(spec, 20)
        lines = ended.stderr.splitlines()
        if ended.status != EXIT_CONFIGURATION:
            return f"status {ended.status}, said {lines[:3]}"
        if len(lines) != 1 or not lines[0].strip():
            return f"{len(lines)} lines on standard error: {lines[:3]}"
        if ended.stdout:
            return f"standard output: {ended.stdout[:200]!r}"
        if next(iter(changes)) not in lines[0]:
            return f"the line does not name the variable: {lines[0]!r}"
        if "secret-of-the-test" in lines[0]:
            return f"the line gives a secret away: {lines[0]!r}"
        return ""

    with ThreadPoolExecutor(4) as threads:
        said = dict(zip(WRONG, threads.map(start, WRONG.values()), strict=True))
    wrong = [f"{name}: {problem}" for name, problem in said.items() if problem]
    assert not wrong, os.linesep.join([f"{target}:", *wrong])


@pytest.fixture
def wide(stand: Stand, told: Told, target: str) -> Iterator[tuple[Service, int]]:
    """A second service on the pair's database, for two CPUs and five connections; with the connections it opened."""
    database = told.pair.database
    before = database.connections()
    with stand.scope() as scope:
        changes = {"CPUS": "2", "DB_POOL_SIZE": "5"}
        service = scope.service(target, database.port, database.password, changes)
        service.wait_until_ready()
        # Where several processes share the port, the first may answer before the others have opened their part.
        until(f"{target} opens its pool", lambda: database.connections() >= before + 5, 5)
        time.sleep(0.5)
        yield service, database.connections() - before


@pytest.mark.essential
@pytest.mark.slow
def test_two_cpus_share_the_pool_out_and_sigterm_drains_what_is_in_flight(
    wide: tuple[Service, int], pair: Pair, target: str
) -> None:
    service, connections = wide
    assert connections == 5, f"{target}: {connections} connections for a pool of 5"
    meta = json.loads(talking.get(service.port, "/meta").body)
    assert (meta["cpus"], meta["db_pool_size"]) == (2, 5), target
    with talking.Talk(service.port) as idle, ThreadPoolExecutor(12) as threads:
        assert idle.get("/ping").status == 200
        waits = [threads.submit(talking.get, service.port, "/wait?ms=3000") for _ in range(4)]
        time.sleep(0.5)
        reads = [threads.submit(talking.get, service.port, "/products/1/slow?ms=1000") for _ in range(4)]
        time.sleep(0.3)
        stopping = threads.submit(stop, service)
        until(f"{target} stops listening", lambda: not accepts(service.port), 1.5)
        answers: list[int | str] = []
        for future in (*waits, *reads):
            try:
                answers.append(future.result().status)
            except (OSError, HTTPException) as error:
                answers.append(repr(error))
        status, seconds = stopping.result()
    assert answers == [200] * 8, f"{target}: in flight at SIGTERM: {answers}"
    assert status == 0, f"{target}: exit status {status}: {service.running.log_tail()}"
    # 3 s of waiting less what had passed, and no more for the idle connection.
    assert 1.5 < seconds < 4.5, f"{target}: ended {seconds:.1f} s after SIGTERM"
    held = 16
    until(f"{target} gives its connections back", lambda: pair.database.connections() <= held, 2)


@pytest.mark.slow
def test_a_request_that_never_ends_does_not_hold_the_end_up_for_ever(stand: Stand, told: Told, target: str) -> None:
    database = told.pair.database
    with stand.scope() as scope:
        service = scope.service(target, database.port, database.password, {"DB_POOL_SIZE": "2"})
        service.wait_until_ready()
        with talking.Talk(service.port) as talk:
            talk.get("/ping")
            assert talk.socket
            head = {"content-type": "application/json", "content-length": "1000"}
            talk.socket.sendall(talking.request_head("POST", "/cpu/summarize", head) + b'{"orders":')
            time.sleep(0.2)
            status, seconds = stop(service)
    assert status == 0, f"{target}: exit status {status} after {seconds:.1f} s: {service.running.log_tail()}"
    assert seconds < DRAIN_SECONDS - 2, f"{target}: {seconds:.1f} s"


@pytest.mark.essential
def test_it_logs_no_line_for_a_request(pair: Pair, target: str) -> None:
    def lines() -> int:
        return len(pair.service.running.container.logs().splitlines())

    before = lines()
    with talking.Talk(pair.port) as talk:
        for path in ("/ping", "/products/1", "/products/abc", "/nothing") * 10:
            talk.get(path)
    time.sleep(0.2)
    assert lines() == before, f"{target}: {pair.service.running.log_tail()}"
