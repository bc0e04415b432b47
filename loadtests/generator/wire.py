"""TLS between the client's parser and its socket, and how a service that the harness did not start is reached.

TLS works on buffers here, not on the socket: reading stays one system call, and the kernel still tells when data arrived.
"""

from __future__ import annotations

import socket
import ssl
from functools import cached_property

import certifi

from loadtests.protocol.outside import Outside

#: The most that a record of TLS holds.
RECORD_BYTES = 16_384
#: How long connecting may take, the handshake included.
CONNECT_SECONDS = 5.0


class Wire:
    """One connection's TLS: what is sent is sealed, what is received is opened. Raises ssl.SSLError."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        #: Whether the other side said that it sends nothing more.
        self.ended = False

    def shake_hands(self, received: bytes) -> tuple[bytes, bool]:
        """The next step of the handshake: what to send, and whether it is done."""
        self._incoming.write(received)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return self._outgoing.read(), False
        return self._outgoing.read(), True

    def seal(self, plain: bytes) -> bytes:
        """What to send for some bytes."""
        self._tls.write(plain)
        return self._outgoing.read()

    def open(self, received: bytes) -> bytes:
        """What has arrived with some received bytes. It may be nothing: a part of a record, or a message of TLS itself."""
        self._incoming.write(received)
        parts: list[bytes] = []
        try:
            while part := self._tls.read(RECORD_BYTES):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        return b"".join(parts)


class Peer:
    """A service that the harness did not start: its address, and what a certificate of it must prove.

    Raises OSError where its name is not known, ssl.SSLError where `ca` has no certificate.
    """

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        # Looked up once: no name server is asked while requests are measured.
        found = socket.getaddrinfo(outside.host, outside.port, type=socket.SOCK_STREAM)
        self.address = str(found[0][4][0])
        self.context = self._context if outside.secure else None

    @cached_property
    def _context(self) -> ssl.SSLContext:
        ca = self.outside.ca
        context = ssl.create_default_context(cadata=ca) if ca else ssl.create_default_context(cafile=certifi.where())
        # Authorities of a company often lack what Python alone insists on. The chain and the name are verified all the same.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.set_alpn_protocols(["http/1.1"])
        return context

    def wire(self) -> Wire | None:
        """A new connection's TLS, if it has any."""
        return Wire(self.context, self.outside.host) if self.context else None


def addressed(request: bytes, origin: str) -> bytes:
    """An encoded request, whose headers name 127.0.0.1, as one to another origin. What a profile set itself stays."""
    head, gap, body = bytes(request).partition(b"\r\n\r\n")
    authority = origin.partition("//")[2].encode()
    head = head.replace(b"\r\nhost: 127.0.0.1\r\n", b"\r\nhost: " + authority + b"\r\n", 1)
    for name in (b"referer", b"origin"):
        head = head.replace(b"\r\n" + name + b": http://127.0.0.1", b"\r\n" + name + b": " + origin.encode(), 1)
    return type(request)(head + gap + body)
