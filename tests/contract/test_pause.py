"""A database that is paused: each request is refused in time, everything else is served, and then all is as before."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import talking
from stand import Stand, until
from story import Told

from harness.record.config import Limits
from loadtests.generator.golden_cases import Response

pytestmark = pytest.mark.containers

PAUSE_SECONDS = 10.0
#: 2 s for a connection, then 6 s of work, and room for a busy machine.
REFUSED_SECONDS = 10.0
CLIENTS = 40


@pytest.mark.slow
def test_a_paused_database_costs_every_request_seconds_and_then_all_is_well(stand: Stand, told: Told, target: str) -> None:
    order = {"customer_id": 3, "lines": [{"product_id": 7, "quantity": 1}]}
    with stand.scope() as scope, ThreadPoolExecutor(CLIENTS + 1) as threads:
        pair = scope.pair(target)
        assert talking.post(pair.port, "/orders", order).status == 201, target
        over = time.monotonic() + PAUSE_SECONDS - 1

        def ask(number: int) -> list[tuple[Response, float]]:
            heard = []
            while time.monotonic() < over:
                start = time.monotonic()
                if number % 4:
                    answer = talking.get(pair.port, f"/products/{number}")
                else:
                    answer = talking.post(pair.port, "/orders", order)
                heard.append((answer, time.monotonic() - start))
            return heard

        def look(_: object) -> float:
            worst = 0.0
            while time.monotonic() < over:
                start = time.monotonic()
                assert talking.get(pair.port, "/ping").status == 200
                worst = max(worst, time.monotonic() - start)
                time.sleep(0.1)
            return worst

        container = pair.database.running.container
        container.pause()
        try:
            pinging = threads.submit(look, None)
            heard = [one for many in threads.map(ask, range(1, CLIENTS + 1)) for one in many]
            assert pinging.result() < 2, f"{target}: /ping took {pinging.result():.1f} s"
        finally:
            container.unpause()
        wrong = [(answer, seconds) for answer, seconds in heard if answer.status != 503 or seconds > REFUSED_SECONDS]
        assert not wrong, f"{target}: {len(wrong)} of {len(heard)}: {wrong[:3]}"
        assert {json.loads(answer.body)["error"] for answer, _ in heard} == {"database_unavailable"}, target
        until(f"{target} is ready again", pair.service.is_ready, 20)
        statuses = set(threads.map(lambda _: talking.get(pair.port, "/products/1/slow?ms=300").status, range(16)))
        assert statuses == {200}, f"{target}: {statuses}"
        assert talking.post(pair.port, "/orders", order).status == 201, target
        until(f"{target} holds its whole pool", lambda: pair.database.connections() == Limits().db_pool_size, 10)
