"""How levels are written, and what they stand for. Pure.

saturate   closed loop, the profile's connections, each sends as soon as it has its answer
1000/s     open loop at 1,000 arrivals/s: the same for all targets, so that latency is compared at equal load
50%        open loop at half of what this target achieved in this trial's closed level
curve      25%, 50%, 75%, 90%: latency against throughput
routes     each of the profile's routes alone, closed loop: where the time of which request goes
capacity   the highest rate that still meets the objective
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.errors import UsageError
from harness.model import Level, Timing
from harness.strict import suggest
from loadtests.lean import wire

CURVE = ("25%", "50%", "75%", "90%")
SATURATE = "saturate"
CAPACITY = "capacity"
_WORDS = (SATURATE, "curve", "routes", CAPACITY)
_RATE = re.compile(r"(\d+(?:\.\d+)?)/s")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")

#: A probe of the search: settle, then a window. Ten or twenty of them make a search.
PROBE_SETTLE_SECONDS = 1.0
PROBE_SECONDS = 4.0
PROBES = 16
#: Levels that come in fours have shorter windows.
SHORT_SECONDS = 10.0


def parse_levels(texts: Iterable[str], connections: int, routes: tuple[str, ...], where: str) -> tuple[Level, ...]:
    """The levels in the order in which a trial runs them: the closed one first, because others are shares of it.

    Raises UsageError.
    """
    levels: dict[str, Level] = {}
    for text in texts:
        for level in _expand(text.strip(), connections, routes, where):
            levels[level.name] = level
    if not levels:
        raise UsageError(f"{where}: at least one level is needed, such as {SATURATE!r}")
    leaning = any(level.kind in ("relative", "capacity") for level in levels.values())
    if leaning and SATURATE not in levels:
        levels[SATURATE] = Level(SATURATE, "closed", connections, routes)
    return tuple(sorted(levels.values(), key=lambda level: level.name != SATURATE))


def _expand(text: str, connections: int, routes: tuple[str, ...], where: str) -> tuple[Level, ...]:
    if text == SATURATE:
        return (Level(SATURATE, "closed", connections, routes),)
    if text == CAPACITY:
        return (Level(text, "capacity", connections, routes),)
    if text == "curve":
        return tuple(level for share in CURVE for level in _expand(share, connections, routes, where))
    if text == "routes":
        return tuple(Level(route, "closed", connections, (route,)) for route in routes)
    if match := _RATE.fullmatch(text):
        rate = float(match[1])
        if not 0.1 <= rate <= 1_000_000:
            raise UsageError(f"{where}: a rate must be within 0.1/s and 1000000/s, not {text}")
        return (Level(f"{rate:g}/s", "open", connections, routes, rate=rate),)
    if match := _SHARE.fullmatch(text):
        share = float(match[1])
        if not 0 < share <= 100:
            raise UsageError(f"{where}: a share must be within 0% and 100%, not {text}")
        return (Level(f"{share:g}%", "relative", connections, routes, share=share / 100),)
    raise UsageError(
        f'{where}: unknown level "{text}"{suggest(text, _WORDS)}; or a rate such as 500/s, or a share such as 50%'
    )


def timed(level: Level, timing: Timing, first: bool) -> wire.Level:
    """The level with its times, for the load generator. A trial's first level has the whole warm-up."""
    settle, limit, measure = timing.settle_seconds, timing.settle_seconds, timing.measure_seconds
    if first:
        settle, limit = timing.warmup_seconds, timing.warmup_limit_seconds
    if level.kind == "relative" or len(level.routes) == 1:
        measure = min(measure, SHORT_SECONDS)
    if level.kind == "capacity":
        settle, limit, measure = PROBE_SETTLE_SECONDS, PROBE_SETTLE_SECONDS, PROBE_SECONDS
    return wire.Level(
        name=level.name,
        kind=level.kind,
        connections=level.connections,
        routes=level.routes,
        warmup_seconds=settle,
        warmup_limit_seconds=limit,
        measure_seconds=measure,
        rate=level.rate,
        share=level.share,
    )


def seconds(level: wire.Level, longest: bool = False) -> float:
    """What a level is expected to take, or the most it can take before it ends by itself."""
    once = (level.warmup_limit_seconds if longest else level.warmup_seconds) + level.measure_seconds
    if level.kind != "capacity":
        return once + (15.0 if longest else 0.3)
    # A search: so many windows, longer ones at low rates, and each with its drain.
    return 40 * (once + 10.0) if longest else PROBES * (once + 1.0)
