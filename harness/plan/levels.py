"""The notation of levels, and their times.

saturate   closed loop on the profile's connections: each sends as soon as it has its answer
1000/s     open loop at 1,000 arrivals/s: the same for all targets, so that latency is compared at equal load
50%        open loop at half of what this target achieved in this trial's closed level
curve      25%, 50%, 75%, 90%: latency against throughput
routes     each of the profile's routes alone, closed loop: the cost of each kind of request
capacity   the highest rate that still meets the objective
1000/held  closed loop of 1,000 connections, each with a request that waits: 1,000 are held at any time
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from harness.errors import UsageError
from harness.plan.decoding import suggest
from harness.record.method import MAX_PROLONGED, SHORT_SECONDS
from harness.record.plan import CAPACITY, SATURATE, Level, Timing
from loadtests.protocol import messages
from loadtests.protocol.group_messages import SlicedLevel

CURVE = ("25%", "50%", "75%", "90%")
_WORDS = (SATURATE, "curve", "routes", CAPACITY)
_RATE = re.compile(r"(\d+(?:\.\d+)?)/s")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")
_HELD = re.compile(r"(\d+)/held")

#: Requests/s that are answered at every level of held requests: the wait is chosen for that. The work is then the same at
#: each such level and low for every target. Only the number of waiting requests grows.
HELD_RATE = 2000
HELD_ROUTE = "GET /wait"
#: The contract's longest wait is 10 s, and so is the generator's timeout.
MAX_HELD = 16_000

#: A probe of the capacity search: a ramp, then a window. A search has ten to twenty probes.
PROBE_SETTLE_SECONDS = 1.0
PROBE_SECONDS = 4.0
PROBES = 16
#: A 99th percentile is reported if at least 100 requests lie beyond it. Arrivals are random, so a few more are planned.
#: A window at a fixed rate is prolonged for this number of arrivals if a factor of MAX_PROLONGED is enough.
P99_ARRIVALS = 10_500


def parse_levels(texts: Iterable[str], connections: int, routes: tuple[str, ...], where: str) -> tuple[Level, ...]:
    """The levels in the order in which a trial runs them. Raises UsageError.

    `saturate` comes first, because other levels are shares of it.
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
    if match := _HELD.fullmatch(text):
        return (_held(int(match[1]), routes, where),)
    raise UsageError(
        f'{where}: unknown level "{text}"{suggest(text, _WORDS)}; or a rate such as 500/s, or a share such as 50%, '
        "or 1000/held"
    )


def _held(count: int, routes: tuple[str, ...], where: str) -> Level:
    if routes != (HELD_ROUTE,):
        raise UsageError(f"{where}: {count}/held holds requests to {HELD_ROUTE}: only profile waiters can use it")
    if not 10 <= count <= MAX_HELD:
        raise UsageError(f"{where}: between 10 and {MAX_HELD} requests can be held, not {count}")
    return Level(f"{count}/held", "held", count, routes, hold_milliseconds=count * 1000 // HELD_RATE)


def timed(level: Level, timing: Timing, first: bool) -> messages.TimedLevel:
    """The level with its times. The first level of a trial has the whole warm-up."""
    settle, limit, measure = timing.settle_seconds, timing.settle_seconds, timing.measure_seconds
    if first:
        settle, limit = timing.warmup_seconds, timing.warmup_limit_seconds
    if level.kind == "relative" or len(level.routes) == 1:
        measure = min(measure, SHORT_SECONDS)
    if level.kind == "open" and measure < (needed := math.ceil(P99_ARRIVALS / level.rate)) <= MAX_PROLONGED * measure:
        measure = float(needed)
    if level.kind == "held":
        # The first requests of the connections are spread over one wait. Each connection gets an answer in the window.
        wait = level.hold_milliseconds / 1000
        settle, limit, measure = settle + wait, limit + wait, max(measure, wait)
    if level.kind == "capacity":
        settle, limit, measure = PROBE_SETTLE_SECONDS, PROBE_SETTLE_SECONDS, PROBE_SECONDS
    return messages.TimedLevel(
        name=level.name,
        kind=level.kind,
        connections=level.connections,
        routes=level.routes,
        warmup_seconds=settle,
        warmup_limit_seconds=limit,
        measure_seconds=measure,
        rate=level.rate,
        share=level.share,
        hold_milliseconds=level.hold_milliseconds,
    )


def seconds(level: messages.TimedLevel, longest: bool = False) -> float:
    """The expected duration of a level, or the longest before it ends by itself."""
    once = (level.warmup_limit_seconds if longest else level.warmup_seconds) + level.measure_seconds
    if level.kind != "capacity":
        return once + (15.0 if longest else 0.3) + level.hold_milliseconds / 1000
    # A search has many windows, each with its drain. Windows at low rates are longer.
    return 40 * (once + 10.0) if longest else PROBES * (once + 1.0)


#: A slice of a saturated level: the lead-in, in which caches and a runtime's scheduler come back, and the measured part.
#: A longer slice outlasts a burst of the machine, a shorter one is biased by the change of services (docs/method/load.md).
LEAD_SECONDS, SLICE_SECONDS = 0.15, 0.25
#: The same of a level at a rate. There is one such slice for ten saturated ones.
RATE_LEAD_SECONDS, RATE_SLICE_SECONDS, ROUNDS_FOR_ONE = 0.3, 1.5, 10
#: Such a slice is as long as a 99th percentile takes: 1,700 requests of a start, and some more because arrivals are random.
#: Where a profile has several routes, the tail is ranked by route, and its most frequent route has at least half of the
#: requests. Where that takes too long, there is none.
P99_REQUESTS, ROUTES_FACTOR, LONGEST_SLICE_SECONDS = 1850, 2.0, 7.5
#: A pause, and the messages between two parts.
SLICE_OVERHEAD_SECONDS = 0.05


def in_slices(level: Level, timing: Timing) -> SlicedLevel:
    """The level as a group measures it. Raises ValueError for a kind that is not measured in slices."""
    if level.kind not in ("closed", "open", "relative"):
        raise ValueError(f"level {level.name} is not measured in slices")
    closed = level.kind == "closed"
    return SlicedLevel(
        name=level.name,
        kind=level.kind,
        routes=level.routes,
        lead_seconds=LEAD_SECONDS if closed else RATE_LEAD_SECONDS,
        slice_seconds=SLICE_SECONDS if closed else _rate_slice_seconds(level),
        rounds=timing.rounds if closed else max(1, timing.rounds // ROUNDS_FOR_ONE),
        rate=level.rate,
        share=level.share,
    )


def _rate_slice_seconds(level: Level) -> float:
    if not level.rate:
        return RATE_SLICE_SECONDS
    needed = P99_REQUESTS * (ROUTES_FACTOR if len(level.routes) > 1 else 1.0) / level.rate
    return RATE_SLICE_SECONDS if needed > LONGEST_SLICE_SECONDS else max(RATE_SLICE_SECONDS, round(needed, 1))


def sliced_seconds(level: SlicedLevel, copies: int) -> float:
    """The expected duration of a level for a whole group."""
    return copies * level.rounds * (level.lead_seconds + level.slice_seconds + SLICE_OVERHEAD_SECONDS)
