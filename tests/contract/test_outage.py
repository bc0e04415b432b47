"""A database that is late, stuck, gone and back; the service, started once with nothing but its defaults, lives on.

The tests go on with one pair in the order of this file.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException

import pytest
import talking
from stand import HEALTHY, Database, Service, Stand, stop, until
from talking import Talk

from harness.containers.lifecycle import new_password
from harness.containers.spec import LOOPBACK
from harness.record.config import Limits
from harness.record.cpus import count_cpus
from loadtests.generator.golden_cases import Response

pytestmark = pytest.mark.containers

STARTING = (503, b'{"status":"starting"}')
#: What the contract promises, with room for a busy machine: 2 s for a connection, then 5 s for a statement, and 6 s for
#: all database work of a request.
POOL_SECONDS = (1.5, 3.5)
STATEMENT_SECONDS = (4.5, 8.5)
FROZEN_SECONDS = (5.5, 9.0)
BACK_SECONDS = 20.0


@dataclass
class Late:
    """A service and a database that came, and comes again, after it."""

    stand: Stand
    service: Service
    database: Database
    identity: tuple[str, int, int]
    health_before: tuple[int, bytes] | None
    product_before: tuple[Response, float]
    connections_at_start: int

    def unavailable(self, answer: Response) -> bool:
        return answer.status == 503 and json.loads(answer.body)["error"] == "database_unavailable"


def timed_get(port: int, path: str) -> tuple[Response, float]:
    start = time.monotonic()
    return talking.get(port, path), time.monotonic() - start


@pytest.fixture(scope="module")
def late(stand: Stand, target: str) -> Iterator[Late]:
    with stand.scope() as scope:
        port, password = scope.free_port(), new_password()
        encoded = "".join(f"%{ord(character):02X}" for character in password)
        url = f"postgresql://fitmap:{encoded}@{LOOPBACK}:{port}/fitmap"
        defaults = {"DATABASE_URL": url, "HOST": None, "CPUS": None, "DB_POOL_SIZE": None}
        service = scope.service(target, port, password, defaults)
        service.wait_until_it_listens()
        identity = service.identity()
        health, product = service.health(), timed_get(service.port, "/products/1")
        database = scope.database(port, password)
        service.wait_until_ready(BACK_SECONDS)
        yield Late(scope, service, database, identity, health, product, database.connections())


def test_the_port_opens_before_the_database_is_there(late: Late, target: str) -> None:
    assert late.health_before == STARTING, target
    answer, seconds = late.product_before
    assert late.unavailable(answer), f"{target}: {answer}"
    # The first request of a service: on a busy machine a JVM needs seconds to load what answers it.
    assert seconds < POOL_SECONDS[1] + 3, f"{target}: {seconds:.1f} s"


def test_a_late_database_is_found_without_a_restart(late: Late, target: str) -> None:
    assert late.service.health() == HEALTHY, target
    assert late.service.identity() == late.identity, target


def test_defaults_stand_for_what_is_not_given(late: Late, target: str) -> None:
    meta = json.loads(talking.get(late.service.port, "/meta").body)
    assert meta["db_pool_size"] == Limits().db_pool_size == late.connections_at_start, target
    assert meta["cpus"] == count_cpus(late.service.running.spec.cpus), target


@pytest.mark.slow
def test_a_stuck_statement_and_an_exhausted_pool_give_503_in_time(late: Late, target: str) -> None:
    port, database = late.service.port, late.database
    order = {"customer_id": 1, "lines": [{"product_id": 9, "quantity": 1}]}

    def buy(_: int) -> tuple[Response, float]:
        start = time.monotonic()
        return talking.post(port, "/orders", order), time.monotonic() - start

    size = Limits().db_pool_size
    with database.locked("products", 9), ThreadPoolExecutor(size) as threads, ThreadPoolExecutor(2) as others:
        buying = threads.map(buy, range(size))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'fitmap' AND wait_event_type = 'Lock'"
        until(f"{target} waits on all connections", lambda: int(database.psql(waiting)) == size, 4)
        # Both at once: one after the other would meet the end of the stuck statements.
        asking = {path: others.submit(timed_get, port, path) for path in ("/products/1", "/health")}
        for path, asked in asking.items():
            answer, seconds = asked.result()
            assert answer.status == 503, f"{target}: {path} without a free connection: {answer}"
            assert POOL_SECONDS[0] < seconds < POOL_SECONDS[1], f"{target}: {path} was refused after {seconds:.1f} s"
        assert talking.get(port, "/ping", timeout_seconds=1).status == 200, target
        bought = list(buying)
    for answer, seconds in bought:
        assert late.unavailable(answer), f"{target}: an order on a locked row: {answer}"
        assert STATEMENT_SECONDS[0] < seconds < STATEMENT_SECONDS[1], f"{target}: it was refused after {seconds:.1f} s"
    assert talking.post(port, "/orders", order).status == 201, f"{target} does not sell when the lock is gone"
    assert database.psql("SELECT stock FROM products WHERE id = 9") == "999999", f"{target}: a refused order took stock"
    assert late.service.health() == HEALTHY, target


@pytest.mark.slow
def test_a_frozen_database_gives_503_in_time(late: Late, target: str) -> None:
    """Its kernel still accepts and acknowledges: nothing but a deadline ends the wait."""
    port = late.service.port

    def buy() -> tuple[Response, float]:
        start = time.monotonic()
        return talking.post(port, "/orders", {"customer_id": 2, "lines": [{"product_id": 8, "quantity": 1}]}), (
            time.monotonic() - start
        )

    container = late.database.running.container
    container.pause()
    try:
        with ThreadPoolExecutor(2) as threads:
            asked = {"an order": threads.submit(buy), "a product": threads.submit(timed_get, port, "/products/1")}
            for name, future in asked.items():
                answer, seconds = future.result()
                assert late.unavailable(answer), f"{target}: {name}: {answer}"
                assert FROZEN_SECONDS[0] < seconds < FROZEN_SECONDS[1], f"{target}: {name}: after {seconds:.1f} s"
    finally:
        container.unpause()
    until(f"{target} is ready again", late.service.is_ready, BACK_SECONDS)
    assert buy()[0].status == 201, f"{target} does not sell afterwards"


#: What makes the server refuse connections, and what ends that: SQLSTATE 53300 and 28000.
REFUSALS = {"CONNECTION LIMIT 0": "CONNECTION LIMIT -1", "NOLOGIN": "LOGIN"}
REFUSED_REQUESTS = 24


def test_a_server_that_refuses_connections_gives_503_and_then_all_is_well(late: Late, target: str) -> None:
    port, database = late.service.port, late.database
    for refusal, remedy in REFUSALS.items():
        logged = late.service.running.container.logs()
        database.psql(f"ALTER ROLE fitmap {refusal}")
        try:
            database.psql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'fitmap'")
            until(f"{target} tells that the database is gone", lambda: late.service.health() == STARTING, 10)
            with ThreadPoolExecutor(8) as threads:
                answers = list(threads.map(lambda _: talking.get(port, "/products/1"), range(REFUSED_REQUESTS)))
        finally:
            database.psql(f"ALTER ROLE fitmap {remedy}")
        wrong = [answer for answer in answers if not late.unavailable(answer)]
        assert not wrong, f"{target}, {refusal}: {len(wrong)} of {len(answers)}, such as {wrong[0]}"
        until(f"{target} is ready again", late.service.is_ready, BACK_SECONDS)
        lines = late.service.running.container.logs()[len(logged) :].splitlines()
        assert len(lines) < REFUSED_REQUESTS / 2, f"{target}, {refusal}: {len(lines)} lines, such as {lines[-1]!r}"
        statuses = {talking.get(port, "/products/1").status for _ in range(REFUSED_REQUESTS)}
        assert statuses == {200}, f"{target} after {refusal}: {statuses}"


def test_a_server_without_resources_gives_503(late: Late, target: str) -> None:
    """A trigger stands in for a disk that is full."""
    order = {"customer_id": 1, "lines": [{"product_id": 10, "quantity": 1}]}
    database = late.database
    body = "BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END"
    database.psql(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    database.psql("CREATE TRIGGER refuse BEFORE INSERT ON order_lines EXECUTE FUNCTION refuse()")
    try:
        answers = [talking.post(late.service.port, "/orders", order) for _ in range(3)]
    finally:
        database.psql("DROP FUNCTION refuse CASCADE")
    assert all(late.unavailable(answer) for answer in answers), f"{target}: {answers}"
    assert talking.post(late.service.port, "/orders", order).status == 201, target
    assert database.psql("SELECT stock FROM products WHERE id = 10") == "999999", f"{target}: a refused order took stock"


@pytest.mark.slow
def test_a_database_that_dies_under_load_and_comes_back_needs_no_restart(late: Late, target: str) -> None:
    port = late.service.port
    seen: Counter[str] = Counter()
    over = threading.Event()

    def load(number: int) -> None:
        while not over.is_set():
            try:
                with Talk(port) as talk:
                    while not over.is_set():
                        if number % 4:
                            answer = talk.get(f"/products/{number + 1}")
                        else:
                            answer = talk.post("/orders", {"customer_id": 1, "lines": [{"product_id": 1, "quantity": 1}]})
                        good = answer.status in (200, 201) or late.unavailable(answer)
                        seen[f"{answer.status}" if good else f"{answer.status} {answer.body[:120]!r}"] += 1
                        time.sleep(0.01)
            except (OSError, HTTPException, ValueError) as error:
                seen[f"broken off: {error!r}"] += 1
                time.sleep(0.1)

    with ThreadPoolExecutor(8) as threads:
        for number in range(8):
            threads.submit(load, number)
        try:
            until(f"{target} sells", lambda: seen["200"] > 50 and seen["201"] > 10)
            late.database.running.container.kill()
            until(f"{target} tells that the database is gone", lambda: late.service.health() == STARTING, 10)
            until(f"{target} answers 503", lambda: seen["503"] > 8, 10)
            answer, seconds = timed_get(port, "/products/1")
            assert late.unavailable(answer), f"{target}: {answer}"
            assert seconds < POOL_SECONDS[1], f"{target}: refused after {seconds:.1f} s"
            late.database = late.stand.database(late.database.port, late.database.password)
            until(f"{target} is ready again", late.service.is_ready, BACK_SECONDS)
            sold = seen["200"], seen["201"]
            until(f"{target} sells again", lambda: seen["200"] > sold[0] + 200 and seen["201"] > sold[1] + 50)
        finally:
            over.set()
    assert set(seen) == {"200", "201", "503"}, f"{target} answered {dict(seen)}"
    assert late.service.identity() == late.identity, f"{target} was restarted"
    unavailable = seen["503"]
    with Talk(port) as talk:
        statuses = {talk.get("/products/1").status for _ in range(50)}
    assert statuses == {200}, f"{target}: {statuses} after {unavailable} times 503"


def test_the_pool_is_whole_again_afterwards(late: Late, target: str) -> None:
    # Pools may open what they lost on demand: sixteen requests at once demand all.
    def slow(_: int) -> int:
        return talking.get(late.service.port, "/products/1/slow?ms=300").status

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(slow, range(16))) == {200}, target
    until(f"{target} holds its whole pool", lambda: late.database.connections() == Limits().db_pool_size, 10)


def test_after_all_that_it_ends_in_good_order(late: Late, target: str) -> None:
    status, seconds = stop(late.service)
    assert status == 0, f"{target}: {late.service.running.log_tail()}"
    assert seconds < 5, f"{target}: {seconds:.1f} s"
