"""Reads an OpenAPI file for a first profile: the GET requests that can be sent without knowing more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from harness.errors import UsageError
from harness.plan.decoding import read_text

#: A first profile has no more requests than can be read at a glance.
MOST_REQUESTS = 8
#: What an integer in a path is drawn from, unless the file says otherwise.
LOWEST, HIGHEST = 1, 100


class FirstRequest(Struct, frozen=True):
    """A request of a first profile. `send` has draws, `route` the names of the parameters."""

    send: str
    route: str
    status: int


class Openapi(Struct, frozen=True):
    """The requests of a first profile, and the operations that it leaves out, each with its reason."""

    requests: tuple[FirstRequest, ...]
    left_out: tuple[str, ...]


def read_openapi(path: Path) -> Openapi:
    """Reads a file in JSON or YAML. Raises UsageError."""
    text = read_text(path)
    try:
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: neither JSON nor YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise UsageError(f"{path}: not an OpenAPI file: it has no paths")
    requests: list[FirstRequest] = []
    left_out: list[str] = []
    for route, operation, parameters in _operations(document):
        method, _, name = route.partition(" ")
        found = _request(name, operation, parameters) if method == "GET" else "only GET requests are written"
        if isinstance(found, FirstRequest) and len(requests) < MOST_REQUESTS:
            requests.append(found)
        else:
            left_out.append(f"{route}: {found if isinstance(found, str) else f'more than {MOST_REQUESTS} are too many'}")
    return Openapi(tuple(requests), tuple(left_out))


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Each operation: its route, itself, and its parameters with those of its path."""
    for path, item in document["paths"].items():
        shared = _resolved(item.get("parameters", ()), document) if isinstance(item, dict) else []
        for method in ("get", "post", "put", "patch", "delete"):
            if isinstance(operation := item.get(method) if isinstance(item, dict) else None, dict):
                yield f"{method.upper()} {path}", operation, [*shared, *_resolved(operation.get("parameters", ()), document)]


def _resolved(parameters: Any, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = []
    for parameter in parameters:
        name = str(parameter.get("$ref", "")).rpartition("/")[2]
        found.append(document.get("components", {}).get("parameters", {}).get(name, {}) if name else parameter)
    return found


def _request(path: str, operation: Mapping[str, Any], parameters: list[Mapping[str, Any]]) -> FirstRequest | str:
    """The request of a GET operation, or why there is none."""
    route, query = f"GET {path}", []
    for parameter in parameters:
        name, value = str(parameter.get("name")), _value(parameter)
        if parameter.get("in") == "path":
            if value is None:
                return f"it needs a value for {{{name}}}: take {{line:FILE}}"
            path = path.replace(f"{{{name}}}", value)
        elif parameter.get("required"):
            if value is None or parameter.get("in") != "query":
                return f"it needs {parameter.get('in')} {name}"
            query.append(f"{name}={value}")
    if operation.get("security"):
        return "it needs a log-in: add a header with ${NAME}"
    codes = [int(code) for code in operation.get("responses", {}) if str(code).isdigit() and 200 <= int(code) < 300]
    return FirstRequest("GET " + "?".join(filter(None, (path, "&".join(query)))), route, min(codes, default=200))


def _value(parameter: Mapping[str, Any]) -> str | None:
    """What a parameter is given: its example, or a number that is drawn. None: nothing is known."""
    schema = parameter.get("schema") or {}
    for example in (parameter.get("example"), schema.get("example"), schema.get("default"), *schema.get("enum", ())):
        if isinstance(example, str | int) and not isinstance(example, bool) and str(example).isascii():
            return str(example).replace(" ", "%20")
    if schema.get("type") == "integer":
        return f"{{{max(0, int(schema.get('minimum', LOWEST)))}..{int(schema.get('maximum', HIGHEST))}}}"
    return None
