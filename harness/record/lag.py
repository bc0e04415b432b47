"""Compares the delay that the load generator itself adds with a tail of response times, of a level or of a route."""

from __future__ import annotations

#: The most lag with which a tail is ranked, both as 99th percentiles: a share of the response times.
LAG_SHARE_OF_RESPONSE = 0.10


def latency_problem(lag_p99: float, response_p99: float) -> str:
    """Why a tail is not ranked; empty: it is. Both values are 99th percentiles in microseconds."""
    if lag_p99 <= LAG_SHARE_OF_RESPONSE * response_p99:
        return ""
    return (
        f"the generator was late by {lag_p99 / 1000:.1f} ms at p99, over a tenth of the {response_p99 / 1000:.1f} ms "
        "of the responses: the tail may be its own"
    )
