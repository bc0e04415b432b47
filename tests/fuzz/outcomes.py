"""What became of a request, in words that can be compared between targets; and which differences are allowed.

An outcome is one of:

- `refused`: an answer 4xx, 501 or 505, or no answer and the end of the connection. Only for requests that are not exact.
- `200 ...`, `400 bad_request`: the answer, without what depends on other requests.
- `waits`: the service waits for more. `refused, but open`: it does so after a refusal, for the rest of a body, say.
- `503 database_unavailable`: the contract's own 5xx, on a busy machine. It says nothing about the request.
- `wrong: ...`: what no target may do, whatever is sent.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from mutate import Request

REFUSED = "refused"
WAITS = "waits"
OPEN = "refused, but open"
UNAVAILABLE = "503 database_unavailable"
WRONG = "wrong: "
LOST = "no answer"
#: Statuses with which a server refuses what it does not implement; no fault of its own.
NOT_IMPLEMENTED = (501, 505)

#: Sent behind a request that breaks HTTP: its answer, which nothing else has, shows that the connection goes on.
LAST = b"GET /cpu/collatz?from=7&count=1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
LAST_ANSWER = b'{"from":7,"count":1,'

_ERROR = re.compile(rb'\{"error":"([a-z_]+)","detail":"')
#: Stock, numbers of orders and a customer's orders depend on what else was sent; so does whether there is stock.
_STATE = (
    (re.compile(rb'"stock":\d+'), b'"stock":0'),
    (re.compile(rb'"orders":\[\{"id".*'), b'"orders":[]'),
    (re.compile(rb'"id":1\d{5,},"total'), b'"total'),
)
_SHOWN = 60


def told(status: int, body: bytes) -> str:
    """An answer in words."""
    if error := _ERROR.match(body):
        text = error[1].decode()
        return "201 or out of stock" if text == "out_of_stock" else f"{status} {text}"
    if status == 201:
        return "201 or out of stock"
    if body.startswith(b'{"target":'):
        return f"{status} meta"
    for pattern, constant in _STATE:
        body = pattern.sub(constant, body)
    text = body[:_SHOWN].decode("utf-8", "replace")
    return f"{status} {text}" if len(body) <= _SHOWN else f"{status} {text}... {zlib.crc32(body):08x}"


def server_error(status: int) -> bool:
    return status >= 500 and status not in NOT_IMPLEMENTED


def _fault(status: int, body: bytes) -> str:
    outcome = told(status, body)
    return outcome if outcome == UNAVAILABLE else f"{WRONG}{outcome}"


def of_sound(request: Request, status: int, body: bytes) -> str:
    """The outcome of a request that was answered, of which it is known where it ends."""
    if server_error(status):
        return _fault(status, body)
    return REFUSED if not request.exact and 400 <= status < 500 else told(status, body)


def of_broken(answers: Sequence[tuple[int, bytes]], ended: bool) -> str:
    """The outcome of a request that breaks HTTP, followed by LAST. `ended`: the service closed the connection."""
    for status, body in answers:
        if server_error(status):
            return _fault(status, body)
    goes_on = bool(answers) and answers[-1][1].startswith(LAST_ANSWER)
    kept = [answer for answer in (answers[:-1] if goes_on else answers) if answer[0] < 400]
    if len(kept) > 1:
        return f"{WRONG}{len(kept)} answers to one request"
    if kept:
        return told(*kept[0])
    if goes_on and len(answers) == 1:
        return "nothing"
    if ended or goes_on:
        return REFUSED
    return OPEN if answers else WAITS


def differ(request: Request, outcomes: Sequence[str]) -> bool:
    """Whether targets that had these outcomes treat a request differently, beyond what is equally safe."""
    if request.exact:
        return len(set(outcomes) - {UNAVAILABLE}) > 1
    # To refuse is always safe. Who does not refuse does the same thing as the others.
    return len({outcome for outcome in outcomes if outcome not in (REFUSED, OPEN, WAITS, UNAVAILABLE)}) > 1
