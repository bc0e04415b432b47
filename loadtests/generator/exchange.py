"""Requests that are encoded once, and the checks of their answers.

A check gets status and body of each answer, and returns None or a sentence about what is wrong. It must be cheap. A body
that was once parsed and found right (including the order of keys) is remembered, and later bodies need only be the same
bytes.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any, NamedTuple

Check = Callable[[int, bytes], str | None]


class Exchange(NamedTuple):
    """One request of a profile's stream: the index of its route, the bytes to send, the check of the answer."""

    route: int
    request: bytes
    check: Check


#: What a browser sends with a request of a page's script, beside the host: real clients send about ten headers, and a
#: service pays for parsing them. The same for all targets and routes.
HEADERS = (
    "connection: keep-alive",
    "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept: application/json",
    "accept-language: en-GB,en;q=0.7,de;q=0.3",
    "accept-encoding: gzip, deflate, br, zstd",
    "referer: http://127.0.0.1/shop",
    "sec-fetch-dest: empty",
    "sec-fetch-mode: cors",
    "sec-fetch-site: same-origin",
)
_LINES = "".join(f"{line}\r\n" for line in HEADERS)


def get(path: str, host: str = "127.0.0.1") -> bytes:
    """An encoded GET request."""
    return f"GET {path} HTTP/1.1\r\nhost: {host}\r\n{_LINES}\r\n".encode("ascii")


def post_json(path: str, body: bytes, host: str = "127.0.0.1") -> bytes:
    """An encoded POST request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\n{_LINES}"
        f"origin: http://127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _shorten(body: bytes) -> str:
    return repr(body[:120])


def expect_json(expected: Any, status: int = 200) -> Check:
    """A check that the answer has this status and is this JSON value, with keys in this order."""
    wanted = json.dumps(expected)
    known: set[bytes] = set()

    def check(got_status: int, body: bytes) -> str | None:
        if got_status == status and body in known:
            return None
        if got_status != status:
            return f"status {got_status} instead of {status}: {_shorten(body)}"
        try:
            value = json.loads(body)
        except ValueError:
            return f"not JSON: {_shorten(body)}"
        # Serialized again, because comparing dictionaries would not see the order of keys.
        if json.dumps(value) != wanted:
            return f"{_shorten(body)} instead of {wanted[:120]}"
        known.add(body)
        return None

    return check


_turns = itertools.count()


def turn_of(every: int) -> int:
    """At which of `every` answers a check begins to look. Checks made one after the other begin at different ones."""
    return next(_turns) % every


def expect_shape(accept: Callable[[Any], bool], what: str, status: int = 200, every: int = 16) -> Check:
    """A check of each answer's status, and that `accept` takes the parsed JSON of the first and then each `every`-th answer.

    For answers that change from one request to the next, such as the id of a new order. `what` names the expectation.
    Checks that are made one after the other begin at different counts. Otherwise a stream of many requests would be parsed
    completely at its beginning, and not at all in a window that ends before each request was sent `every` times.
    """
    count, turn = 0, turn_of(every)

    def check(got_status: int, body: bytes) -> str | None:
        nonlocal count
        if got_status != status:
            return f"status {got_status} instead of {status}: {_shorten(body)}"
        count += 1
        if count > 1 and (count + turn) % every:
            return None if body[:1] == b"{" else f"not an object: {_shorten(body)}"
        try:
            fine = accept(json.loads(body))
        except (ValueError, KeyError, TypeError, IndexError):
            fine = False
        return None if fine else f"{_shorten(body)} is not {what}"

    return check


def expect_text(text: str) -> Check:
    """A check that the answer is 200 and exactly this text."""
    wanted = text.encode()

    def check(status: int, body: bytes) -> str | None:
        return None if status == 200 and body == wanted else f"status {status}, {_shorten(body)} instead of {text!r}"

    return check
