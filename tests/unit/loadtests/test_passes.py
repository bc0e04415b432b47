"""Passes: each has the profile's exact mix."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from loadtests.generator.exchange import Exchange
from loadtests.generator.passes import LEAST_REQUESTS, cut, mixed


def exchange(route: int) -> Exchange:
    return Exchange(route, b"", lambda _status, _body: None)


def test_each_pass_has_the_exact_mix_in_another_order() -> None:
    stream = mixed(random.Random(1), {lambda _: exchange(0): 60, lambda _: exchange(1): 40}, 3)
    passes = [[one.route for one in stream[begin : begin + 100]] for begin in (0, 100, 200)]
    assert [Counter(one) for one in passes] == [{0: 60, 1: 40}] * 3
    assert passes[0] != passes[1]


def test_a_pass_of_some_routes_keeps_their_share() -> None:
    stream = mixed(random.Random(1), {lambda _: exchange(0): 60, lambda _: exchange(1): 35, lambda _: exchange(2): 5}, 20)
    assert [len(one) for one in cut(stream, 100, lambda e: True)] == [100] * 20
    # Passes of five requests are joined to one that is long enough.
    assert [len(one) for one in cut(stream, 100, lambda e: e.route == 2)] == [LEAST_REQUESTS, LEAST_REQUESTS]
    assert all(Counter(e.route for e in one) == {0: 60, 2: 5} for one in cut(stream, 100, lambda e: e.route != 1))


def test_a_stream_that_is_too_short_is_repeated() -> None:
    assert [len(one) for one in cut([exchange(0)], 1, lambda e: True)] == [LEAST_REQUESTS]
    three = [exchange(0), exchange(1), exchange(2)]
    ((*routes,),) = ([e.route for e in one] for one in cut(three, 3, lambda e: True))
    assert len(routes) >= LEAST_REQUESTS and routes[:6] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("stream", [[], [exchange(0)] * 150])
def test_a_stream_without_whole_passes_is_refused(stream: list[Exchange]) -> None:
    with pytest.raises(ValueError, match="does not consist of passes"):
        cut(stream, 100, lambda e: True)


def test_a_route_that_no_pass_has_is_refused() -> None:
    with pytest.raises(ValueError, match="chosen routes"):
        cut([exchange(0)] * 100, 100, lambda e: e.route == 1)
