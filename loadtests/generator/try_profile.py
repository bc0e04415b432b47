"""Sends each kind of request of some profiles a few times to a service, and prints what came of it. For `fitmap check`.

    python -m loadtests.generator.try_profile HOST:PORT PROFILE ...
    FITMAP_OUTSIDE='<Outside in JSON>' python -m loadtests.generator.try_profile PROFILE ...

Prints one line for each profile, a JSON list of `loadtests.protocol.messages.Tried`. Of a service that the harness did not
start there is one more line before them: whether it could be reached. If not, it is the only one. Nothing is measured.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from loadtests.generator.connection import Broken, Connection
from loadtests.generator.exchange import Exchange
from loadtests.generator.fuse import Fuse
from loadtests.generator.profile_users import profile_user
from loadtests.generator.reach import reach
from loadtests.generator.wire import Peer, addressed
from loadtests.protocol.messages import Tried
from loadtests.protocol.outside import Outside

TIMES = 3


def tried(connect: Callable[[], Connection], route: str, exchanges: list[Exchange], fuse: Fuse | None = None) -> Tried:
    """What came of some requests of one route, on one connection as long as the service keeps it."""
    milliseconds: list[float] = []
    kept = True
    connection: Connection | None = None
    try:
        for exchange in exchanges:
            connection = connection or connect()
            if fuse:
                fuse.take()
            begin = time.perf_counter()
            status = connection.exchange(exchange.request)
            milliseconds.append((time.perf_counter() - begin) * 1000)
            if problem := exchange.check(status, connection.body):
                return Tried(route, problem, milliseconds, kept)
            if not connection.keep_alive:
                kept = False
                connection.close()
                connection = None
    except Broken as broken:
        return Tried(route, str(broken), milliseconds, kept)
    return Tried(route, "", milliseconds, kept)


def _print(found: Sequence[Tried]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.buffer.flush()


def _reached(outside: Outside) -> Peer | None:
    """Prints whether a service could be reached. None: it could not."""
    begin = time.perf_counter()
    try:
        reach(outside)
    except Broken as broken:
        _print([Tried("", str(broken), [], False)])
        return None
    _print([Tried("", "", [(time.perf_counter() - begin) * 1000], True)])
    return Peer(outside)


def _try(profiles: Sequence[str], host: str, port: int, peer: Peer | None) -> None:
    most = peer.outside.most_per_second if peer else 0
    fuse = Fuse(most) if most else None
    for name in profiles:
        user = profile_user(name)
        user.prepare(1)
        if peer:
            user.exchanges = [one._replace(request=addressed(one.request, peer.outside.origin)) for one in user.exchanges]
        connect = partial(user.connection_class, host, port, peer)
        routes = (
            (route, [one for one in user.exchanges if one.route == number][:TIMES])
            for number, route in enumerate(user.routes)
        )
        _print([tried(connect, *each, fuse) for each in routes])


def main() -> None:
    if outside_json := os.environ.get("FITMAP_OUTSIDE"):
        if peer := _reached(msgspec.json.decode(outside_json, type=Outside)):
            _try(sys.argv[1:], peer.address, peer.outside.port, peer)
        return
    host, _, port = sys.argv[1].rpartition(":")
    _try(sys.argv[2:], host, int(port), None)


if __name__ == "__main__":
    main()
