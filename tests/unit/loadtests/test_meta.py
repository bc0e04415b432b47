"""The answer of GET /meta: status, keys in their order, types, and the target's own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.protocol.meta import META_KEYS, meta_problems

META: dict[str, Any] = {
    "target": "go", "language": "Go", "runtime": "go1.27.4", "framework": "net/http", "driver": "pgx 5", "class": "standard",
    "cpus": 1, "db_pool_size": 16,
}  # fmt: skip
WANTED = {"target": "go", "language": "Go", "class": "standard"}


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in META.items() if key not in keys}


def test_an_answer_as_the_contract_wants_it_has_no_problems() -> None:
    assert list(META) == list(META_KEYS)
    assert meta_problems(200, json.dumps(META), WANTED) == []


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (404, '{"error":"not_found","detail":"no such route"}', "status 404 instead of 200"),
        (200, "pong", "body is not JSON: 'pong'"),
        (200, "[]", "'[]' is not an object"),
        (200, json.dumps(without("driver", "class")), "the answer lacks driver, class"),
        (200, json.dumps({**META, "uptime": 1}), "the contract has no uptime"),
        (200, json.dumps({**META, "cpus": "1"}), "cpus is '1' instead of an integer"),
        (200, json.dumps({**META, "cpus": True}), "cpus is True instead of an integer"),
        (200, json.dumps({**META, "framework": ""}), "framework is '' instead of a text"),
        (200, json.dumps({**META, "language": "Java"}), "language is 'Java' instead of 'Go'"),
    ],
)
def test_each_departure_is_a_sentence(status: int, body: str, sentence: str) -> None:
    assert meta_problems(status, body, WANTED) == [f"GET /meta: {sentence}"]


def test_keys_in_another_order_are_a_problem() -> None:
    (found,) = meta_problems(200, json.dumps(dict(reversed(META.items()))), WANTED)
    assert found.startswith("GET /meta: the order of keys is db_pool_size, cpus")
