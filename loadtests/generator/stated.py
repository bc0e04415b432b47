"""What a profile in TOML sends: the stream of its requests, the connection that they need, the checks of their answers."""

from __future__ import annotations

import itertools
import json
import os
import random
import string
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec import UNSET

from loadtests.generator.connection import Connection
from loadtests.generator.exchange import HEADERS, Check, Exchange, turn_of
from loadtests.generator.passes import mixed
from loadtests.generator.wire import Peer
from loadtests.protocol.stated import (
    Answer,
    Line,
    Piece,
    Range,
    StatedProfile,
    StatedRequest,
    Unique,
    Variable,
    pieces,
)

#: About so many requests are made before the load begins. Then the stream starts again, with new {unique} numbers.
STREAM_REQUESTS = 8192
#: Bodies that were found right are remembered, up to so many for each kind of request.
MOST_KNOWN = 4096
#: Of bodies that are new each time, the first and then each so-manieth is looked into.
EVERY = 16
#: Stands in an encoded request where a unique number comes. It is as long as the number, and the same in a path and in JSON.
_MARK = "~fitmap.unique.~"

MOST_WORKERS = 100


class UniqueNumbers:
    """Numbers of 16 digits, each once in a run: tenths of milliseconds since 1970, and the worker's number behind them.

    A worker counts up from its start by one for each number. Workers differ in the last two digits. So a later run begins
    above, unless a worker needed more than 10,000 numbers a second on average.
    """

    def __init__(self, worker: int, now_ns: int) -> None:
        self._next = itertools.count(now_ns // 100_000 * MOST_WORKERS + worker % MOST_WORKERS, MOST_WORKERS).__next__

    def next(self) -> bytes:
        return b"%016d" % self._next()


class Stamped(bytes):
    """An encoded request with places for unique numbers. It has its length already."""

    def stamped(self, numbers: UniqueNumbers) -> bytes:
        """The request with a new number in each place."""
        first, *rest = self.split(_MARK.encode())
        return first + b"".join(numbers.next() + part for part in rest)


class Headed(bytes):
    """The body of an answer, with the headers that came before it. Their names are in lower case."""

    headers: Mapping[str, str] = {}


class StatedConnection(Connection):
    """Puts unique numbers into requests that have places for them, and keeps the headers of answers.

    Only groups with a profile in TOML use it: it costs a microsecond for each header.
    """

    numbers = UniqueNumbers(0, time.time_ns())

    def __init__(self, host: str, port: int, peer: Peer | None = None) -> None:
        self._headers: dict[str, str] = {}
        super().__init__(host, port, peer)

    # A callback of httptools.
    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def exchange(self, request: bytes) -> int:
        self._headers = {}
        status = super().exchange(request.stamped(self.numbers) if isinstance(request, Stamped) else request)
        self.body = Headed(self.body)
        self.body.headers = self._headers
        return status


def stream_of(profile: StatedProfile, folder: Path) -> Callable[[random.Random], list[Exchange]]:
    """What makes the stream of a profile. `folder`: the one with the files that its draws take lines from."""
    counts = profile.counts()
    makers: dict[Callable[[random.Random], Exchange], int] = {
        partial(_exchange, profile, request, check_of(request.answer), folder): count
        for request, count in zip(profile.request, counts, strict=True)
    }
    return partial(mixed, makers=makers, passes=-(-STREAM_REQUESTS // sum(counts)))


def _exchange(profile: StatedProfile, request: StatedRequest, check: Check, folder: Path, rng: random.Random) -> Exchange:
    draw = partial(drawn, rng=rng, folder=folder)
    return Exchange(profile.routes.index(request.name), encoded(profile, request, draw), check)


def encoded(profile: StatedProfile, request: StatedRequest, draw: Callable[[str], str]) -> bytes:
    """A request as bytes. `draw` fills in a text."""
    method, _, path = request.send.partition(" ")
    given = {name.lower(): draw(value) for name, value in {**profile.headers, **request.headers}.items()}
    headers = {"host": "127.0.0.1", **dict(line.split(": ", 1) for line in HEADERS)}
    body = b""
    if request.body is not UNSET:
        text = draw(request.body) if isinstance(request.body, str) else json.dumps(_filled(request.body, draw))
        body = text.encode()
        headers["content-type"] = "application/json" if text[:1] in ("{", "[", '"') else "text/plain; charset=utf-8"
    headers |= given
    if body or method != "GET":
        headers["content-length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    # A line of a file may have spaces or letters that a path can't have. What is encoded already stays.
    target = quote(draw(path), safe=string.punctuation)
    whole = f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body
    return Stamped(whole) if _MARK.encode() in whole else whole


def _filled(value: Any, draw: Callable[[str], str]) -> Any:
    """A value with its draws. A text that is one range and nothing else becomes a number."""
    if isinstance(value, str):
        found = pieces(value)
        return int(draw(value)) if len(found) == 1 and isinstance(found[0], Range) else draw(value)
    if isinstance(value, dict):
        return {key: _filled(each, draw) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, draw) for each in value]
    return value


def drawn(text: str, rng: random.Random, folder: Path) -> str:
    """A text with its draws. A place for a unique number is marked: the number comes when the request is sent."""
    return "".join(_drawn(piece, rng, folder) for piece in pieces(text))


def _drawn(piece: Piece, rng: random.Random, folder: Path) -> str:
    match piece:
        case Range(low=low, high=high):
            return str(rng.randint(low, high))
        case Line(file=file):
            return rng.choice(lines_of(folder / file))
        case Unique():
            return _MARK
        case Variable(name=name):
            return os.environ[name]
        case _:
            return str(piece)


@cache
def lines_of(path: Path) -> tuple[str, ...]:
    """The lines of a file that are not empty."""
    return tuple(line for line in path.read_text(encoding="utf-8").splitlines() if line)


def check_of(answer: Answer) -> Check:
    """The check of an answer. The cheap parts are looked at each time."""
    status = 200 if answer.status is UNSET else answer.status
    text = answer.contains.encode()
    headers = {name.lower(): value for name, value in answer.header.items()}
    looks_into = None if answer.json is UNSET else _json_check(answer.json)

    def check(got: int, body: bytes) -> str | None:
        if got != status:
            return f"status {got} instead of {status}: {bytes(body[:120])!r}"
        if text and text not in body:
            return f"{bytes(body[:120])!r} does not contain {answer.contains!r}"
        if headers and (problem := _header_problem(headers, body)):
            return problem
        return looks_into(body) if looks_into else None

    return check


def _header_problem(wanted: Mapping[str, str], body: bytes) -> str | None:
    found = body.headers if isinstance(body, Headed) else {}
    for name, value in wanted.items():
        if not found.get(name, "").startswith(value):
            return f"header {name} is {found.get(name)!r}, which does not begin with {value!r}"
    return None


def _json_check(wanted: Any) -> Callable[[bytes], str | None]:
    known: set[bytes] = set()
    count, turn = 0, turn_of(EVERY)

    def check(body: bytes) -> str | None:
        nonlocal count
        if body in known:
            return None
        count += 1
        if len(known) >= MOST_KNOWN and (count + turn) % EVERY:
            return None
        try:
            found = json.loads(body)
        except ValueError:
            return f"not JSON: {bytes(body[:120])!r}"
        if problem := lacking(wanted, found):
            return problem
        if len(known) < MOST_KNOWN:
            known.add(bytes(body))
        return None

    return check


def lacking(wanted: Any, found: Any, at: str = "") -> str | None:
    """What a JSON value lacks of the parts that it must have, as a sentence. None: nothing."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        parts = ((f"{at}.{key}" if at else key, key, part) for key, part in wanted.items())
        problems = (lacking(part, found[k], n) if k in found else f"the answer has no {n}" for n, k, part in parts)
        return next((problem for problem in problems if problem), None)
    if isinstance(wanted, dict):
        return f"{at or 'the answer'} is {_short(found)}, not an object"
    return None if wanted == found else f"{at or 'the answer'} is {_short(found)} instead of {_short(wanted)}"


def _short(value: Any) -> str:
    return json.dumps(value)[:120]
