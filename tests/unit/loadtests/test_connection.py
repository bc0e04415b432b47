"""The lean connection against servers that behave and servers that don't."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import gevent
import pytest

from harness.files import ROOT
from loadtests.generator.connection import Broken, Connection

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-type: text/plain\r\n\r\npong"


def serve(behave: Callable[[socket.socket], None]) -> int:
    """A server for one connection, in a thread. Returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        peer, _ = listener.accept()
        with peer, listener:
            behave(peer)

    threading.Thread(target=run, daemon=True).start()
    return int(listener.getsockname()[1])


def answering(*parts: bytes) -> Callable[[socket.socket], None]:
    def behave(peer: socket.socket) -> None:
        while peer.recv(65536):
            for part in parts:
                peer.sendall(part)
                time.sleep(0.001)

    return behave


def test_an_answer_in_one_piece_is_read() -> None:
    connection = Connection("127.0.0.1", serve(answering(ANSWER)))
    assert connection.exchange(b"GET / HTTP/1.1\r\n\r\n") == 200
    assert connection.body == b"pong"
    assert connection.keep_alive


@pytest.mark.parametrize("timed", [True, False])
def test_the_time_that_an_answer_waits_to_be_read_is_measured(timed: bool) -> None:
    connection = Connection("127.0.0.1", serve(answering(ANSWER)))
    connection.time_answers(timed)
    waited = []
    # The kernel begins to stamp a moment after it was first asked to.
    for _ in range(5):
        # Holds the thread up as soon as the connection waits for its answer.
        gevent.spawn(time.sleep, 0.05)
        assert connection.exchange(b"GET / HTTP/1.1\r\n\r\n") == 200
        waited.append(connection.unread_ns / 1e9)
    assert 0.03 < max(waited) < 0.06 if timed else max(waited) == 0


def test_an_answer_that_is_read_at_once_has_not_waited() -> None:
    connection = Connection("127.0.0.1", serve(answering(ANSWER)))
    connection.time_answers(True)
    waited = []
    for _ in range(20):
        connection.exchange(b"GET / HTTP/1.1\r\n\r\n")
        waited.append(connection.unread_ns)
    assert 0 < min(waited) < 5e6


def closing_when_told(told: threading.Event) -> Callable[[socket.socket], None]:
    """Answers one request, and closes the connection at a sign."""

    def behave(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(ANSWER)
        told.wait(5)

    return behave


def test_a_connection_that_the_service_closed_meanwhile_has_ended() -> None:
    told = threading.Event()
    connection = Connection("127.0.0.1", serve(closing_when_told(told)))
    connection.exchange(b"GET / HTTP/1.1\r\n\r\n")
    assert not connection.ended()
    told.set()
    deadline = time.monotonic() + 5
    while not connection.ended():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_an_answer_that_arrives_byte_by_byte_is_read() -> None:
    connection = Connection("127.0.0.1", serve(answering(*(bytes([byte]) for byte in ANSWER))))
    assert connection.exchange(b"GET / HTTP/1.1\r\n\r\n") == 200
    assert connection.body == b"pong"


def test_a_second_answer_does_not_carry_the_first_ones_body() -> None:
    connection = Connection("127.0.0.1", serve(answering(ANSWER)))
    for _ in range(3):
        assert connection.exchange(b"GET / HTTP/1.1\r\n\r\n") == 200
        assert connection.body == b"pong"


def test_chunked_bodies_are_put_together() -> None:
    chunked = b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n2\r\npo\r\n2\r\nng\r\n0\r\n\r\n"
    connection = Connection("127.0.0.1", serve(answering(chunked)))
    assert connection.exchange(b"GET / HTTP/1.1\r\n\r\n") == 201
    assert connection.body == b"pong"


def test_a_request_larger_than_the_socket_buffer_is_sent_whole() -> None:
    received = []

    def behave(peer: socket.socket) -> None:
        total = 0
        while total < 8_000_000:
            total += len(peer.recv(1_000_000))
        received.append(total)
        peer.sendall(ANSWER)

    connection = Connection("127.0.0.1", serve(behave))
    assert connection.exchange(b"x" * 8_000_000) == 200
    assert received == [8_000_000]


def test_a_close_in_the_middle_of_an_answer_is_broken() -> None:
    def behave(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(ANSWER[:-2])

    connection = Connection("127.0.0.1", serve(behave))
    with pytest.raises(Broken, match="closed the connection"):
        connection.exchange(b"GET / HTTP/1.1\r\n\r\n")


def test_an_answer_that_is_not_http_is_broken() -> None:
    connection = Connection("127.0.0.1", serve(answering(b"SSH-2.0-OpenSSH\r\n")))
    with pytest.raises(Broken, match="not HTTP"):
        connection.exchange(b"GET / HTTP/1.1\r\n\r\n")


def test_a_service_that_closes_after_its_answer_says_so() -> None:
    closing = ANSWER.replace(b"content-type", b"connection: close\r\ncontent-type")
    connection = Connection("127.0.0.1", serve(answering(closing)))
    assert connection.exchange(b"GET / HTTP/1.1\r\n\r\n") == 200
    assert not connection.keep_alive


def test_nothing_listening_is_broken_with_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Broken, match=f"127.0.0.1:{port}"):
        Connection("127.0.0.1", port)


def test_a_request_without_an_answer_can_be_aborted_from_outside() -> None:
    connection = Connection("127.0.0.1", serve(lambda peer: time.sleep(5)))
    gevent.spawn_later(0.05, connection.abort)
    start = time.monotonic()
    with pytest.raises(Broken):
        connection.exchange(b"GET / HTTP/1.1\r\n\r\n")
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("patience", [None, 0.3])
def test_all_requests_of_a_user_go_over_one_connection(patience: float | None) -> None:
    """If keep-alive were misread, each request would cost a TCP handshake, in the generator and in the service.

    `patience`: the service closes a connection after so many seconds without a request. After the pause it is opened again,
    and that is no failure and does not count.
    """
    accepted = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_one(peer: socket.socket) -> None:
        peer.settimeout(patience)
        with peer, contextlib.suppress(TimeoutError):
            answering(ANSWER)(peer)

    def run() -> None:
        while True:
            peer, _ = listener.accept()
            accepted.append(peer)
            threading.Thread(target=serve_one, args=(peer,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    script = (
        "from locust.env import Environment\n"
        "import gevent, loadtests.ping as ping\n"
        f"environment = Environment(user_classes=[ping.ProfileUser], host='http://127.0.0.1:{listener.getsockname()[1]}')\n"
        "runner = environment.create_local_runner()\n"
        "runner.start(3, spawn_rate=3)\n"
        "gevent.sleep(1)\n"
        "ping.ProfileUser.stage.end()\n"
        "gevent.sleep(0.6)\n"
        "ping.ProfileUser.stage.begin(ping.ProfileUser.closed_loop())\n"
        "gevent.sleep(0.2)\n"
        "ping.ProfileUser.stage.end()\n"
        "gevent.sleep(0.2)\n"
        "recorder = ping.ProfileUser.recorder\n"
        "answered, failed = recorder.totals()\n"
        "print(answered['GET /ping'], failed['GET /ping'], recorder.connections_opened)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    answered, failed, opened = map(int, said.split())
    assert answered > 100
    assert (failed, opened) == (0, 3)
    assert len(accepted) == (6 if patience else 3)
