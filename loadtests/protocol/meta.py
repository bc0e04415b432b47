"""The answer of GET /meta, as services/contract/README.md wants it."""

from __future__ import annotations

import json
from collections.abc import Mapping

#: The keys in their order, with the type of their values.
META_KEYS: Mapping[str, type] = {
    "target": str,
    "language": str,
    "runtime": str,
    "framework": str,
    "driver": str,
    "class": str,
    "cpus": int,
    "db_pool_size": int,
}


def meta_problems(status: int, body: bytes | str, wanted: Mapping[str, str]) -> list[str]:
    """Where an answer of GET /meta departs from the contract, as sentences.

    `wanted`: key -> value that the target's service.toml gives. Versions and sizes are any of their type.
    """
    if status != 200:
        return [f"GET /meta: status {status} instead of 200"]
    try:
        meta = json.loads(body)
    except ValueError:
        return [f"GET /meta: body is not JSON: {body[:80]!r}"]
    if not isinstance(meta, dict):
        return [f"GET /meta: {body[:80]!r} is not an object"]
    return _key_problems(list(meta)) or _value_problems(meta, wanted)


def _key_problems(keys: list[str]) -> list[str]:
    found = []
    if missing := [key for key in META_KEYS if key not in keys]:
        found.append(f"GET /meta: the answer lacks {', '.join(missing)}")
    if unknown := [key for key in keys if key not in META_KEYS]:
        found.append(f"GET /meta: the contract has no {', '.join(unknown)}")
    if not found and keys != list(META_KEYS):
        found.append(f"GET /meta: the order of keys is {', '.join(keys)} instead of {', '.join(META_KEYS)}")
    return found


def _value_problems(meta: Mapping[str, object], wanted: Mapping[str, str]) -> list[str]:
    found = []
    for key, kind in META_KEYS.items():
        value = meta[key]
        # A boolean is an int to Python, but not to JSON.
        if type(value) is not kind or value == "":
            found.append(f"GET /meta: {key} is {value!r} instead of {'a text' if kind is str else 'an integer'}")
        elif key in wanted and value != wanted[key]:
            found.append(f"GET /meta: {key} is {value!r} instead of {wanted[key]!r}")
    return found
