"""The bottleneck of a level: a rule over counters, the same for every target.

The first of these that holds:
    generator     the generator used more of its cores than a valid level allows
    service-cpu   the service used 90 % of its cores or more
    database      PostgreSQL used 90 % of its cores or more; where it shares them with the generator: both together did, and
                  PostgreSQL used the greater part (otherwise the bottleneck is what used the greater part)
    proxy         the load balancer before replicas: by the same two rules
    pool          90 % of the pool's connections or more were held in the mean (a statement was under way or a transaction
                  open), with CPU to spare: waiting requests wait for a connection
    none          no resource is used up: the level asks for less than there is
    unknown       nobody sees what the service uses, because fitmap did not start it

Near the limit of an objective, queues are long before a resource is used up. A search for capacity therefore names the most
used of these resources, if at least half of it was used.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from harness.record.measurement import Bottleneck, Usage
from harness.record.method import FULL, HALF


class Use(Struct, frozen=True):
    """The use of each resource during a window."""

    #: Shares of the containers' cores (0 to 1), means over the window. None: nobody sees it.
    service: float | None
    database: float
    generator: float
    #: Whether the generator was over its limit.
    generator_over: bool
    #: Whether database and generator have the same cores.
    shared: bool
    #: The mean number of connections that were held (None: nobody counts them), and the number of connections in the pool.
    held: float | None
    pool_size: int
    #: The load balancer's share of its cores, and whether these are the generator's.
    proxy: float = 0.0
    proxy_shares: bool = False

    def on_shared_cores(self) -> dict[Bottleneck, float]:
        """Bottleneck -> share of the generator's cores, for all that runs on these cores."""
        return {
            "generator": self.generator,
            **({"database": self.database} if self.shared else {}),
            **({"proxy": self.proxy} if self.proxy_shares else {}),
        }


def use_of(
    usage: Mapping[str, Usage],
    cores: Mapping[str, int],
    seconds: float,
    *,
    generator_over: bool,
    shared: bool,
    held: float | None,
    pool_size: int,
    proxy_shares: bool = False,
) -> Use:
    """The use of resources, from CPU seconds and core counts by role."""
    shares = {role: used.cpu_seconds / seconds / cores[role] for role, used in usage.items()}
    return Use(
        service=shares.get("service"),
        database=shares.get("database", 0.0),
        generator=shares["generator"],
        generator_over=generator_over,
        shared=shared,
        held=held,
        pool_size=pool_size,
        proxy=shares.get("proxy", 0.0),
        proxy_shares=proxy_shares,
    )


def figures(use: Use) -> str:
    """The figures that both rules look at, in one line."""
    proxy = f", proxy {use.proxy:.0%}" if use.proxy else ""
    if use.service is None:
        return f"generator {use.generator:.0%} of its cores; fitmap did not start the service"
    pool = "" if use.held is None else f"; {use.held:.1f} of {use.pool_size} connections held"
    return (
        f"service {use.service:.0%} of its cores, database {use.database:.0%}{proxy}, generator {use.generator:.0%}"
        f"{' of the same cores' if use.shared else ''}{pool}"
    )


def bottleneck(use: Use) -> Bottleneck:
    """The resource that was used up."""
    if use.generator_over:
        return "generator"
    if use.service is None:
        return "unknown"
    if use.service >= FULL:
        return "service-cpu"
    together = use.on_shared_cores()
    if len(together) > 1 and sum(together.values()) >= FULL:
        return _greatest(together)
    if use.database >= FULL:
        return "database"
    if use.proxy >= FULL:
        return "proxy"
    return "pool" if use.held is not None and use.held >= FULL * use.pool_size else "none"


def most_used(use: Use) -> Bottleneck:
    """The resource that was used most, for a rate near the limit of an objective."""
    if use.generator_over:
        return "generator"
    if use.service is None:
        return "unknown"
    together = use.on_shared_cores()
    shares: dict[Bottleneck, float] = {
        "service-cpu": use.service,
        "database": use.database,
        "generator": use.generator,
        "proxy": use.proxy,
        "pool": (use.held or 0.0) / use.pool_size,
    }
    # The shared cores count as one resource, named after the container that uses most of them.
    shares[_greatest(together)] = sum(together.values())
    name = _greatest(shares)
    return name if shares[name] >= HALF else "none"


def _greatest(shares: Mapping[Bottleneck, float]) -> Bottleneck:
    """The resource with the largest share. Of equal ones the database: it does what the requests ask for."""
    return max(shares, key=lambda resource: (shares[resource], resource == "database"))
