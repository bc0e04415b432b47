"""Mutated requests, the same for the same seed: sound HTTP with odd values, and requests that break HTTP itself.

They are made from the golden cases. What would be dear in large numbers (long walks, waits, wide reports) is left out.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import checks
import oracle
from dictionary import (
    AFTER,
    AROUND,
    BEFORE,
    BROKEN_PERCENT,
    BROKEN_TARGETS,
    CHUNKS,
    DIGITS,
    ENCODED,
    ENDS,
    HEADERS,
    LOOSE_METHODS,
    LOOSE_PATHS,
    LOOSE_UNKNOWN,
    LOOSE_VALUES,
    METHODS,
    NAMES,
    NO_DIGITS,
    PATHS,
    SEPARATORS,
    UNKNOWN,
    VALUES,
    VERSIONS,
)

#: Requests that are sent in one piece. Of sound HTTP it is known where each ends; what breaks HTTP has its own connection.
TOGETHER = 8
#: Units, and the requests in them: one of sound requests, and two with one broken request each.
UNITS, REQUESTS = 3, TOGETHER + 2
KIND = b"content-type: application/json\r\n"
CHUNKED = b"POST %b HTTP/1.1\r\nhost: localhost\r\n%btransfer-encoding: chunked\r\n\r\n"

#: The keys that a body's documents may have to be mutated: the values of unknown ones may be skipped unchecked.
KEYS = {
    "/cpu/summarize": {"orders", "customer", "region", "lines", "sku", "quantity", "price_cents"},
    "/orders": {"customer_id", "lines", "product_id", "quantity"},
}
MARK = "\ufffe"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; `exact`: sound HTTP on which the contract leaves nothing open. `sound`: it is known where it ends."""

    data: bytes
    kind: str
    exact: bool
    sound: bool = True


def render(method: bytes, target: bytes, headers: bytes, body: bytes | None) -> bytes:
    """A request with the lines that it needs."""
    length = b"" if body is None else b"content-length: %d\r\n" % len(body)
    return b"%b %b HTTP/1.1\r\nhost: localhost\r\n%b%b\r\n%b" % (method, target, headers, length, body or b"")


@dataclass(frozen=True, slots=True)
class Place:
    """Around one required value of a sound document, and the document without it."""

    before: bytes
    after: bytes
    without: bytes | None


@dataclass(frozen=True, slots=True)
class Document:
    """A sound body, cut up for mutation."""

    path: bytes
    text: bytes
    places: tuple[Place, ...]
    #: Cuts behind each opening brace of an object that is read.
    objects: tuple[tuple[bytes, bytes], ...]


def _spots(value: Any) -> list[tuple[Any, Any]]:
    items = list(value.items() if isinstance(value, dict) else enumerate(value)) if isinstance(value, dict | list) else []
    return [(value, key) for key, _ in items] + [spot for _, item in items for spot in _spots(item)]


def _document(path: str, value: Any) -> Document:
    places = []
    for container, key in _spots(value):
        kept = container[key]
        container[key] = MARK
        before, after = json.dumps(value, ensure_ascii=False).split(json.dumps(MARK, ensure_ascii=False))
        without = None
        if isinstance(container, dict):
            del container[key]
            without = json.dumps(value).encode()
        container[key] = kept
        places.append(Place(before.encode(), after.encode(), without))
    text = json.dumps(value)
    cuts = tuple((text[: m.end()].encode(), text[m.end() :].encode()) for m in re.finditer(r"\{(?=\")", text))
    return Document(path.encode(), text.encode(), tuple(places), cuts)


@cache
def documents() -> tuple[Document, ...]:
    """The small bodies of the golden cases that get an answer other than a refusal."""
    found = [
        _document(case["path"], case["json"])
        for case in checks.golden_cases()
        if case["method"] == "POST"
        and case["answer"]["status"] < 300
        and "json" in case
        and len(json.dumps(case["json"])) < 800
    ]
    return tuple(document for document in found if document.places and _keys(document) <= KEYS[document.path.decode()])


def _keys(document: Document) -> set[str]:
    return {key for _, key in _spots(json.loads(document.text)) if isinstance(key, str)}


@cache
def golden() -> tuple[Request, ...]:
    """The golden cases themselves, without what is dear."""
    found = []
    for case in checks.golden_cases():
        dear = re.search(r"/reports/regions\?|/meta|/slow|[?&](count|ms)=0*[0-9]{3,5}(&|$)", case["path"])
        body = oracle.body_of(case)
        if (dear and case["answer"]["status"] == 200) or len(body or b"") > 20_000:
            continue
        named = {"content-type": "application/json"} if body is not None else {}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (named | case.get("headers", {})).items())
        data = render(case["method"].encode(), case["path"].encode(), lines.encode(), body)
        found.append(Request(data, "golden", exact=True))
    return tuple(found)


def _get(target: bytes, kind: str, exact: bool = True) -> Request:
    return Request(render(b"GET", target, b"", None), kind, exact)


def _value(rng: random.Random) -> tuple[bytes, bool]:
    """The text of an integer in a path or query, and whether the contract says what it means."""
    draw = rng.random()
    if draw < 0.45:
        return rng.choice(DIGITS), True
    if draw < 0.85:
        return rng.choice(NO_DIGITS), True
    return (rng.choice(ENCODED), True) if draw < 0.92 else (rng.choice(BROKEN_PERCENT), False)


def path_integer(rng: random.Random) -> Request:
    value, exact = _value(rng)
    while not exact:
        # In a path it breaks the request's first line.
        value, exact = _value(rng)
    form = rng.choice((b"/products/%b", b"/products/%b", b"/customers/%b/orders", b"/products/%b/slow?ms=0"))
    return _get(form % value, "an integer of a path")


def query_integer(rng: random.Random) -> Request:
    value, exact = _value(rng)
    form = rng.choice(
        (
            b"/cpu/collatz?from=%b&count=3",
            b"/cpu/collatz?count=1&from=%b",
            b"/wait?ms=%b",
            b"/customers/7/orders?limit=%b",
            b"/wait?ms=0&ms=%b",
            b"/reports/regions?days=%b&days=1",
            b"/wait?m%%73=0&x=%b",
            b"/wait?ms=0&x=%b&x",
            b"/wait?%b=1&ms=0",
            b"/wait?ms=0&&%b",
        )
    )
    # A wait that is as long as it may be is none of this.
    gentle = b"2" if form == b"/wait?ms=%b" and re.fullmatch(rb"0*[0-9]{3,5}", value) else value
    return _get(form % gentle, "an integer of a query", exact)


def other_path(rng: random.Random) -> Request:
    if rng.random() < 0.5:
        return _get(rng.choice(PATHS), "another path")
    return Request(render(b"GET", rng.choice(LOOSE_PATHS), b"", None), "an odd path", exact=False)


def other_method(rng: random.Random) -> Request:
    document = rng.choice(documents())
    path = rng.choice((b"/ping", b"/orders", b"/products/1", b"/nothing", b"/wait?ms=1", document.path))
    body = document.text if rng.random() < 0.5 else None
    return Request(render(rng.choice(METHODS), path, KIND if body else b"", body), "another method", exact=True)


def _post(document: Document, body: bytes, kind: str, exact: bool = True) -> Request:
    """A POST with a length, or with two chunks."""
    if len(body) % 5:
        return Request(render(b"POST", document.path, KIND, body), kind, exact)
    first, rest = body[: len(body) // 2], body[len(body) // 2 :]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (first, rest) if part)
    return Request(CHUNKED % (document.path, KIND) + chunks + b"0\r\n\r\n", kind, exact)


def value(rng: random.Random) -> Request:
    document = rng.choice(documents())
    place = rng.choice(document.places)
    if rng.random() < 0.9:
        # The longest ones are rare: they would be most of the bytes.
        text = rng.choice(VALUES)
        if len(text) > 2000 and rng.random() < 0.9:
            text = b"[[]]"
        return _post(document, place.before + text + place.after, "a value")
    return _post(document, place.before + rng.choice(LOOSE_VALUES) + place.after, "an odd value", exact=False)


def keys(rng: random.Random) -> Request:
    document = rng.choice(documents())
    draw = rng.random()
    if draw < 0.3:
        place = rng.choice([place for place in document.places if place.without is not None])
        return _post(document, place.without or b"", "a missing key")
    before, after = rng.choice(document.objects)
    if draw < 0.6:
        return _post(document, before + b'"x%d":%b,' % (rng.randrange(9), rng.choice(UNKNOWN)) + after, "an unknown key")
    text = rng.choice(LOOSE_UNKNOWN)
    if len(text) > 2000 and rng.random() < 0.9:
        text = b"-"
    return _post(document, before + b'"%b":%b,' % (rng.choice(NAMES), text) + after, "an odd key", exact=False)


def document_bytes(rng: random.Random) -> Request:
    """A document that is cut off, framed, or followed by something."""
    document = rng.choice(documents())
    text, draw = document.text, rng.random()
    if draw < 0.35:
        return _post(document, text[: rng.randrange(len(text))], "a document cut off")
    if draw < 0.6:
        space = rng.choice(AROUND)
        return _post(document, space + text + space, "white space")
    if draw < 0.8:
        return _post(document, text + rng.choice(AFTER), "something after a document")
    if draw < 0.9:
        return _post(document, rng.choice(BEFORE) + text, "something before a document", exact=False)
    return _post(document, _noise(rng, text), "bytes of a document", exact=False)


def _noise(rng: random.Random, data: bytes) -> bytes:
    """A few bytes changed, lost, doubled or added."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(out))
        draw = rng.random()
        if draw < 0.4:
            out[at] = rng.choice((0, 9, 10, 13, 32, 34, 58, 127, 128, 255, rng.randrange(256)))
        elif draw < 0.6:
            del out[at : at + rng.choice((1, 1, 2, 9))]
        elif draw < 0.8:
            out[at:at] = bytes(
                rng.choice((0, 10, 13, 32, 58, 255, rng.randrange(256))) for _ in range(rng.choice((1, 2, 4)))
            )
        else:
            out[at:at] = out[at : at + rng.randrange(1, 40)]
        if not out:
            out += b"\r\n\r\n"
    return bytes(out)


def _base(rng: random.Random) -> tuple[bytes, bytes, bytes | None]:
    """Method, target and body of a sound and cheap request."""
    if rng.random() < 0.5:
        return b"GET", rng.choice((b"/ping", b"/products/1", b"/wait?ms=0", b"/nothing")), None
    document = rng.choice(documents())
    return b"POST", b"/cpu/summarize", b'{"orders":[]}' if document.path == b"/orders" else document.text


def broken(data: bytes, kind: str) -> Request:
    return Request(data, kind, exact=False, sound=False)


def odd_header(rng: random.Random) -> Request:
    method, target, body = _base(rng)
    lines = rng.choice(HEADERS) + b"\r\n"
    if body is not None:
        lines = lines + KIND if rng.random() < 0.5 else KIND + lines
    if rng.random() < 0.2:
        lines += rng.choice(HEADERS) + b"\r\n"
    return broken(render(method, target, lines, body), "a header")


def odd_line(rng: random.Random) -> Request:
    """The first line, or the ends of all lines."""
    method, target, body = _base(rng)
    data = render(method, target, KIND if body else b"", body)
    draw = rng.random()
    if draw < 0.3:
        data = data.replace(b"HTTP/1.1", rng.choice(VERSIONS), 1)
    elif draw < 0.5:
        data = data.replace(method, rng.choice(LOOSE_METHODS), 1)
    elif draw < 0.7:
        data = data.replace(target, rng.choice(BROKEN_TARGETS), 1)
    elif draw < 0.8:
        data = rng.choice((b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\x00", b"\xef\xbb\xbf", b"\x16\x03\x01\x02\x00\x01")) + data
    else:
        head, _, rest = data.partition(b"\r\n\r\n")
        end = rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r"))
        data = head.replace(b"\r\n", end, rng.choice((1, 99))) + rng.choice((end + end, b"\r\n\r\n")) + rest
    return broken(data, "a line")


def odd_chunks(rng: random.Random) -> Request:
    body = rng.choice(documents()).text
    first, rest = body[:1], body[1:]
    size = rng.choice(CHUNKS) if rng.random() < 0.6 else b"1\r\n"
    between = rng.choice(SEPARATORS) if rng.random() < 0.3 else b"\r\n"
    end = rng.choice(ENDS) if rng.random() < 0.5 else ENDS[0]
    head = CHUNKED % (b"/cpu/summarize", KIND)
    return broken(head + size + first + between + b"%x\r\n" % len(rest) + rest + b"\r\n" + end, "chunks")


def odd_length(rng: random.Random) -> Request:
    """A body that is longer or shorter than it says. The shorter ones are waited for, which takes time: few of them."""
    body = rng.choice(documents()).text
    wrong = len(body) + (rng.randrange(1, 2000) if rng.random() < 0.05 else -rng.randrange(1, len(body)))
    head = b"POST /cpu/summarize HTTP/1.1\r\nhost: localhost\r\n%bcontent-length: %d\r\n\r\n" % (KIND, wrong)
    return broken(head + body, "a length")


def noise(rng: random.Random) -> Request:
    method, target, body = _base(rng)
    data = render(method, target, KIND if body else b"", body)
    return broken(_noise(rng, data), "bytes of a request")


SOUND: dict[Callable[[random.Random], Request], int] = {
    lambda rng: rng.choice(golden()): 20,
    path_integer: 10,
    query_integer: 14,
    other_path: 10,
    other_method: 8,
    value: 22,
    keys: 10,
    document_bytes: 10,
}
BROKEN: dict[Callable[[random.Random], Request], int] = {
    odd_header: 40,
    odd_line: 18,
    odd_chunks: 14,
    odd_length: 4,
    noise: 24,
}


def unit(seed: int, number: int) -> list[Request]:
    """The requests of one unit."""
    rng = random.Random(seed * 1_000_003 + number)
    if number % UNITS:
        return [_one(rng, BROKEN)]
    return [_one(rng, SOUND) for _ in range(TOGETHER)]


def _one(rng: random.Random, makers: dict[Callable[[random.Random], Request], int]) -> Request:
    (maker,) = rng.choices(list(makers), list(makers.values()))
    return maker(rng)
