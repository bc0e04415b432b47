"""The reference server of known delays, stall, capacity and work: `python -m loadtests.calibration.server PORT`.

Its routes are in routes.py. It has one thread, which polls without sleeping while answers are due. Sleeping until an instant
costs some hundred microseconds where a hypervisor must first wake the CPU, and these would look like the generator's own.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

from loadtests.calibration.routes import DELAYS_MS, SERIAL_MS, STALL_AFTER_SECONDS, STALL_SECONDS, WORK_ROUNDS

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\npong"
#: The bytes that each round hashes: so many that hashing costs more than the interpreter.
BLOCK = b"\0" * 1024
#: How long the server keeps polling after a timed answer, so that the next request finds it awake.
AWAKE_SECONDS = 1.0


class Instruments:
    """The behaviours by path. Each maps the instant at which a request was read to the instant of its answer."""

    def __init__(self) -> None:
        self._stall_begins = 0.0
        self._serial_free = 0.0
        self.behaviours: dict[bytes, Callable[[float], float]] = {
            b"/": lambda read: read,
            b"/health": lambda read: read,
            b"/stall": self.stall,
            b"/serial": self.serial,
            **{f"/delay/{ms}".encode(): partial(self.delay, ms / 1000) for ms in DELAYS_MS},
            **{f"/hash/{rounds}".encode(): partial(self.work, rounds) for rounds in WORK_ROUNDS},
        }

    def delay(self, seconds: float, read: float) -> float:
        return read + seconds

    def stall(self, read: float) -> float:
        self._stall_begins = self._stall_begins or read + STALL_AFTER_SECONDS
        stalled = 0 <= read - self._stall_begins < STALL_SECONDS
        return self._stall_begins + STALL_SECONDS if stalled else read

    def serial(self, read: float) -> float:
        self._serial_free = max(read, self._serial_free) + SERIAL_MS / 1000
        return self._serial_free

    def work(self, rounds: int, read: float) -> float:
        digest = hashlib.sha256()
        for _ in range(rounds):
            digest.update(BLOCK)
        return read


class Server:
    """Reads requests as they come, and answers each when it is due."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._listener.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self._peers: dict[int, socket.socket] = {}
        self._instruments = Instruments()
        self._due: list[tuple[float, int, int, bytes, float]] = []
        #: The delays that were really injected, by path: seconds from reading a request to sending its answer.
        self.injected: dict[bytes, list[float]] = {}
        self._count = 0
        self._awake_until = 0.0

    def run(self) -> None:
        """Serves until the process ends."""
        due, clock = self._due, time.perf_counter
        while True:
            now = clock()
            while due and due[0][0] <= now:
                _, _, descriptor, path, read = heapq.heappop(due)
                self._answer(descriptor)
                self.injected.setdefault(path, []).append(clock() - read)
            awake = due or now < self._awake_until
            for descriptor, _ in self._epoll.poll(0 if awake else -1):
                if descriptor == self._listener.fileno():
                    self._accept()
                else:
                    self._read(descriptor)

    def _accept(self) -> None:
        peer, _ = self._listener.accept()
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peers[peer.fileno()] = peer
        self._epoll.register(peer.fileno(), select.EPOLLIN)

    def _read(self, descriptor: int) -> None:
        try:
            request = self._peers[descriptor].recv(65536)
        except OSError:
            request = b""
        if not request:
            self._peers.pop(descriptor).close()
            return
        read = time.perf_counter()
        path = request.split(b" ", 2)[1]
        at = self._instruments.behaviours[path](read)
        if at <= read:
            self._answer(descriptor)
        else:
            self._count += 1
            self._awake_until = at + AWAKE_SECONDS
            heapq.heappush(self._due, (at, self._count, descriptor, path, read))

    def _answer(self, descriptor: int) -> None:
        # A peer that has closed its connection needs no answer.
        if descriptor in self._peers:
            self._peers[descriptor].send(ANSWER)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Server(int(sys.argv[1]))
    try:
        server.run()
    finally:
        # The kernel may have let this process wait, so real delays differ from the planned ones.
        print(json.dumps({f"GET {path.decode()}": summary(delays) for path, delays in server.injected.items()}))


def summary(delays: list[float]) -> dict[str, float]:
    """Median and 99th percentile, milliseconds."""
    ordered = sorted(delays)
    return {f"p{percent}": 1000 * ordered[len(ordered) * percent // 100] for percent in (50, 99)}


if __name__ == "__main__":
    main()
