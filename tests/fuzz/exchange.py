"""Sends units of requests over many raw connections at once, and tells the outcome of each request."""

from __future__ import annotations

import contextlib
import math
import re
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import outcomes
from mutate import Request
from outcomes import LAST, LOST, WRONG

from harness.containers.spec import LOOPBACK

LANES = 48
#: Nothing came for so long: the service waits for more.
SILENCE_SECONDS = 1.0
#: A unit whose sound requests were not all answered is sent again, since a reset may have taken an answer away.
TRIES = 3

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
#: The end of a connection by a reset, so that no port stays in TIME_WAIT.
_RESET = struct.pack("ii", 1, 0)


class Answers:
    """Answers, taken from what comes as it comes."""

    def __init__(self) -> None:
        self.whole: list[tuple[int, bytes]] = []
        self.fault = ""
        self._bytes = bytearray()

    def take(self, data: bytes) -> None:
        self._bytes += data
        at = 0
        while not self.fault:
            end = self._bytes.find(b"\r\n\r\n", at)
            if end < 0:
                break
            head = bytes(self._bytes[at : end + 4])
            if not re.match(rb"HTTP/1\.[01] \d{3}", head):
                self.fault = f"an answer that begins {head[:60]!r}"
                break
            status = int(head[9:12])
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(self._bytes) < end + 4 + size:
                break
            # 100 (Continue) is no answer.
            if status >= 200:
                self.whole.append((status, bytes(self._bytes[end + 4 : end + 4 + size])))
            at = end + 4 + size
        del self._bytes[:at]

    @property
    def partial(self) -> bytes:
        return bytes(self._bytes)


@dataclass(slots=True)
class Lane:
    """One connection and the unit that is under way on it."""

    number: int
    requests: list[Request]
    socket: socket.socket
    out: memoryview
    tries: int = 1
    answers: Answers = field(default_factory=Answers)
    deadline: float = 0.0

    @property
    def sound(self) -> int:
        return sum(request.sound for request in self.requests)


def _open(port: int) -> socket.socket:
    connection = socket.create_connection((LOOPBACK, port), timeout=10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    return connection


class Exchange:
    """Units on their way to one service. `done` is told each unit's number, its requests and their outcomes."""

    def __init__(self, port: int, done: Callable[[int, list[Request], list[str]], None]) -> None:
        self._port = port
        self._done = done
        self._poll = select.epoll()
        self._lanes: dict[int, Lane] = {}
        self._kept: list[socket.socket] = []

    def run(self, units: Iterable[tuple[int, list[Request]]], until: float) -> None:
        """Send them all, or those that are begun before `until` (time.monotonic)."""
        waiting = iter(units)
        more = True
        try:
            while more or self._lanes:
                while more and len(self._lanes) < LANES:
                    unit = next(waiting, None) if time.monotonic() < until else None
                    if unit is None:
                        more = False
                        break
                    self._begin(*unit)
                for number, event in self._poll.poll(0.05):
                    self._step(self._lanes[number], event)
                self._look_at_time()
        finally:
            for connection in (*self._kept, *(lane.socket for lane in self._lanes.values())):
                connection.close()
            self._poll.close()

    def _begin(self, number: int, requests: list[Request], tries: int = 1) -> None:
        connection = self._kept.pop() if self._kept and tries == 1 else _open(self._port)
        data = b"".join(request.data for request in requests)
        lane = Lane(number, requests, connection, memoryview(data if requests[-1].sound else data + LAST), tries)
        lane.deadline = time.monotonic() + SILENCE_SECONDS
        self._lanes[connection.fileno()] = lane
        self._poll.register(connection.fileno(), select.EPOLLIN)
        self._send(lane)

    def _send(self, lane: Lane) -> None:
        try:
            while lane.out:
                lane.out = lane.out[lane.socket.send(lane.out) :]
        except BlockingIOError:
            self._poll.modify(lane.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
            return
        except (BrokenPipeError, ConnectionResetError):
            # What it said before is still to be read.
            lane.out = memoryview(b"")
        self._poll.modify(lane.socket.fileno(), select.EPOLLIN)

    def _step(self, lane: Lane, event: int) -> None:
        if event & select.EPOLLOUT:
            self._send(lane)
        if not event & ~select.EPOLLOUT:
            return
        try:
            data = lane.socket.recv(262_144)
        except BlockingIOError:
            return
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            self._end(lane, ended=True)
            return
        lane.answers.take(data)
        lane.deadline = time.monotonic() + SILENCE_SECONDS
        if lane.answers.fault or (lane.requests[-1].sound and len(lane.answers.whole) >= lane.sound and not lane.out):
            self._end(lane, ended=False)

    def _look_at_time(self) -> None:
        now = time.monotonic()
        for lane in [lane for lane in self._lanes.values() if lane.deadline < now]:
            # A sound request may take longer: a database, a busy machine.
            if len(lane.answers.whole) < lane.sound and now < lane.deadline + 9:
                continue
            self._end(lane, ended=False)

    def _end(self, lane: Lane, ended: bool) -> None:
        self._poll.unregister(lane.socket.fileno())
        del self._lanes[lane.socket.fileno()]
        answers, sound = lane.answers.whole, lane.sound
        whole = len(answers) == sound and not ended and not lane.answers.fault and not lane.answers.partial
        if whole and lane.requests[-1].sound:
            self._kept.append(lane.socket)
        else:
            with contextlib.suppress(OSError):
                lane.socket.close()
        if len(answers) < sound and lane.tries < TRIES:
            self._begin(lane.number, lane.requests, lane.tries + 1)
            return
        found = [
            outcomes.of_sound(request, *answer) for request, answer in zip(lane.requests[:sound], answers, strict=False)
        ]
        found += [f"{WRONG}{LOST}"] * (sound - len(found))
        if sound < len(lane.requests):
            found.append(outcomes.of_broken(answers[sound:], ended))
        if lane.answers.fault:
            found[-1] = f"{WRONG}{lane.answers.fault}"
        self._done(lane.number, lane.requests, found)


def hear(port: int, data: bytes, enough: float, patience: float = 15.0) -> tuple[list[tuple[int, bytes]], bool, str]:
    """Send bytes on a connection of their own: the answers, whether the service closed it, and what is no answer.

    It waits for `enough` answers, for the end, or for `patience` seconds without a byte.
    """
    answers, ended, out = Answers(), False, memoryview(data)
    with _open(port) as connection:
        while not ended and not answers.fault and len(answers.whole) < enough:
            readable, writable, _ = select.select([connection], [connection] if out else [], [], patience)
            if not readable and not writable:
                break
            try:
                if writable:
                    out = out[connection.send(out) :]
                if readable:
                    part = connection.recv(262_144)
                    ended = not part
                    answers.take(part)
            except (ConnectionResetError, BrokenPipeError):
                # What was said before the reset is still to be read.
                if out:
                    out = memoryview(b"")
                else:
                    ended = True
    return answers.whole, ended, answers.fault


def hear_answers(port: int, data: bytes, count: int) -> list[tuple[int, bytes]]:
    """The answers to bytes on a connection of their own. All of it must be HTTP."""
    heard, _, fault = hear(port, data, count)
    assert not fault, fault
    return heard


def broken(port: int, data: bytes, patience: float) -> str:
    """The outcome of a request that breaks HTTP, on a connection of its own."""
    answers, ended, fault = hear(port, data + LAST, math.inf, patience)
    return f"{WRONG}{fault}" if fault else outcomes.of_broken(answers, ended)
