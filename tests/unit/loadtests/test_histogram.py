"""The inline bucket count is HdrHistogram's own, index by index."""

from __future__ import annotations

from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadtests.protocol.histogram import (
    COUNTS,
    HALF_COUNT_BITS,
    HIGHEST_MICROSECONDS,
    SUB_BUCKET_BITS,
    encode,
    index_of,
    lowest_value,
    new_counts,
)

MICROSECONDS = st.integers(0, HIGHEST_MICROSECONDS)


@given(MICROSECONDS)
def test_index_is_the_one_that_hdrhistogram_computes(value: int) -> None:
    theirs = HdrHistogram(1, HIGHEST_MICROSECONDS, 3)
    theirs.record_value(value)
    (index,) = [i for i in range(theirs.counts_len) if theirs.get_count_at_index(i)]
    assert index_of(value) == index


@given(MICROSECONDS)
def test_lowest_value_is_the_inverse(value: int) -> None:
    lowest = lowest_value(index_of(value))
    assert lowest <= value
    assert index_of(lowest) == index_of(value)
    assert lowest == 0 or index_of(lowest - 1) == index_of(lowest) - 1


def test_the_highest_value_has_a_bucket() -> None:
    assert index_of(HIGHEST_MICROSECONDS) < COUNTS


@given(st.lists(MICROSECONDS, min_size=1, max_size=200))
def test_an_encoded_histogram_decodes_to_the_same_percentiles(values: list[int]) -> None:
    counts = new_counts()
    reference = HdrHistogram(1, HIGHEST_MICROSECONDS, 3)
    for value in values:
        counts[index_of(value)] += 1
        reference.record_value(value)
    decoded = HdrHistogram.decode(encode(counts))
    assert decoded.get_total_count() == len(values)
    for percentile in (50, 90, 99, 99.9, 100):
        ours, theirs = decoded.get_value_at_percentile(percentile), reference.get_value_at_percentile(percentile)
        assert index_of(ours) == index_of(theirs)


def test_the_lines_inlined_in_the_hot_path_are_those_of_index_of() -> None:
    """LeanUser repeats the arithmetic; the names and operators must stay these."""
    from loadtests.protocol import histogram

    assert (SUB_BUCKET_BITS, HALF_COUNT_BITS) == (11, 10)
    assert histogram.index_of(5000) == ((5000).bit_length() - 11 << 10) + (5000 >> ((5000).bit_length() - 11))
