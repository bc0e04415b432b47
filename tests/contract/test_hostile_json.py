"""JSON that is nested without end, and integers that no type holds: 400, and the next request is answered."""

from __future__ import annotations

from collections.abc import Iterator

import outcomes
import pytest
from exchange import hear_answers
from mutate import KIND, Request, render
from stand import Pair

pytestmark = pytest.mark.containers

PONG = "200 pong"
NOTHING = '200 {"orders":0,"regions":[]}'
PING = render(b"GET", b"/ping", b"", None)

LINE = b'{"orders":[{"customer":"c","region":"r","lines":[{"sku":"s","quantity":%b,"price_cents":%b}]}]}'
ORDER = b'{"customer_id":%b,"lines":[{"product_id":%b,"quantity":%b}]}'


def integer_bodies(value: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """The value in each integer field: name, path, body."""
    for field, values in {"quantity": (value, b"1"), "price_cents": (b"1", value)}.items():
        yield f"{field} of a line", b"/cpu/summarize", LINE % values
    for field, three in {
        "customer_id": (value, b"1", b"1"),
        "product_id": (b"1", value, b"1"),
        "quantity": (b"1", b"1", value),
    }.items():
        yield f"{field} of an order", b"/orders", ORDER % three


NESTED = {
    "100,000 open arrays": b"[" * 100_000,
    "50,000 arrays": b"[" * 50_000 + b"]" * 50_000,
    "5,000 arrays": b"[" * 5_000 + b"]" * 5_000,
    "20,000 objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "arrays and objects": b'[{"a":' * 20_000,
}
LARGE = [2**31, 2**32 + 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 2**64 + 1, 10**30]


def refusal_problems(port: int, sent: Iterator[tuple[str, bytes, bytes]], allowed: tuple[str, ...]) -> list[str]:
    found = []
    for name, path, body in sent:
        request = Request(render(b"POST", path, KIND, body), name, exact=True)
        heard = hear_answers(port, request.data + PING, 2)
        got = [outcomes.of_sound(request, *answer) for answer in heard]
        if len(got) < 2 or got[0] not in allowed or got[1] != PONG:
            found.append(f"{name}: {got}")
    return found


@pytest.mark.essential
def test_nested_values_in_integer_fields_are_bad_requests(pair: Pair, target: str) -> None:
    wrong = {
        name: refusal_problems(pair.port, integer_bodies(value), ("400 bad_request",)) for name, value in NESTED.items()
    }
    assert not any(wrong.values()), f"{target}: {wrong}"


@pytest.mark.essential
def test_integers_beyond_what_a_type_holds_are_bad_requests(pair: Pair, target: str) -> None:
    wrong = []
    for value in (*LARGE, *(-value for value in LARGE)):
        wrong += refusal_problems(pair.port, integer_bodies(b"%d" % value), ("400 bad_request",))
        for path in (b"/products/%d", b"/customers/1/orders?limit=%d", b"/wait?ms=%d", b"/cpu/collatz?from=%d&count=1"):
            (status, _), *_ = hear_answers(pair.port, render(b"GET", path % value, b"", None), 1)
            if status != 400:
                wrong.append(f"{path % value!r}: {status}")
    assert not wrong, f"{target}: {wrong}"


def test_a_value_that_nobody_reads_may_be_deep(pair: Pair, target: str) -> None:
    deep = [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000]
    sent = ((f"deep, {value[:5]!r}", b"/cpu/summarize", b'{"x":%b,"orders":[]}' % value) for value in deep)
    assert not refusal_problems(pair.port, sent, ("400 bad_request", NOTHING)), target


def test_of_a_key_that_is_given_twice_the_last_counts_or_none(pair: Pair, target: str) -> None:
    twice = b'{"customer_id":1,"customer_id":2147483647,"lines":[{"product_id":1,"quantity":1}]}'
    assert not refusal_problems(
        pair.port, iter([("customer_id", b"/orders", twice)]), ("400 bad_request", "404 not_found")
    ), target
    twice = b'{"orders":[{"customer":"c","region":"r","lines":[]}],"orders":[]}'
    assert not refusal_problems(pair.port, iter([("orders", b"/cpu/summarize", twice)]), ("400 bad_request", NOTHING)), (
        target
    )
