"""uvicorn's HTTP protocol, with the deadlines for a request's arrival that uvicorn has not."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_SECONDS = 10
_BODY_SECONDS = 10


class DeadlineProtocol(HttpToolsProtocol):
    """Closes a connection on which the head of a request is not complete in time, or then its body.

    Most requests come in one piece, and set no timer. `on_...` are the calls of the parser, httptools.
    """

    _deadline: asyncio.TimerHandle | None = None
    # How long the part of a request that is under way may take; None between two requests.
    _seconds: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # A new connection owes its first request.
        self._deadline = self.loop.call_later(_HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._seconds is not None and self._deadline is None:
            self._deadline = self.loop.call_later(self._seconds, self.transport.close)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._seconds = _HEAD_SECONDS

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._seconds = _BODY_SECONDS
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
