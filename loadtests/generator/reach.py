"""Whether a service that the harness did not start can be reached, and its certificate is trusted."""

from __future__ import annotations

import ssl

from loadtests.generator.connection import Broken, Connection
from loadtests.generator.wire import Peer
from loadtests.protocol.outside import Outside


def reach(outside: Outside) -> None:
    """Opens a connection, with its handshake, and closes it. No request is sent. Raises Broken."""
    try:
        peer = Peer(outside)
    except ssl.SSLError as error:
        raise Broken(f"ca: it has no certificate in PEM ({error.reason or error})") from None
    except OSError as error:
        raise Broken(f"can't connect to {outside.origin}: {error.strerror or error}") from None
    Connection(peer.address, outside.port, peer).close()
