"""The short form of `make fuzz`, and the fuzzer itself: the same requests again, faults that it sees, what it lets pass."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import exchange
import fuzz
import mutate
import outcomes
import pytest
from mutate import Request
from outcomes import OPEN, REFUSED, WAITS, WRONG
from stand import Pair

from harness.containers.spec import LOOPBACK

UNITS = range(1200)
SECONDS = 60.0
ENDED = [(200, outcomes.LAST_ANSWER)]


@pytest.mark.containers
def test_some_thousand_mutated_requests_break_nothing_and_get_the_same_everywhere(
    pair: Pair, target: str, tales: Path
) -> None:
    folder = tales / "fuzz"
    fuzzed = fuzz.attack(pair, fuzz.SEED, UNITS, SECONDS, folder)
    # Its own before it looks at others: of two targets at the same time one sees the other.
    fuzzed.save(folder)
    others = [fuzz.load(path) for path in sorted(folder.glob("*.json")) if path.stem != target]
    lines, _ = fuzz.lines_about([fuzzed, *others])
    # On a busy machine a database may be late, and then services log it. test_hostile.py looks at the log.
    different = fuzz.differences([fuzzed, *others])
    assert not fuzzed.wrong() and not fuzzed.crashes and not different, os.linesep.join(["", *lines])
    assert len(fuzzed.found) == len(UNITS), f"{target}: {fuzzed.count} requests in {fuzzed.seconds:.0f} s"


def test_the_same_seed_makes_the_same_requests() -> None:
    assert [mutate.unit(1, number) for number in range(60)] == [mutate.unit(1, number) for number in range(60)]
    assert mutate.unit(1, 0) != mutate.unit(2, 0)
    assert sum(len(mutate.unit(1, number)) for number in range(30)) == 100


def test_every_kind_of_mutation_is_made() -> None:
    kinds = {request.kind for number in range(900) for request in mutate.unit(1, number)}
    assert len(kinds) == 21, kinds


@pytest.mark.parametrize(
    ("answers", "ended", "outcome"),
    [
        ([], True, REFUSED),
        ([], False, WAITS),
        ([(400, b"")], True, REFUSED),
        ([(400, b"")], False, OPEN),
        ([(505, b"")], True, REFUSED),
        ([(404, b""), *ENDED], True, REFUSED),
        ([(200, b"pong"), *ENDED], True, "200 pong"),
        # The rest of a body that was cut short, refused.
        ([(200, b"pong"), (400, b"")], True, "200 pong"),
        (ENDED, True, "nothing"),
        ([(200, b"pong"), (200, b"pong"), *ENDED], True, f"{WRONG}2 answers to one request"),
        ([(500, b'{"error":"internal","detail":"x"}')], True, f"{WRONG}500 internal"),
        ([(400, b""), (503, b"no")], True, f"{WRONG}503 no"),
        ([(503, b'{"error":"database_unavailable","detail":"x"}')], True, outcomes.UNAVAILABLE),
    ],
)
def test_what_became_of_a_broken_request(answers: list[tuple[int, bytes]], ended: bool, outcome: str) -> None:
    assert outcomes.of_broken(answers, ended) == outcome


def test_what_depends_on_other_requests_is_no_difference() -> None:
    assert outcomes.told(200, b'{"id":1,"stock":7}') == outcomes.told(200, b'{"id":1,"stock":8}')
    assert outcomes.told(201, b'{"id":100001,"total_cents":5}') == outcomes.told(
        409, b'{"error":"out_of_stock","detail":"x"}'
    )
    assert outcomes.told(400, b'{"error":"bad_request","detail":"x"}') == outcomes.told(
        400, b'{"error":"bad_request","detail":"y"}'
    )
    assert outcomes.told(200, b"x" * 99 + b"y") != outcomes.told(200, b"x" * 99 + b"z")


def test_to_refuse_is_safe_where_the_contract_leaves_it_open_and_nowhere_else() -> None:
    exact, loose = Request(b"", "", exact=True), Request(b"", "", exact=False)
    assert outcomes.differ(exact, ["200 pong", "400 bad_request"])
    assert not outcomes.differ(loose, ["200 pong", REFUSED, WAITS, "200 pong"])
    assert outcomes.differ(loose, ["200 pong", REFUSED, "200 other"])


def test_the_shortest_request_stands_for_those_with_the_same_difference() -> None:
    rows = {number: mutate.unit(fuzz.SEED, number) for number in range(0, 300, 3)}
    pair = [fuzz.Fuzzed(name, fuzz.SEED) for name in ("one", "two")]
    for number, requests in rows.items():
        pair[0].add(number, requests, ["200 pong"] * len(requests))
        pair[1].add(
            number, requests, ["400 bad_request" if request.kind == "a value" else "200 pong" for request in requests]
        )
    (found,) = fuzz.differences(pair)
    values = [request for requests in rows.values() for request in requests if request.kind == "a value"]
    assert found.count == sum(request.exact for request in values)
    assert len(found.request.data) == min(len(request.data) for request in values)
    assert found.request == mutate.unit(fuzz.SEED, found.number)[found.place]


@contextmanager
def server(answer: bytes, close: bool) -> Iterator[int]:
    """A service that says the same to whatever comes, once for each connection."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            kept = []
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    break
                kept.append(connection)
                connection.recv(65_536)
                connection.sendall(answer)
                if close:
                    connection.close()
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


ERROR = b"HTTP/1.1 500 x\r\ncontent-length: 2\r\n\r\nno"


@pytest.mark.parametrize(
    ("answer", "close", "outcome"),
    [
        (ERROR, True, f"{WRONG}500 no"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ERROR, True, f"{WRONG}500 no"),
        (b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", True, f"{WRONG}an answer that begins"),
        (b"", True, REFUSED),
        (b"HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n", False, OPEN),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong", True, "200 pong"),
    ],
)
def test_faults_of_a_service_are_seen(answer: bytes, close: bool, outcome: str) -> None:
    with server(answer, close) as port:
        assert exchange.broken(port, b"x", 0.3).startswith(outcome)
        told: dict[int, list[str]] = {}
        run = exchange.Exchange(port, lambda number, _, found: told.__setitem__(number, found))
        run.run([(1, [Request(b"x", "", exact=False, sound=False)])], float("inf"))
    assert told[1][0].startswith(outcome)


def test_a_sound_request_without_an_answer_is_a_fault() -> None:
    told: list[list[str]] = []
    with server(ERROR, close=True) as port:
        run = exchange.Exchange(port, lambda _, __, found: told.append(found))
        run.run([(1, [Request(b"x", "", exact=True), Request(b"y", "", exact=True)])], float("inf"))
    assert told == [[f"{WRONG}500 no", f"{WRONG}{outcomes.LOST}"]]
