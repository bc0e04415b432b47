"""Profiles in TOML: requests that are stated, without code. The harness checks them, and the load generator sends them.

A text may hold: {1..5000}, a number drawn for each request of the stream; {line:ids.txt}, a line of a file beside the
profile; {unique}, 16 digits that no other request of the run has; ${NAME}, a variable of fitmap's environment. Draws follow
the trial's seed, so each target gets the same.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
UNIQUE_DIGITS = 16
#: The most requests in a pass. A slice holds whole passes, so one that is longer makes a slice longer than it should be.
MOST_IN_PASS = 500

_DRAW = re.compile(r"\{(?:(\d+)\.\.(\d+)|line:([^{}]+)|(unique))\}|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BRACES = re.compile(r"[{}]")


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """What an answer must be. `json`: parts that it has; `contains`: a text in its body; `header`: how headers begin.

    Without a status it is 200.
    """

    status: int | UnsetType = UNSET
    json: Any = UNSET
    contains: str = ""
    header: Mapping[str, str] = {}

    @property
    def checks_content(self) -> bool:
        """Whether more than the status is looked at."""
        return self.json is not UNSET or bool(self.contains or self.header)


class StatedRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of request: `send` is method and path; `weight` its share of the mix; `route` its name in the report."""

    send: str
    answer: Answer = Answer()
    route: str = ""
    weight: int = 1
    headers: Mapping[str, str] = {}
    #: A text as it is, or a value that is sent as JSON.
    body: Any = UNSET

    @property
    def name(self) -> str:
        """The route in the report: as `send` has it, unless it is named."""
        return self.route or self.send

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each text that may hold draws, by the entry that it stands in."""
        yield "send", self.send
        yield from (("headers", value) for value in self.headers.values())
        yield from (("body", text) for text in texts_in(self.body))


class StatedProfile(Struct, frozen=True, forbid_unknown_fields=True):
    """A profile in TOML."""

    title: str
    question: str
    connections: int
    levels: tuple[str, ...]
    request: tuple[StatedRequest, ...]
    headers: Mapping[str, str] = {}
    presets: tuple[str, ...] | None = None

    @property
    def routes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(request.name for request in self.request))

    def texts(self) -> Iterator[tuple[str, str]]:
        """All texts that may hold draws, by entry."""
        yield from (("headers", value) for value in self.headers.values())
        for request in self.request:
            yield from request.texts()

    def counts(self) -> tuple[int, ...]:
        """How often a pass has each request: the weights in their lowest terms."""
        divisor = math.gcd(*(request.weight for request in self.request))
        return tuple(request.weight // divisor for request in self.request)


class Range(Struct, frozen=True):
    """{1..5000}: a number from one to the other, both included."""

    low: int
    high: int


class Line(Struct, frozen=True):
    """{line:ids.txt}: a line of a file."""

    file: str


class Unique(Struct, frozen=True):
    """{unique}."""


class Variable(Struct, frozen=True):
    """${NAME}."""

    name: str


Piece = str | Range | Line | Unique | Variable


def pieces(text: str) -> tuple[Piece, ...]:
    """A text in its parts: what stands there as it is, and draws."""
    found: list[Piece] = []
    at = 0
    for match in _DRAW.finditer(text):
        if match.start() > at:
            found.append(text[at : match.start()])
        at = match.end()
        low, high, file, unique, variable = match.groups()
        if unique:
            found.append(Unique())
        elif file:
            found.append(Line(file))
        elif variable:
            found.append(Variable(variable))
        else:
            found.append(Range(int(low), int(high)))
    if at < len(text):
        found.append(text[at:])
    return tuple(found)


def texts_in(value: Any) -> Iterator[str]:
    """All texts of a value from TOML, without the keys of its tables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from texts_in(each)


def files_of(profile: StatedProfile) -> tuple[str, ...]:
    """The files that its draws take lines from."""
    return tuple(dict.fromkeys(p.file for _, text in profile.texts() for p in pieces(text) if isinstance(p, Line)))


def variables_of(profile: StatedProfile) -> tuple[str, ...]:
    """The variables of fitmap's environment that it uses."""
    return tuple(dict.fromkeys(p.name for _, text in profile.texts() for p in pieces(text) if isinstance(p, Variable)))


def problems(profile: StatedProfile) -> Iterator[str]:
    """What can't be as it is, as sentences."""
    if not profile.request:
        yield "it has no request"
        return
    for number, request in enumerate(profile.request, 1):
        for problem in _request_problems(request):
            yield f"request {number}: {problem}"
    for name, value in _all_headers(profile):
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or re.search(r"[\r\n]", value):
            yield f'headers: "{name}" and its value can\'t be a header'
        if name.lower() in ("content-length", "connection", "transfer-encoding"):
            yield f"headers: {name.lower()} is the load generator's own"
    if any(request.weight < 1 for request in profile.request):
        return
    if (length := sum(profile.counts())) > MOST_IN_PASS:
        yield (
            f"the weights need {length} requests for the exact mix (at most {MOST_IN_PASS}): take rounder ones, "
            "such as 70 and 30"
        )


def _all_headers(profile: StatedProfile) -> Iterator[tuple[str, str]]:
    for headers in (profile.headers, *(request.headers for request in profile.request)):
        yield from headers.items()


def _request_problems(request: StatedRequest) -> Iterator[str]:
    method, _, path = request.send.partition(" ")
    if method not in METHODS or not path.startswith("/") or re.search(r"\s", path):
        yield f'send: "{request.send}" is not a method ({", ".join(METHODS)}), one space, and a path that begins with /'
    elif not path.isascii():
        yield f'send: "{path}" is not ASCII: write it percent-encoded'
    if request.weight < 1:
        yield f"weight must be at least 1, not {request.weight}"
    if request.answer.status is UNSET and not request.answer.checks_content:
        yield "nothing to check its answer by: give it status, json, contains or header"
    if method == "GET" and request.body is not UNSET:
        yield "a GET request has no body"
    yield from _draw_problems(request)
    if request.body is not UNSET:
        try:
            json.dumps(request.body, allow_nan=False)
        except (TypeError, ValueError) as error:
            yield f"body can't be JSON: {error}"


def _draw_problems(request: StatedRequest) -> Iterator[str]:
    for entry, text in request.texts():
        for piece in pieces(text):
            if isinstance(piece, Range) and piece.low > piece.high:
                yield f"{entry}: {{{piece.low}..{piece.high}}} begins after its end"
            # Bodies may be JSON, whose braces mean nothing here.
            if entry != "body" and isinstance(piece, str) and (brace := _BRACES.search(piece)):
                rest = piece[brace.start() :].partition("}")
                yield f"{entry}: {rest[0]}{rest[1]} is not known: write {{1..5000}}, {{line:FILE}} or {{unique}}"
