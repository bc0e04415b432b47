"""uvicorn's HTTP protocol, with limits that uvicorn has not: time for a request's arrival, and bytes for its head."""

import asyncio
from collections import deque

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_SECONDS = 10
_BODY_SECONDS = 10
# The parser gets no more at once. So no head is over 64 KiB.
_PIECE_BYTES = 16_384
_HEAD_BYTES = 49_152
_NO_TRAILERS: deque[tuple[bytes, bytes]] = deque(maxlen=0)


class DeadlineProtocol(HttpToolsProtocol):
    """Closes a connection on which the head of a request is too long or not complete in time, or then its body.

    Most requests come in one piece, and set no timer. `on_...` are the calls of the parser, httptools.
    """

    _deadline: asyncio.TimerHandle | None = None
    # How long the part of a request that is under way may take; None between two requests.
    _seconds: float | None = None
    # What came of a head without completing it; None where no head is under way.
    _head_bytes: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # A new connection owes its first request.
        self._deadline = self.loop.call_later(_HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        if len(data) > _PIECE_BYTES:
            for start in range(0, len(data), _PIECE_BYTES):
                if not self.transport.is_closing():
                    self.data_received(data[start : start + _PIECE_BYTES])
            return
        super().data_received(data)
        if self._seconds is None:
            # An empty line between two requests. uvicorn has taken it for a request, and ended its wait for one.
            if self._deadline is None and self.cycle.response_complete:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
            return
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._seconds, self.transport.close)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._seconds = _HEAD_SECONDS
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        # The trailers of a body would be added to the headers of its request, however many they are.
        self.headers = _NO_TRAILERS  # type: ignore[assignment]
        self._seconds = _BODY_SECONDS
        self._head_bytes = None
        self._met()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._seconds = None
        self._met()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._met()

    def _met(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
