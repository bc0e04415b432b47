"""Asks a service the golden cases of the contract, once each, before anything is measured."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(host: str, port: int, case: dict[str, Any], timeout_seconds: float = 10.0) -> Answer:
    """Send one golden case's request on a connection of its own. Raises OSError, http.client.HTTPException."""
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
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def problems(case: dict[str, Any], answer: Answer) -> list[str]:
    """Where an answer departs from what the case expects, in words; empty when it does not."""
    expected = case["answer"]
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
    if "text" in expected and answer.body.decode("utf-8", "replace") != expected["text"]:
        found.append(f"body {answer.body[:80]!r} instead of {expected['text']!r}")
    if "json" in expected or "error" in expected:
        try:
            value = json.loads(answer.body)
        except ValueError:
            return [*found, f"body is not JSON: {answer.body[:80]!r}"]
        if "error" in expected:
            if not isinstance(value, dict) or list(value) != ["error", "detail"] or value["error"] != expected["error"]:
                found.append(f"body {answer.body[:120]!r} instead of error {expected['error']!r}")
            elif not isinstance(value["detail"], str) or not value["detail"]:
                found.append("the error has no detail")
        # Serialized again, because comparing dictionaries would not see the order of keys.
        elif json.dumps(value) != json.dumps(expected["json"]):
            found.append(f"body {answer.body[:120]!r} instead of {json.dumps(expected['json'])[:120]}")
    return found


def load(path: Path) -> list[dict[str, Any]]:
    """The golden cases: {name, route, method, path, headers?, json?|text?, spot?, answer: {status, json|text|error, headers?}}."""
    cases: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return cases
