"""Cuts a profile's stream into passes: short lists of requests, each with the profile's exact mix.

Slices of a level hold whole passes. So each slice of each target has the same mix, and the mix is no noise.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from loadtests.generator.exchange import Exchange

#: The least length of a pass, so that a slice does not spend its time on the ends of passes.
LEAST_REQUESTS = 50


def mixed(rng: random.Random, makers: Mapping[Callable[[random.Random], Exchange], int], passes: int) -> list[Exchange]:
    """A stream of so many passes, each in random order. `makers`: each with its number of requests in a pass."""
    once = [make for make, count in makers.items() for _ in range(count)]
    stream: list[Exchange] = []
    for _ in range(passes):
        stream += [make(rng) for make in rng.sample(once, len(once))]
    return stream


def cut(stream: Sequence[Exchange], length: int, chosen: Callable[[Exchange], bool]) -> list[list[Exchange]]:
    """The passes of a stream, of the chosen requests alone. Short passes are joined.

    `length`: of a pass in the stream. Raises ValueError if the stream does not consist of whole passes, or none is chosen.
    """
    if not stream or len(stream) % length:
        raise ValueError(f"a stream of {len(stream)} requests does not consist of passes of {length}")
    kept = [[one for one in stream[begin : begin + length] if chosen(one)] for begin in range(0, len(stream), length)]
    shortest = min(len(one) for one in kept)
    if not shortest:
        raise ValueError("a pass has no request of the chosen routes")
    joined = min(-(-LEAST_REQUESTS // shortest), len(kept))
    ends = range(joined, len(kept) + 1, joined)
    whole = [list(chain.from_iterable(kept[end - joined : end])) for end in ends]
    # A stream that is shorter than a pass should be is repeated.
    times = -(-LEAST_REQUESTS // min(len(one) for one in whole))
    return [one * times for one in whole]
