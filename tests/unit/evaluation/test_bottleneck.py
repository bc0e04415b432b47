"""The bottleneck's rule, case by case."""

from __future__ import annotations

import msgspec
import pytest

from harness.evaluation.bottleneck import Use, bottleneck, most_used

IDLE = Use(service=0.2, database=0.2, generator=0.2, generator_over=False, shared=False, held=1.0, pool_size=16)


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({}, "none"),
        ({"generator_over": True, "service": 0.99}, "generator"),
        ({"service": 0.91, "database": 0.95}, "service-cpu"),
        ({"database": 0.91}, "database"),
        ({"shared": True, "database": 0.6, "generator": 0.35}, "database"),
        ({"shared": True, "database": 0.35, "generator": 0.6}, "generator"),
        ({"database": 0.6, "generator": 0.35}, "none"),
        ({"held": 14.5}, "pool"),
        ({"held": 14.0}, "none"),
        ({"held": 16.0, "database": 0.95}, "database"),
        ({"proxy": 0.91}, "proxy"),
        ({"proxy": 0.5, "proxy_shares": True, "generator": 0.45}, "proxy"),
        ({"shared": True, "proxy_shares": True, "proxy": 0.3, "generator": 0.25, "database": 0.4}, "database"),
        ({"shared": True, "proxy_shares": False, "proxy": 0.3, "generator": 0.25, "database": 0.4}, "none"),
    ],
)
def test_the_first_resource_that_is_used_up_is_named(change: dict[str, object], limit: str) -> None:
    assert bottleneck(msgspec.structs.replace(IDLE, **change)) == limit


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({}, "none"),
        ({"generator_over": True, "service": 0.99}, "generator"),
        ({"service": 0.86}, "service-cpu"),
        ({"database": 0.6, "service": 0.55}, "database"),
        ({"shared": True, "database": 0.35, "generator": 0.4, "service": 0.7}, "generator"),
        ({"held": 12.0, "database": 0.6}, "pool"),
        ({"proxy": 0.7, "service": 0.65}, "proxy"),
    ],
)
def test_at_the_edge_of_an_objective_the_most_used_resource_is_named(change: dict[str, object], limit: str) -> None:
    assert most_used(msgspec.structs.replace(IDLE, **change)) == limit
