"""The checks of answers find what is wrong, and remember only right answers."""

from __future__ import annotations

import json
from http.client import parse_headers
from io import BytesIO

from loadtests.generator.exchange import expect_json, expect_shape, expect_text, get, post_json
from loadtests.protocol.steady_state import trend


def test_requests_have_as_many_headers_as_a_browser_sends() -> None:
    first, rest = get("/products/1").split(b"\r\n", 1)
    headers = parse_headers(BytesIO(rest))
    assert (first, headers["host"], headers["accept"]) == (b"GET /products/1 HTTP/1.1", "127.0.0.1", "application/json")
    assert len(headers) == 10
    assert {"user-agent", "accept-encoding", "accept-language", "referer"} <= set(headers)
    head, body = post_json("/orders", b'{"a":1}').split(b"\r\n\r\n")
    posted = parse_headers(BytesIO(head.split(b"\r\n", 1)[1] + b"\r\n\r\n"))
    assert json.loads(body) == {"a": 1}
    assert int(posted["content-length"]) == len(body)
    assert set(posted) == {*headers, "content-type", "content-length", "origin"}


def test_json_is_compared_by_meaning_and_key_order() -> None:
    check = expect_json({"a": 1, "b": [2]})
    assert check(200, b'{"a":1,"b":[2]}') is None
    assert check(200, b'{ "a": 1, "b": [ 2 ] }') is None
    assert "instead of" in str(check(200, b'{"b":[2],"a":1}'))
    assert "instead of" in str(check(200, b'{"a":1,"b":[3]}'))
    assert "not JSON" in str(check(200, b"{"))


def test_a_right_body_with_a_wrong_status_is_wrong_even_when_known() -> None:
    check = expect_json({"a": 1})
    assert check(200, b'{"a":1}') is None
    assert "status 500" in str(check(500, b'{"a":1}'))


def test_a_wrong_body_is_wrong_each_time() -> None:
    check = expect_json({"a": 1})
    assert check(200, b'{"a":2}') is not None
    assert check(200, b'{"a":2}') is not None


def test_shapes_are_looked_into_at_the_first_answer_and_then_each_nth() -> None:
    looked = []

    def accept(value: object) -> bool:
        looked.append(value)
        return True

    check = expect_shape(accept, "anything", every=4)
    for _ in range(9):
        assert check(200, b'{"a":1}') is None
    assert len(looked) == 3


def test_each_pass_over_a_stream_looks_at_its_share_of_the_answers() -> None:
    """Otherwise no answer is parsed in a window that ends before each request was sent sixteen times."""
    looked: list[object] = []

    def accept(answer: object) -> bool:
        looked.append(answer)
        return True

    checks = [expect_shape(accept, "anything", every=16) for _ in range(64)]
    seen = []
    for _ in range(4):
        looked.clear()
        assert all(check(200, b"{}") is None for check in checks)
        seen.append(len(looked))
    assert seen == [64, 4, 4, 4]


def test_a_shape_that_does_not_fit_or_breaks_the_check_is_wrong() -> None:
    check = expect_shape(lambda answer: answer["id"] == 1, "product 1", every=1)
    assert check(200, b'{"id":1}') is None
    assert "is not product 1" in str(check(200, b'{"id":2}'))
    assert "is not product 1" in str(check(200, b'{"name":2}'))
    assert "status 503" in str(check(503, b'{"error":"database_unavailable"}'))


def test_text_is_compared_to_the_letter() -> None:
    assert expect_text("pong")(200, b"pong") is None
    assert expect_text("pong")(200, b"pong\n") is not None


def test_a_trend_is_seen_and_noise_is_not() -> None:
    assert not trend([100, 150, 200, 250, 300, 350])[0]
    assert not trend([100, 100, 100, 93, 93, 93])[0]
    assert trend([1000, 1010, 990, 1005, 995, 1000])[0]
    assert trend([20, 26, 23, 24, 20, 25])[0]


def test_only_the_end_of_the_warm_up_counts() -> None:
    assert trend([1, 10, 100, 1000, 1010, 990, 1005, 995, 1000])[0]


def test_a_warm_up_without_answers_is_not_steady() -> None:
    assert not trend([0, 0, 0, 0, 0, 0])[0]
