"""The answers that need no database, from the whole application but the server."""

import asyncio
import json
from mmap import mmap
from typing import Any

import pytest
from starlette.types import Message

from fitmap.app import create_app
from fitmap.settings import Settings
from fitmap.variant import CLASS

LIMIT = 1_048_576
JSON = {"content-type": "application/json"}
SETTINGS = Settings.from_environment(
    {"PORT": "1", "DATABASE_URL": "postgresql://shop:secret@127.0.0.1:1/fitmap", "CPUS": "1"}
)


class Answer:
    def __init__(self, messages: list[Message]) -> None:
        self.status: int = messages[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.body: bytes = messages[1]["body"]

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    method: str, target: str, headers: dict[str, str] | None = None, *chunks: bytes, hang_up: bool = False
) -> Answer:
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    incoming: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    end = {"type": "http.disconnect"} if hang_up else {"type": "http.request", "body": b"", "more_body": False}
    incoming.append(end)
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(create_app(SETTINGS, 0, mmap(-1, 1))(scope, receive, send))
    return Answer(sent)


def test_an_answer_has_its_length_and_type() -> None:
    answer = request("GET", "/cpu/collatz?from=1&count=10&unknown=x")
    assert answer.status == 200
    assert answer.headers == {"content-type": "application/json", "content-length": str(len(answer.body))}
    assert answer.body == b'{"from":1,"count":10,"longest_start":9,"longest_steps":19,"total_steps":67}'


@pytest.mark.parametrize("path", ["/", "/nope", "/ping/", "/products", "/products/", "/products/1/", "/PING"])
def test_unknown_routes(path: str) -> None:
    answer = request("GET", path)
    assert (answer.status, answer.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/ping", "GET"), ("DELETE", "/products/x", "GET"), ("GET", "/orders", "POST")],
)
def test_other_methods_are_told_the_one(method: str, path: str, allowed: str) -> None:
    answer = request(method, path)
    assert (answer.status, answer.json()["error"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "target",
    [
        "/cpu/collatz?from=1",
        "/cpu/collatz?from=&count=1",
        "/cpu/collatz?from=1&count=1&count=1",
        "/cpu/collatz?from=1&count=100001",
        "/cpu/collatz?from=+1&count=1",
        "/wait?ms=10001",
        "/products/0",
        "/products/2147483648",
        "/products/x/slow?ms=1",
        "/products/1/slow",
        "/customers/1/orders?limit=101",
        "/reports/regions?days=0",
    ],
)
def test_bad_parameters(target: str) -> None:
    answer = request("GET", target)
    assert (answer.status, answer.json()["error"]) == (400, "bad_request")


def test_parameters_are_decoded_first() -> None:
    assert request("GET", "/cpu/collatz?fro%6d=%31&count=1").status == 200


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON ; charset=utf-8"])
def test_json_by_its_content_type(content_type: str) -> None:
    answer = request("POST", "/cpu/summarize", {"content-type": content_type}, b'{"ord', b'ers":[]}')
    assert (answer.status, answer.body) == (200, b'{"orders":0,"regions":[]}')


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/jsonx"}])
def test_other_content_types_come_before_the_length(headers: dict[str, str]) -> None:
    answer = request("POST", "/cpu/summarize", headers | {"content-length": str(LIMIT + 1)})
    assert (answer.status, answer.json()["error"]) == (415, "unsupported_media_type")


def test_a_body_of_the_limit_is_read() -> None:
    assert request("POST", "/cpu/summarize", JSON, b'{"orders":[]}'.ljust(LIMIT)).status == 200


@pytest.mark.parametrize("headers", [JSON, JSON | {"content-length": str(LIMIT + 1)}])
def test_a_body_over_the_limit(headers: dict[str, str]) -> None:
    answer = request("POST", "/cpu/summarize", headers, b'{"orders":[]}'.ljust(LIMIT), b" ")
    assert (answer.status, answer.json()["error"]) == (413, "too_large")


@pytest.mark.parametrize("body", [b"", b"{", b'{"orders":[]}\xff', b'{"x":' + b"[" * 100_000, b'{"orders":"\xff"}'])
def test_a_body_that_does_not_parse(body: bytes) -> None:
    answer = request("POST", "/cpu/summarize", JSON, body)
    assert (answer.status, answer.json()["error"]) == (400, "bad_request")


def test_a_client_that_hangs_up_is_no_bug() -> None:
    answer = request("POST", "/cpu/summarize", JSON, b'{"ord', hang_up=True)
    assert answer.status == 400


def test_products_of_an_order_are_distinct() -> None:
    body = b'{"customer_id":1,"lines":[{"product_id":2,"quantity":1},{"product_id":2,"quantity":1}]}'
    assert request("POST", "/orders", JSON, body).status == 400


def test_before_the_pool_is_open() -> None:
    answer = request("GET", "/products/1")
    assert (answer.status, answer.json()["error"]) == (503, "database_unavailable")
    health = request("GET", "/health")
    assert (health.status, health.body) == (503, b'{"status":"starting"}')


def test_meta_names_versions_and_sizes() -> None:
    meta = request("GET", "/meta").json()
    assert (meta["target"], meta["class"]) == ("python", CLASS)
    assert meta["runtime"].startswith("CPython 3.")
    assert (meta["cpus"], meta["db_pool_size"]) == (1, 16)
