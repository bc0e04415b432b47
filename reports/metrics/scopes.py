"""Loads, under which targets are measured, and scopes, at which they are ranked by a metric."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from harness.record.plan import Level, Plan, Profile

ScopeKind = Literal["load", "profile", "run"]
#: From this method on the tail of a mix is ranked by route. Windows of older ones are too short for a route's percentiles,
#: and their records keep their published files.
TAILS_BY_ROUTE = 7


class Load(Struct, frozen=True):
    """One profile at one level. `kind` is the level's: closed, open (at a rate that is the same for all targets), relative
    (open, at a share of the target's own throughput), held (closed, each request asks to wait `hold_milliseconds`).
    `alone`: a single route of a profile that has several. `routes`: those by which the tail is ranked; empty: it is ranked
    as a whole.
    """

    profile: str
    profile_title: str
    level: str
    #: The level as it follows the profile's title: `saturated`, `1,000 requests/s`.
    level_title: str
    question: str
    kind: Literal["closed", "open", "relative", "held"]
    connections: int
    alone: bool
    hold_milliseconds: int = 0
    routes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.profile}@{self.level}"

    @property
    def title(self) -> str:
        return f"{self.profile_title}, {self.level_title}"

    @property
    def phrase(self) -> str:
        """The level as part of a sentence: `saturated`, `at 1,000 requests/s`, `with 1,000 requests held`."""
        if self.held:
            return f"with {self.level_title}"
        return f"at {self.level_title}" if self.open else self.level_title

    @property
    def open(self) -> bool:
        return self.kind in ("open", "relative")

    @property
    def held(self) -> bool:
        return self.kind == "held"

    @property
    def equal_rates(self) -> bool:
        """Whether all targets get the same number of requests/s. In a closed loop each target sets its own rate."""
        return self.kind == "open"

    @property
    def ranked(self) -> bool:
        """Whether targets are ranked at this load. At shares of their own throughput targets have different rates, so they
        are not compared. A route that is sent alone is a detail of its profile, and would add many more winners.
        """
        return not self.alone and (self.equal_rates or not self.open)


class Scope(Struct, frozen=True):
    """What a value of a metric is about: one load (or one `route` of it), whole trials of a profile (`load` is None), or the
    whole run.
    """

    title: str
    question: str
    profile: str | None = None
    load: Load | None = None
    route: str = ""

    @property
    def id(self) -> str:
        if self.load:
            return route_id(self.load.id, self.route)
        return self.profile or ""

    @property
    def level(self) -> str | None:
        """What follows the profile in the id of a load's scope: `saturate`, `1000/s`, `1000/s GET /orders`."""
        return self.id.partition("@")[2] if self.load else None

    @property
    def scope(self) -> ScopeKind:
        if self.load:
            return "load"
        return "profile" if self.profile else "run"

    def holds(self, profile: str, load: str) -> bool:
        """Whether a measurement under a load of a profile belongs to this scope."""
        return self.profile in (None, profile) and (self.load is None or self.load.id == load)


def route_id(load: str, route: str) -> str:
    """The id of a route's scope at a load: `db@1000/s GET /orders`. Without a route that of the load."""
    return f"{load} {route}".strip()


def load_id(scope: str) -> str:
    """The load's part of the id of a scope. Only loads at a rate have routes (`db@GET /orders` is a load of its own)."""
    rate, found, _ = scope.partition("/s ")
    return f"{rate}/s" if found else scope


def loads_of(plan: Plan, *, tails_by_route: bool = True) -> tuple[Load, ...]:
    """All loads in the plan's order. Profiles of non-load trials have none.

    The search for capacity is not a load: each of its windows has a rate of its own. `tails_by_route`: the tail of a mix is
    ranked by route.
    """
    loaded = (profile for profile in plan.profiles if profile.kind == "load")
    return tuple(load for profile in loaded for level in profile.levels if (load := _load(profile, level, tails_by_route)))


def _load(profile: Profile, level: Level, tails_by_route: bool) -> Load | None:
    if level.kind == "capacity":
        return None
    # A plan that was narrowed to one route has levels with one route that do not bear the route's name.
    alone = level.kind == "closed" and level.routes == (level.name,)
    return Load(
        profile=profile.name,
        profile_title=profile.title,
        level=level.name,
        level_title=_level_title(level, alone),
        question=profile.question,
        kind=level.kind,
        connections=level.connections,
        alone=alone,
        hold_milliseconds=level.hold_milliseconds,
        routes=level.routes if tails_by_route and level.kind == "open" and len(level.routes) > 1 else (),
    )


def _level_title(level: Level, alone: bool) -> str:
    if level.kind == "open":
        # Seven digits: the highest possible rate is a million, and it must not be written with an exponent.
        return f"{level.rate:,.7g} requests/s"
    if level.kind == "relative":
        return f"{level.share * 100:.4g} % of own throughput"
    if level.kind == "held":
        return f"{level.connections:,} requests held"
    return f"{level.name} alone" if alone else "saturated"


def route_scopes(load: Load) -> tuple[Scope, ...]:
    """The scopes of the routes by which a load's tail is ranked."""
    return tuple(Scope(f"{load.title}, {route}", load.question, load.profile, load, route) for route in load.routes)


def scopes_of(plan: Plan, loads: Iterable[Load]) -> tuple[Scope, ...]:
    """For each profile its ranked loads, each with its routes, and its whole trials; at the end the whole run."""
    found = []
    every = tuple(loads)
    for profile in plan.profiles:
        for load in (load for load in every if load.profile == profile.name and load.ranked):
            found.append(Scope(load.title, load.question, profile.name, load))
            found += route_scopes(load)
        if profile.kind == "load":
            found.append(
                Scope(f"{profile.title}, whole trial", "How much does it hold, and what does it take at most?", profile.name)
            )
        else:
            found.append(Scope(profile.title, profile.question, profile.name))
    return (*found, Scope("Whole run", "What does it cost to have it at all?"))
