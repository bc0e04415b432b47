"""What limits a level? A rule over counters, the same for every target. Pure.

In this order, the first that holds:
    generator     the generator used more of its cores than a valid level allows
    service-cpu   the service used 90 % of its cores or more
    database      PostgreSQL used 90 % of its cores or more; where it shares them with the generator: both together did, and
                  PostgreSQL used the greater part (else it is the generator after all)
    pool          PostgreSQL executed for 90 % of the pooled connections or more at any moment, with CPU to spare:
                  what waits, waits for a connection
    none          nothing is used up: the level asks for less than there is

At the edge of an objective queues are long before anything is used up: a search names the most used of these resources
instead, when it was used by half or more.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from harness.measurement import Bottleneck, Usage

FULL = 0.90
#: Less than this of the most used resource limits nothing.
HALF = 0.50


class Use(Struct, frozen=True):
    """How much of what there is was used during a window."""

    #: Shares of their cores (0 to 1), means over the window.
    service: float
    database: float
    generator: float
    #: Whether the generator was over its limit.
    generator_over: bool
    #: Whether database and generator have the same cores.
    shared: bool
    #: Statements under execution at any moment, mean; and connections in the pool.
    executing: float
    pool_size: int


def use_of(
    usage: Mapping[str, Usage],
    cores: Mapping[str, int],
    seconds: float,
    *,
    generator_over: bool,
    shared: bool,
    executing: float,
    pool_size: int,
) -> Use:
    """From CPU seconds and core counts by role."""
    shares = {role: used.cpu_seconds / seconds / cores[role] for role, used in usage.items()}
    return Use(
        service=shares["service"],
        database=shares.get("database", 0.0),
        generator=shares["generator"],
        generator_over=generator_over,
        shared=shared,
        executing=executing,
        pool_size=pool_size,
    )


def figures(use: Use) -> str:
    """What both rules look at, in one line."""
    return (
        f"service {use.service:.0%} of its cores, database {use.database:.0%}, generator {use.generator:.0%}"
        f"{' of the same ones' if use.shared else ''}; {use.executing:.1f} of {use.pool_size} connections executing"
    )


def bottleneck(use: Use) -> Bottleneck:
    """The resource that was used up."""
    if use.generator_over:
        return "generator"
    if use.service >= FULL:
        return "service-cpu"
    if use.shared and use.database + use.generator >= FULL:
        return "database" if use.database >= use.generator else "generator"
    if use.database >= FULL:
        return "database"
    return "pool" if use.executing >= FULL * use.pool_size else "none"


def most_used(use: Use) -> Bottleneck:
    """The resource that was used most, for the edge of an objective."""
    if use.generator_over:
        return "generator"
    together = use.database + use.generator if use.shared else 0.0
    shares: dict[Bottleneck, float] = {
        "service-cpu": use.service,
        "database": max(use.database, together if use.database >= use.generator else 0.0),
        "generator": max(use.generator, together if use.generator > use.database else 0.0),
        "pool": use.executing / use.pool_size,
    }
    name = max(shares, key=lambda resource: shares[resource])
    return name if shares[name] >= HALF else "none"
