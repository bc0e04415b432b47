"""The client's keep-alive HTTP/1.1 connection: a non-blocking socket, gevent's event loop, the C parser of httptools."""

from __future__ import annotations

import contextlib
import errno
import os
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any

import gevent
import httptools
from gevent import monkey

from loadtests.generator.wire import CONNECT_SECONDS, Peer, Wire

# The original socket class: gevent's own tries to read before it waits, which costs an exception each time.
Socket = monkey.get_original("socket", "socket")

RECEIVE_BYTES = 262_144
#: Linux: `SO_TIMESTAMPNS` asks the kernel for the instant at which data arrived, as a `struct timespec` of the wall clock.
TIMESTAMP_OPTION = 35
TIMESPEC = struct.Struct("@ll")


class Broken(Exception):
    """The connection ended, or the answer was not HTTP. The message says which."""


class Connection:
    """Sends one request at a time and waits for its whole answer.

    `body` and `keep_alive` are those of the last answer. `peer`: of a service that the harness did not start, to whose
    address and port the connection goes. Raises Broken.
    """

    #: While answers are timed: how long the last part of the last answer lay in the socket before it was read.
    unread_ns = 0

    def __init__(self, host: str, port: int, peer: Peer | None = None) -> None:
        self._socket = Socket(10 if ":" in host else 2)  # AF_INET6, AF_INET
        if peer is None:
            self._connect_at_once(host, port)
        self._socket.setblocking(False)
        self._socket.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY
        self._send = self._socket.send
        self._receive: Callable[[int], bytes] = self._socket.recv
        hub: Any = gevent.get_hub()
        self._wait = hub.wait
        self._readable = hub.loop.io(self._socket.fileno(), 1)
        self._writable = hub.loop.io(self._socket.fileno(), 2)
        # One parser reads one answer after the other, until the service announces that it closes the connection.
        self._parser = httptools.HttpResponseParser(self)
        self._feed: Callable[[bytes], object] = self._parser.feed_data
        self.body = b""
        self.complete = False
        #: Whether the service keeps the connection open after the last answer.
        self.keep_alive = True
        self._wire: Wire | None = None
        if peer:
            self._reach(host, port, peer)

    def _connect_at_once(self, host: str, port: int) -> None:
        try:
            # A blocking connect costs nothing here: on loopback the handshake is done at once.
            self._socket.settimeout(2.0)
            self._socket.connect((host, port))
        except OSError as error:
            self._socket.close()
            raise Broken(f"can't connect to {host}:{port}: {error.strerror or error}") from None

    def _reach(self, host: str, port: int, peer: Peer) -> None:
        """Connects over a network, and shakes hands where it is TLS. Other connections go on meanwhile."""
        where = peer.outside.origin
        try:
            with gevent.Timeout(CONNECT_SECONDS):
                self._connect(host, port)
                self._wire = peer.wire()
                if self._wire:
                    self._shake_hands(self._wire)
                    self._feed = self._feed_opened
        except gevent.Timeout:
            self.close()
            raise Broken(f"can't connect to {where}: no answer within {CONNECT_SECONDS:g} s") from None
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise Broken(f"the certificate of {where} is not trusted: {error.verify_message}") from None
        except OSError as error:
            self.close()
            reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
            raise Broken(f"can't connect to {where}: {reason or error}") from None

    def _connect(self, host: str, port: int) -> None:
        found = self._socket.connect_ex((host, port))
        if found == errno.EINPROGRESS:
            self._wait(self._writable)
            found = self._socket.getsockopt(1, 4)  # SOL_SOCKET, SO_ERROR
        if found:
            raise OSError(found, os.strerror(found))

    def _shake_hands(self, wire: Wire) -> None:
        sending, done = wire.shake_hands(b"")
        while True:
            self._send_whole(sending)
            if done:
                return
            self._wait(self._readable)
            received = self._socket.recv(RECEIVE_BYTES)
            if not received:
                raise OSError("it closed the connection in the handshake: is it https?")
            sending, done = wire.shake_hands(received)

    def _send_whole(self, data: bytes) -> None:
        sent = self._send(data) if data else 0
        while sent < len(data):
            self._wait(self._writable)
            sent += self._send(data[sent:])

    def _feed_opened(self, received: bytes) -> None:
        """Gives the parser what is in the received records of TLS."""
        if not (wire := self._wire):
            return
        if plain := wire.open(received):
            self._parser.feed_data(plain)
        if wire.ended and not self.complete:
            raise Broken("the service closed the connection before its answer was complete")

    # The two callbacks of httptools. There is none for headers, so they cost nothing but their parsing.
    def on_body(self, part: bytes) -> None:
        self.body = self.body + part if self.body else part

    def on_message_complete(self) -> None:
        self.complete = True
        # The value is right only here: afterwards the parser already waits for the next answer.
        self.keep_alive = bool(self._parser.should_keep_alive())

    def exchange(self, request: bytes) -> int:
        """Sends an encoded request, receives the whole answer, and returns its status. The body stays in `body`."""
        self.complete = False
        self.body = b""
        try:
            if self._wire:
                request = self._wire.seal(request)
            sent = self._send(request)
            while sent < len(request):
                self._wait(self._writable)
                sent += self._send(request[sent:])
            while not self.complete:
                self._wait(self._readable)
                received = self._receive(RECEIVE_BYTES)
                if not received:
                    raise Broken("the service closed the connection before its answer was complete")
                self._feed(received)
        except OSError as error:
            raise Broken(f"connection lost: {error.strerror or error}") from None
        except httptools.HttpParserError as error:
            raise Broken(f"the answer is not HTTP: {error}") from None
        return int(self._parser.get_status_code())

    def time_answers(self, wanted: bool) -> None:
        """Whether `unread_ns` is measured from now on. It costs a microsecond for each answer."""
        self._socket.setsockopt(1, TIMESTAMP_OPTION, int(wanted))  # SOL_SOCKET
        self._receive = self._receive_timed if wanted else self._socket.recv
        self.unread_ns = 0

    def _receive_timed(self, size: int) -> bytes:
        received: bytes
        received, ancillary, _, _ = self._socket.recvmsg(size, 64)
        now_ns = time.time_ns()
        for _, kind, data in ancillary:
            if kind == TIMESTAMP_OPTION:
                seconds, nanoseconds = TIMESPEC.unpack(data)
                # The wall clock may have been set in between.
                self.unread_ns = max(0, now_ns - seconds * 1_000_000_000 - nanoseconds)
        return received

    def ended(self) -> bool:
        """Whether the service closed the connection while no request was under way, or sent something unasked."""
        try:
            if not self._wire:
                self._socket.recv(1, 2)  # MSG_PEEK
            # After the handshake TLS itself sends messages, such as the tickets of a session.
            elif (received := self._socket.recv(RECEIVE_BYTES)) and not self._wire.open(received):
                return self._wire.ended
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def close(self) -> None:
        self._readable.close()
        self._writable.close()
        self._socket.close()

    def abort(self) -> None:
        """Ends another greenlet's wait: shutting the socket down makes it readable."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(2)
