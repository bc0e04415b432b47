"""A small HTTP client that shows what other clients hide: raw bytes out, connections kept, early answers read."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Self

from harness.containers.spec import LOOPBACK
from loadtests.generator.golden_cases import Response

TIMEOUT_SECONDS = 15.0


def _answer(response: http.client.HTTPResponse) -> Response:
    return Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


class Talk:
    """One keep-alive connection."""

    def __init__(self, port: int, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    @property
    def socket(self) -> socket.socket | None:
        """The socket, None when the other side asked for it to be closed."""
        return self._connection.sock

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Response:
        """Raises OSError, http.client.HTTPException."""
        kind = {} if body is None else {"content-type": "application/json"}
        self._connection.request(method, path, body=body, headers={**kind, **(headers or {})})
        return _answer(self._connection.getresponse())

    def get(self, path: str) -> Response:
        return self.ask("GET", path)

    def post(self, path: str, value: Any) -> Response:
        return self.ask("POST", path, json.dumps(value).encode())


def get(port: int, path: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Response:
    """GET on a connection of its own. Raises OSError, http.client.HTTPException."""
    with Talk(port, timeout_seconds) as talk:
        return talk.get(path)


def post(port: int, path: str, value: Any, timeout_seconds: float = TIMEOUT_SECONDS) -> Response:
    """POST JSON on a connection of its own. Raises OSError, http.client.HTTPException."""
    with Talk(port, timeout_seconds) as talk:
        return talk.post(path, value)


def send_raw(port: int, pieces: Iterable[bytes], timeout_seconds: float = TIMEOUT_SECONDS) -> Response:
    """Send bytes as they are and read one answer, which may come, and the connection end, before all is sent.

    Raises OSError, http.client.HTTPException.
    """
    with socket.create_connection((LOOPBACK, port), timeout=timeout_seconds) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.sendall(piece)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return _answer(response)


def request_head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """The first lines of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def chunked(body: bytes, chunk_bytes: int = 65_536) -> Iterable[bytes]:
    """A body in HTTP/1.1 chunks."""
    for start in range(0, len(body), chunk_bytes):
        part = body[start : start + chunk_bytes]
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"
