"""The deadlines of a request's arrival, on a real server and with short times."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn import Config
from uvicorn.server import ServerState

from fitmap import protocol
from fitmap.protocol import DeadlineProtocol

SECONDS = 0.3
KEEP_ALIVE_SECONDS = 1
HEAD = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _echo(request: Request) -> Response:
    try:
        return PlainTextResponse(await request.body())
    except ClientDisconnect:
        return Response()


async def _count(request: Request) -> Response:
    await request.body()
    return PlainTextResponse(str(len(request.headers)))


async def _long(_request: Request) -> Response:
    await asyncio.sleep(3 * SECONDS)
    return PlainTextResponse("done")


@asynccontextmanager
async def _server() -> AsyncIterator[int]:
    routes = [Route("/echo", _echo, methods=["POST"]), Route("/count", _count, methods=["POST"]), Route("/long", _long)]
    app = Starlette(routes=routes)
    config = Config(
        app, http=DeadlineProtocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=KEEP_ALIVE_SECONDS
    )
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: DeadlineProtocol(config, ServerState(), {}, loop), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def talk(conversation: Talk, monkeypatch: pytest.MonkeyPatch) -> float:
    """How many seconds a conversation took."""
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", SECONDS)
    monkeypatch.setattr(protocol, "_BODY_SECONDS", SECONDS)

    async def run() -> float:
        async with _server() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            start = time.monotonic()
            try:
                await asyncio.wait_for(conversation(reader, writer), 10)
            finally:
                writer.close()
            return time.monotonic() - start

    return asyncio.run(run())


async def _answered(reader: asyncio.StreamReader, body: bytes) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert await reader.readexactly(len(body)) == body


@pytest.mark.parametrize("sent", [b"", b"GET /long HT", HEAD, HEAD + b"abc"])
def test_what_does_not_arrive_in_time_is_cut_off(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        assert await reader.read() == b""

    assert SECONDS <= talk(conversation, monkeypatch) < 3 * SECONDS


def test_a_trickle_does_not_prolong_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = asyncio.create_task(reader.read())
        writer.write(b"GET /long HTTP/1.1\r\nx: ")
        while not end.done():
            writer.write(b"x")
            await asyncio.sleep(SECONDS / 10)
        assert end.result() == b""

    assert SECONDS <= talk(conversation, monkeypatch) < 3 * SECONDS


def test_head_and_body_have_a_deadline_each(monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in (HEAD[:10], HEAD[10:20], HEAD[20:], b"ab", b"cd"):
            writer.write(piece)
            await asyncio.sleep(SECONDS / 3)
        await _answered(reader, b"abcd")

    talk(conversation, monkeypatch)


def test_neither_an_idle_connection_nor_a_slow_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(b"GET /long HTTP/1.1\r\n\r\n")
            await _answered(reader, b"done")
            await asyncio.sleep(2 * SECONDS)

    talk(conversation, monkeypatch)


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_an_idle_connection_is_closed_after_a_while_also_after_an_empty_line(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"abcd")
        await _answered(reader, b"abcd")
        writer.write(sent)
        assert await reader.read() == b""

    assert KEEP_ALIVE_SECONDS <= talk(conversation, monkeypatch) < KEEP_ALIVE_SECONDS + 2 * SECONDS


def test_a_body_that_comes_after_its_answer_has_the_deadline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD.replace(b"POST", b"PUT"))
        assert (await reader.readuntil(b"\r\n\r\nMethod Not Allowed")).startswith(b"HTTP/1.1 405 ")
        assert await reader.read() == b""

    assert SECONDS <= talk(conversation, monkeypatch) < 3 * SECONDS


def test_a_head_without_an_end_is_cut_off_before_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /long HTTP/1.1\r\nx: " + b"x" * 60_000)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""

    assert talk(conversation, monkeypatch) < SECONDS


def test_trailers_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = HEAD.replace(b"content-length: 4", b"transfer-encoding: chunked").replace(b"/echo", b"/count")
        writer.write(head + b"4\r\nabcd\r\n0\r\n" + b"a: b\r\n" * 100 + b"\r\n")
        await _answered(reader, b"2")

    talk(conversation, monkeypatch)
