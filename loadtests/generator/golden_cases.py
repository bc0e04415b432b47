"""Sends the golden cases of the contract to a service, and compares its answers with the expected ones."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: How many problems the failure of a trial names.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Response:
    """A service's answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(host: str, port: int, case: dict[str, Any], timeout_seconds: float = 10.0) -> Response:
    """Sends the request of one golden case on a connection of its own. Raises OSError, http.client.HTTPException."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    try:
        body = case.get("text")
        if "json" in case:
            body = json.dumps(case["json"])
        headers = dict(case.get("headers", {}))
        if body is not None:
            headers.setdefault("content-type", "application/json")
        connection.request(case["method"], case["path"], body=None if body is None else body.encode(), headers=headers)
        response = connection.getresponse()
        return Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def problems(case: dict[str, Any], answer: Response) -> list[str]:
    """The differences between an answer and the one that the case expects, as sentences."""
    return [*_head_problems(case["answer"], answer), *_body_problems(case["answer"], answer.body)]


def _head_problems(expected: dict[str, Any], answer: Response) -> list[str]:
    found: list[str] = []
    if answer.status != expected["status"]:
        found.append(f"status {answer.status} instead of {expected['status']}")
    if "content-length" not in answer.headers:
        found.append("no content-length")
    kind = answer.headers.get("content-type", "").split(";")[0].strip()
    wanted_kind = "text/plain" if "text" in expected else "application/json"
    if kind != wanted_kind:
        found.append(f"content-type {kind!r} instead of {wanted_kind!r}")
    for name, value in expected.get("headers", {}).items():
        if answer.headers.get(name, "").replace(" ", "").lower() != value.lower():
            found.append(f"header {name}: {answer.headers.get(name)!r} instead of {value!r}")
    return found


def _body_problems(expected: dict[str, Any], body: bytes) -> list[str]:
    if "text" in expected:
        return [] if body.decode("utf-8", "replace") == expected["text"] else [f"{body[:80]!r} is not {expected['text']!r}"]
    try:
        value = json.loads(body)
    except ValueError:
        return [f"body is not JSON: {body[:80]!r}"]
    if "error" in expected:
        if not isinstance(value, dict) or list(value) != ["error", "detail"] or value["error"] != expected["error"]:
            return [f"body {body[:120]!r} instead of error {expected['error']!r}"]
        return [] if isinstance(value["detail"], str) and value["detail"] else ["the error has no detail"]
    # Serialized again, because comparing dictionaries would not see the order of keys.
    wanted = json.dumps(expected["json"])
    return [] if json.dumps(value) == wanted else [f"body {body[:120]!r} instead of {wanted[:120]}"]


def first_of(problems: Sequence[str], target: str) -> str:
    """The first problems as one sentence. If there are more, it says how many, and which command shows all."""
    shown = "; ".join(problems[:SHOWN])
    left = len(problems) - SHOWN
    return f"{shown}; {left} more. All: .venv/bin/python -m pytest tests/contract -k {target}" if left > 0 else shown


def load(path: Path) -> list[dict[str, Any]]:
    """The golden cases of a file, in the file's order.

    A case is {name, route, method, path, headers?, json?|text?, spot?, answer}; its answer {status, json|text|error,
    headers?}.
    """
    cases: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return cases
