"""Clients that break HTTP or the limits: refused in time, and everybody else is served.

What is sent here has a name and an expected outcome. tests/fuzz sends what nobody has thought of.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import exchange
import outcomes
import pytest
import talking
from exchange import hear_answers
from mutate import KIND, render
from outcomes import OPEN, REFUSED, WAITS
from stand import Pair, until

from harness.containers.spec import LOOPBACK
from harness.host.cgroup import Cgroup
from harness.record.config import Limits

pytestmark = pytest.mark.containers

PONG = "200 pong"
NOTHING = '200 {"orders":0,"regions":[]}'
BODY = b'{"orders":[]}'
PING = render(b"GET", b"/ping", b"", None)
#: A request that must not be answered where it stands in the body of another.
HIDDEN = render(b"GET", b"/wait?ms=1", b"", None)
MIB = 1_048_576
#: After so much silence a service waits for more.
PATIENCE_SECONDS = 4.0

HEAD_BYTES = 65_536
#: So much more may be on its way through the kernels' buffers.
BUFFERED_BYTES = 8 * MIB


def post(headers: bytes, body: bytes) -> bytes:
    return b"POST /cpu/summarize HTTP/1.1\r\nhost: localhost\r\n%b%b\r\n%b" % (KIND, headers, body)


def ping(headers: bytes) -> bytes:
    return render(b"GET", b"/ping", headers + b"\r\n", None)


def chunks(text: bytes) -> bytes:
    return post(b"transfer-encoding: chunked\r\n", text)


CHUNKED = b"d\r\n" + BODY + b"\r\n0\r\n\r\n"
LENGTH = b"content-length: 13\r\n"

#: What is sent, and which outcomes are equally safe; see "What is not HTTP" in the contract.
BROKEN: dict[str, tuple[bytes, set[str]]] = {
    "a first line of 70,000 bytes": (render(b"GET", b"/ping?" + b"x" * 70_000, b"", None), {REFUSED}),
    "a header of 70,000 bytes": (ping(b"a: " + b"b" * 70_000), {REFUSED}),
    "a header name of 70,000 bytes": (ping(b"a" * 70_000 + b": b"), {REFUSED}),
    "20,000 headers": (ping(b"\r\n".join([b"a: b"] * 20_000)), {REFUSED}),
    "70,000 bytes behind a sound request": (PING + ping(b"a: " + b"b" * 70_000), {PONG, REFUSED}),
    "a head of 6,000 bytes": (ping(b"a: " + b"b" * 6_000), {PONG}),
    "a first line of 1,500 bytes": (render(b"GET", b"/ping?" + b"x" * 1_500, b"", None), {PONG}),
    "length and transfer coding": (post(LENGTH + b"transfer-encoding: chunked\r\n", CHUNKED), {REFUSED, NOTHING}),
    "transfer coding and length": (post(b"transfer-encoding: chunked\r\n" + LENGTH, CHUNKED), {REFUSED, NOTHING}),
    "two lengths": (post(LENGTH + b"content-length: 14\r\n", BODY + b" "), {REFUSED}),
    "the same length twice": (post(LENGTH + LENGTH, BODY), {REFUSED, NOTHING}),
    "a list of lengths": (post(b"content-length: 13, 14\r\n", BODY + b" "), {REFUSED}),
    "a length with a sign": (post(b"content-length: +13\r\n", BODY), {REFUSED}),
    "a negative length": (post(b"content-length: -13\r\n", BODY), {REFUSED}),
    "a length of hexadecimal digits": (post(b"content-length: 0x0d\r\n", BODY), {REFUSED}),
    "no length": (post(b"content-length:\r\n", b""), {REFUSED}),
    "a length past 64 bits": (post(b"content-length: 18446744073709551629\r\n", BODY), {REFUSED}),
    "a length past 63 bits": (post(b"content-length: 9223372036854775821\r\n", BODY), {REFUSED, OPEN, WAITS}),
    "another transfer coding": (post(b"transfer-encoding: gzip\r\n", HIDDEN), {REFUSED}),
    "no transfer coding": (post(b"transfer-encoding: identity\r\n", HIDDEN), {REFUSED}),
    "a transfer coding much like chunked": (post(b"transfer-encoding: xchunked\r\n", HIDDEN), {REFUSED}),
    "a transfer coding after chunked": (post(b"transfer-encoding: chunked, gzip\r\n", HIDDEN), {REFUSED}),
    "chunked in capitals": (post(b"Transfer-Encoding: CHUNKED\r\n", CHUNKED), {REFUSED, NOTHING}),
    "chunked in capitals, around a request": (post(b"Transfer-Encoding: CHUNKED\r\n", b"0\r\n\r\n"), {REFUSED}),
    "a space before the colon": (post(b"transfer-encoding : chunked\r\n", CHUNKED), {REFUSED}),
    "a chunk that is too long for all": (chunks(b"ffffffffffffffff1\r\n" + BODY), {REFUSED, OPEN, WAITS}),
    "a chunk of 64 bits": (chunks(b"fffffffffffffff0\r\n" + BODY), {REFUSED, OPEN, WAITS}),
    "a negative chunk": (chunks(b"-d\r\n" + BODY + b"\r\n0\r\n\r\n"), {REFUSED}),
    "a chunk size with a prefix": (chunks(b"0xd\r\n" + BODY + b"\r\n0\r\n\r\n"), {REFUSED}),
    "a chunk size that is none": (chunks(b"x\r\n" + BODY + b"\r\n0\r\n\r\n"), {REFUSED}),
    "a chunk that goes on": (chunks(b"d\r\n" + BODY + b"XX\r\n0\r\n\r\n"), {REFUSED}),
    "an end of chunks that is none": (chunks(b"d\r\n" + BODY + b"\r\n0\r\nX\r\nY"), {REFUSED, OPEN, WAITS}),
    "a folded header": (ping(b"a: b\r\n c"), {REFUSED, PONG}),
    "a folded first header": (b"GET /ping HTTP/1.1\r\n host: localhost\r\n\r\n", {REFUSED, PONG}),
    "a line feed alone": (ping(b"a: b\nc: d"), {REFUSED, PONG}),
    "line feeds alone": (PING.replace(b"\r\n", b"\n"), {REFUSED, PONG, WAITS}),
    "a carriage return alone": (ping(b"a: b\rc: d"), {REFUSED}),
    "carriage returns alone": (PING.replace(b"\r\n", b"\r"), {REFUSED, WAITS}),
    "NUL in a name": (ping(b"a\x00b: c"), {REFUSED}),
    "NUL in a value": (ping(b"a: b\x00c"), {REFUSED}),
    "NUL in a path": (render(b"GET", b"/ping\x00", b"", None), {REFUSED}),
    "NUL in a query": (render(b"GET", b"/ping?a=\x00", b"", None), {REFUSED, PONG}),
    "NUL in a method": (render(b"G\x00T", b"/ping", b"", None), {REFUSED}),
    "NULs before a request": (b"\x00\x00" + PING, {REFUSED, WAITS}),
    "a header without a colon": (ping(b"a"), {REFUSED}),
    "a header without a name": (ping(b": b"), {REFUSED, PONG}),
    "a space in a name": (ping(b"a b: c"), {REFUSED}),
    "a path that is no UTF-8": (render(b"GET", b"/products/\xff", b"", None), {REFUSED}),
    "a query that is no UTF-8": (render(b"GET", b"/wait?ms=\xff", b"", None), {REFUSED}),
    "a space in a path": (render(b"GET", b"/ping x", b"", None), {REFUSED}),
    "no path": (b"GET  HTTP/1.1\r\nhost: localhost\r\n\r\n", {REFUSED}),
    "no version": (b"GET /ping\r\nhost: localhost\r\n\r\n", {REFUSED, PONG, WAITS}),
    "HTTP/0.9": (PING.replace(b"1.1", b"0.9"), {REFUSED, PONG}),
    "HTTP/1.2": (PING.replace(b"1.1", b"1.2"), {REFUSED, PONG}),
    "HTTP/2.0": (PING.replace(b"1.1", b"2.0"), {REFUSED, PONG}),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {REFUSED, WAITS}),
    "an offer of HTTP/2": (ping(b"connection: upgrade\r\nupgrade: h2c\r\nhttp2-settings: AAMA"), {REFUSED, PONG}),
    "a hello of TLS": (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x01" * 160, {REFUSED, WAITS}),
    "no host": (b"GET /ping HTTP/1.1\r\n\r\n", {REFUSED, PONG}),
    "two hosts": (ping(b"host: other"), {REFUSED, PONG}),
    "a whole URL": (render(b"GET", b"http://localhost/ping", b"", None), {REFUSED, PONG}),
    "a method in small letters": (render(b"get", b"/ping", b"", None), {REFUSED, PONG}),
    "an expectation": (post(LENGTH + b"expect: 100-continue\r\n", BODY), {REFUSED, NOTHING}),
    "an unknown expectation": (ping(b"expect: the best"), {REFUSED, PONG}),
}  # fmt: skip


@pytest.mark.essential
def test_what_is_not_http_is_refused_or_understood_as_by_all(pair: Pair, target: str) -> None:
    logged = pair.service.running.container.logs()
    # At the same time, because some are waited for.
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda case: exchange.broken(pair.port, case[0], PATIENCE_SECONDS), BROKEN.values()))
    wrong = [
        f"{name}: {outcome} instead of {' or '.join(sorted(allowed))}"
        for (name, (_, allowed)), outcome in zip(BROKEN.items(), found, strict=True)
        if outcome not in allowed
    ]
    more = pair.service.running.container.logs()[len(logged) :].decode(errors="replace").splitlines()
    if more:
        wrong.append(f"{len(more)} lines were logged, first {more[0][:300]!r}")
    assert not wrong, os.linesep.join([f"{target}:", *wrong])


#: What is sent first, and then for ever.
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a first line": (b"GET /", b"x" * 65_536),
    "a header": (b"GET /ping HTTP/1.1\r\na: ", b"x" * 65_536),
    "headers": (b"GET /ping HTTP/1.1\r\n", b"a: b\r\n" * 10_000),
    "headers behind a request": (PING + b"GET /ping HTTP/1.1\r\n", b"a: b\r\n" * 10_000),
}


def accepted_bytes(port: int, first: bytes, more: bytes, limit: int) -> int:
    """How much of an endless head a service takes before it closes the connection; `limit` when it goes on."""
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection, contextlib.suppress(OSError):
        sent = connection.send(first)
        while sent < limit:
            # A timeout means that nobody reads. That is a limit too, as long as the deadline ends it.
            sent += connection.send(more)
    return sent


@pytest.mark.essential
def test_a_head_without_an_end_is_cut_off_for_its_size(pair: Pair, target: str) -> None:
    limit = 2 * BUFFERED_BYTES
    taken = {name: accepted_bytes(pair.port, *sent, limit) for name, sent in ENDLESS.items()}
    wrong = {name: count for name, count in taken.items() if count >= BUFFERED_BYTES}
    assert not wrong, f"{target} took so many bytes: {wrong}"


def test_options_of_the_whole_server_are_an_unknown_route(pair: Pair, target: str) -> None:
    ((status, body), *_) = hear_answers(pair.port, render(b"OPTIONS", b"*", b"", None), 1)
    assert (status, json.loads(body or b"{}").get("error")) == (404, "not_found"), f"{target}: {status} {body!r}"


@pytest.mark.essential
def test_a_body_in_pieces_of_one_byte_costs_linear_time(pair: Pair, target: str) -> None:
    with contextlib.closing(Cgroup(pair.service.running.pid)) as cgroup:

        def seconds(size: int) -> float:
            """Of the CPU, by the service alone: time on the clock would count what else the machine does."""
            body = BODY.ljust(size)
            data = post(b"transfer-encoding: chunked\r\n", b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
            start = cgroup.read().cpu_ns
            heard = [status for status, _ in hear_answers(pair.port, data, 1)]
            used = (cgroup.read().cpu_ns - start) / 1e9
            assert heard == [200], f"{target}: {size} bytes are answered {heard or 'not at all'} after {used:.1f} s"
            return used

        seconds(MIB // 8)
        # The lesser of two: a collection of garbage, or a compilation, may fall into one of them.
        quarter, whole = (min(seconds(size), seconds(size)) for size in (MIB // 4, MIB))
    # Quadratic time would be sixteen times as much.
    assert whole < 8 * quarter + 0.2, f"{target}: {quarter:.2f} s for a quarter, {whole:.2f} s for the whole"
    assert whole < 8, f"{target}: {whole:.2f} s"


def test_sound_requests_before_a_broken_one_keep_their_answers(pair: Pair, target: str) -> None:
    first, second = render(b"GET", b"/wait?ms=20", b"", None), render(b"GET", b"/products/1", b"", None)
    expected = ['200 {"waited_ms":20}', '200 {"id":1,']
    for broken in (b"\x00\x00\r\n\r\n", ping(b"a b: c"), post(b"content-length: x\r\n", BODY), chunks(b"x\r\n")):
        heard, ended, fault = exchange.hear(pair.port, first + second + broken, math.inf, PATIENCE_SECONDS)
        got = [outcomes.told(*answer) for answer in heard]
        # Who reads all at once may find the broken one before it has answered the others, and end the connection.
        good = [words for words in got if words.startswith("200")]
        right = all(words.startswith(start) for words, start in zip(good, expected, strict=False))
        assert ended and not fault and right and len(got) <= 3, f"{target}, {broken!r}: {got}, ended: {ended}, {fault}"


def is_whole(port: int) -> bool:
    """Whether as many requests as the pool has connections hold one each at once: none waits for another to end."""
    size, begin = Limits().db_pool_size, time.monotonic()
    with ThreadPoolExecutor(size) as threads:
        statuses = list(threads.map(lambda _: talking.get(port, "/products/1/slow?ms=500").status, range(size)))
    return set(statuses) == {200} and time.monotonic() - begin < 0.95


def test_clients_that_hang_up_in_the_middle_leave_no_trace(pair: Pair, target: str) -> None:
    logged = pair.service.running.container.logs()
    order = b'{"customer_id":5,"lines":[{"product_id":5,"quantity":1}]}'
    sent = (
        render(b"GET", b"/products/1/slow?ms=50", b"", None),
        render(b"POST", b"/orders", KIND, order),
        render(b"GET", b"/wait?ms=50", b"", None),
        render(b"POST", b"/orders", KIND, order)[:-1],
        PING * 9 + render(b"GET", b"/reports/regions?days=1", b"", None),
    )

    def hang_up(number: int) -> None:
        with contextlib.suppress(OSError):
            exchange.hear(pair.port, sent[number % len(sent)], math.inf, patience=number % 7 / 200)

    with ThreadPoolExecutor(8) as threads:
        # So few that none waits 2 s for a connection, which the service would log, on a busy machine either.
        list(threads.map(hang_up, range(150)))
    until(f"{target}: nobody who has left holds a connection", lambda: is_whole(pair.port))
    more = pair.service.running.container.logs()[len(logged) :].decode(errors="replace")
    assert not more, f"{target}: {more[:2000]}"


def test_clients_that_hang_up_cost_the_database_no_more_connections_than_the_pool_has(pair: Pair, target: str) -> None:
    """The server does not see that a client of the service has left: it goes on with the statement."""
    size = Limits().db_pool_size
    slow = render(b"GET", b"/products/1/slow?ms=1000", b"", None)
    over = threading.Event()

    def most() -> int:
        seen = 0
        while not over.is_set():
            seen = max(seen, pair.database.connections())
        return seen

    def hang_up(_: int) -> None:
        with contextlib.suppress(OSError):
            exchange.hear(pair.port, slow, math.inf, patience=0.02)

    with ThreadPoolExecutor(9) as threads:
        watching = threads.submit(most)
        try:
            list(threads.map(hang_up, range(3 * size)))
            until(f"{target}: nobody who has left holds a connection", lambda: is_whole(pair.port))
        finally:
            over.set()
        assert watching.result() <= size, f"{target} had {watching.result()} connections"
    assert pair.database.connections() == size, target


@pytest.mark.essential
def test_after_all_that_it_lives_on(pair: Pair, target: str) -> None:
    assert pair.service.is_ready(), target
    assert pair.service.running.container.attrs["RestartCount"] == 0, target
