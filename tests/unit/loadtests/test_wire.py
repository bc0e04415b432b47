"""The lean connection over TLS, against servers that behave and servers that don't."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable

import gevent
import pytest

from harness.files import ROOT
from loadtests.generator import connection as connection_module
from loadtests.generator.connection import Broken, Connection
from loadtests.generator.reach import reach
from loadtests.generator.stated import Stamped, StatedConnection
from loadtests.generator.wire import Peer, addressed
from loadtests.protocol.outside import Outside

CERTIFICATE = ROOT / "loadtests" / "calibration" / "null.crt"
KEY = CERTIFICATE.with_suffix(".key")
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-kind: test\r\n\r\npong"
REQUEST = b"GET / HTTP/1.1\r\n\r\n"

Behave = Callable[[ssl.SSLSocket], None]


def serve(behave: Behave) -> int:
    """A TLS server for connections one after the other, in a thread. Returns its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as peer:
                    behave(peer)
            except OSError:
                plain.close()

    threading.Thread(target=run, daemon=True).start()
    return int(listener.getsockname()[1])


def outside(port: int, host: str = "127.0.0.1", ca: str | None = None, *, secure: bool = True) -> Outside:
    text = CERTIFICATE.read_text() if ca is None else ca
    return Outside(host, port, f"http{'s' * secure}://{host}:{port}", secure, text if secure else "")


def connect(port: int, kind: type[Connection] = Connection) -> Connection:
    peer = Peer(outside(port))
    return kind(peer.address, port, peer)


def answering(*parts: bytes) -> Behave:
    def behave(peer: ssl.SSLSocket) -> None:
        while peer.recv(65536):
            for part in parts:
                peer.sendall(part)
                time.sleep(0.001)

    return behave


def test_answers_are_read_one_after_the_other() -> None:
    connection = connect(serve(answering(ANSWER[:20], ANSWER[20:])))
    for _ in range(3):
        assert connection.exchange(REQUEST) == 200
        assert connection.body == b"pong"
        assert not connection.ended()


def test_an_answer_of_many_records_is_read_to_its_end() -> None:
    body = bytes(range(256)) * 2000
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    connection = connect(serve(answering(whole)))
    with gevent.Timeout(5):
        assert connection.exchange(REQUEST) == 200
    assert connection.body == body


def test_a_request_larger_than_the_sockets_buffer_arrives_as_it_is() -> None:
    received = bytearray()

    def behave(peer: ssl.SSLSocket) -> None:
        while len(received) < 20_000_000:
            received.extend(peer.recv(65536))
        peer.sendall(ANSWER)

    request = bytes(range(250)) * 80_000
    with gevent.Timeout(10):
        assert connect(serve(behave)).exchange(request) == 200
    assert received == request


def test_profiles_in_toml_have_their_numbers_and_headers_over_tls_too() -> None:
    got: list[bytes] = []

    def behave(peer: ssl.SSLSocket) -> None:
        while part := peer.recv(65536):
            got.append(part)
            peer.sendall(ANSWER)

    connection = connect(serve(behave), StatedConnection)
    assert connection.exchange(Stamped(b"GET /~fitmap.unique.~ HTTP/1.1\r\n\r\n")) == 200
    assert got[0][:5] == b"GET /" and got[0][5:21].isdigit()
    assert getattr(connection.body, "headers", {})["x-kind"] == "test"


def test_the_time_that_an_answer_waits_to_be_read_is_measured_over_tls_too() -> None:
    connection = connect(serve(answering(ANSWER)))
    connection.time_answers(True)
    waited = []
    # The kernel begins to stamp a moment after it was first asked to.
    for _ in range(5):
        gevent.spawn(time.sleep, 0.05)
        assert connection.exchange(REQUEST) == 200
        waited.append(connection.unread_ns / 1e9)
    assert 0.03 < max(waited) < 0.06


def test_tickets_of_a_session_are_no_end_and_a_goodbye_is() -> None:
    told = threading.Event()

    def behave(peer: ssl.SSLSocket) -> None:
        # After the handshake the server has sent two tickets already.
        told.wait(5)

    connection = connect(serve(behave))
    time.sleep(0.05)
    assert not connection.ended()
    told.set()
    time.sleep(0.05)
    assert connection.ended()


def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    def behave(peer: ssl.SSLSocket) -> None:
        peer.sendall(ANSWER)
        peer.recv(1)

    connection = connect(serve(behave))
    time.sleep(0.05)
    assert connection.ended()


def test_a_service_that_says_goodbye_in_the_middle_of_an_answer_is_told() -> None:
    def behave(peer: ssl.SSLSocket) -> None:
        peer.recv(65536)
        peer.sendall(ANSWER[:-2])
        peer.unwrap()

    with pytest.raises(Broken, match="the service closed the connection before its answer was complete"):
        connect(serve(behave)).exchange(REQUEST)


@pytest.mark.parametrize(
    ("host", "ca", "reason"),
    [
        ("127.0.0.1", "", "is not trusted: self-signed certificate"),
        ("localhost", None, "is not trusted: Hostname mismatch, certificate is not valid for 'localhost'"),
        ("127.0.0.1", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "ca: it has no certificate in PEM"),
        ("no-such-host.invalid", None, "can't connect to https://no-such-host.invalid"),
    ],
)
def test_who_can_not_prove_that_it_is_the_service_gets_no_request(host: str, ca: str | None, reason: str) -> None:
    got: list[bytes] = []
    port = serve(lambda peer: got.append(peer.recv(65536)))
    with pytest.raises(Broken) as refused:
        reach(outside(port, host, ca))
    assert reason in str(refused.value)
    assert got in ([], [b""])


def test_a_service_that_has_no_tls_is_told() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        for _ in range(2):
            peer, _ = listener.accept()
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

    threading.Thread(target=run, daemon=True).start()
    port = listener.getsockname()[1]
    with pytest.raises(Broken, match="WRONG_VERSION_NUMBER|wrong version number"):
        reach(outside(port))
    # Without TLS nothing is asked of it: a connection is enough.
    reach(outside(port, secure=False))


def test_who_takes_connections_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        begin = time.monotonic()
        with pytest.raises(Broken, match=f"can't connect to https://127.0.0.1:{port}: no answer within 0.2 s"):
            reach(outside(port))
        assert time.monotonic() - begin < 1


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Broken, match=f"can't connect to https://127.0.0.1:{port}: Connection refused"):
        reach(outside(port))


def test_headers_name_the_service_and_not_this_machine() -> None:
    request = Stamped(
        b"POST /orders HTTP/1.1\r\nhost: 127.0.0.1\r\nreferer: http://127.0.0.1/shop\r\norigin: http://127.0.0.1\r\n\r\n"
        b"\r\nhost: 127.0.0.1\r\n"
    )
    found = addressed(request, "https://staging.shop.lab:8443")
    assert found == (
        b"POST /orders HTTP/1.1\r\nhost: staging.shop.lab:8443\r\nreferer: https://staging.shop.lab:8443/shop\r\n"
        b"origin: https://staging.shop.lab:8443\r\n\r\n\r\nhost: 127.0.0.1\r\n"
    )
    assert isinstance(found, Stamped)
    own = b"GET / HTTP/1.1\r\nhost: other\r\nreferer: https://page\r\n\r\n"
    assert addressed(own, "https://staging.shop.lab") == own
