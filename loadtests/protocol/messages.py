"""What the load generator says: to the harness in JSON lines, and between its own master and workers in Locust messages.

The harness hands a `LoadSpec` over in the environment variable FITMAP_LOAD; the generator answers with one event a
line (JSON) on standard output, and pauses after each `LevelEnd` until it gets SIGUSR1: in between the harness reads what
the database counted. It pauses after each `Passed` too, until it hears whether the window counts. This module is all that
the sides share: it imports none of them.
Instants are nanoseconds of CLOCK_MONOTONIC in the generator's kernel.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal["closed", "open", "relative", "capacity", "held"]


class TimedLevel(Struct, frozen=True, forbid_unknown_fields=True):
    """How hard to push, and for how long.

    `closed`: so many connections, each sends as soon as it has its answer. `open`: `rate` arrivals/s whatever the
    service does. `relative`: open, at `share` of what the trial's first closed level achieved. `capacity`: a search for the
    highest rate that meets the objective. `held`: closed, each request asks to be held for `hold_milliseconds`.
    """

    name: str
    kind: Kind
    connections: int
    #: Of the profile's stream only these routes are sent.
    routes: tuple[str, ...]
    warmup_seconds: float
    warmup_limit_seconds: float
    measure_seconds: float
    rate: float = 0.0
    share: float = 0.0
    hold_milliseconds: int = 0
    #: How long one of the windows is that the course of the level is told in.
    window_seconds: float = 1.0


class Objective(Struct, frozen=True, forbid_unknown_fields=True):
    """A service level objective: of all arrivals, `percent` are answered as expected within `milliseconds`."""

    percent: float = 99.0
    milliseconds: float = 50.0


class LoadSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One trial's load: its levels, one after the other."""

    profile: str
    host: str
    port: int
    seed: int
    levels: tuple[TimedLevel, ...]
    objective: Objective
    #: Ask the golden cases of the contract first. An instrument of the calibration knows none.
    golden: bool
    ready_timeout_seconds: float
    #: Workers listen to this port of the master, on this address.
    master_host: str = "127.0.0.1"
    master_port: int = 15557
    #: Workers that someone starts elsewhere, beside one for each CPU that this container may use.
    external_workers: int = 0
    #: The highest open rate that calibration believes this generator to hold; 0: not known.
    open_ceiling: float = 0.0
    #: Between the golden cases and the first level nothing is asked for so long: what the service holds then is its base.
    idle_seconds: float = 0.0


class Hello(Struct, frozen=True, tag="hello"):
    """The generator and its workers are loaded; it polls the service from now on."""

    monotonic_ns: int
    unix_ns: int
    boot_id: str
    workers: int
    versions: dict[str, str]


class ServiceReady(Struct, frozen=True, tag="service_ready"):
    """The first 200 on /health, what /meta said, and what the golden cases found (empty: all well)."""

    monotonic_ns: int
    meta: dict[str, str | int]
    golden_cases: int
    problems: tuple[str, ...]


class Window(Struct, frozen=True, tag="window"):
    """One second of load (or what the level has for a window), for progress and curves. `phase` is warmup or measure;
    `mean_microseconds` is of the answers.
    """

    phase: str
    start_ns: int
    end_ns: int
    requests: int
    failures: int
    mean_microseconds: float = 0.0


class RouteResult(Struct, frozen=True):
    """A route's measured phase. Histograms are HdrHistogram V2 (compressed, base64), microseconds.

    requests: answered as expected. response: from the intended instant to the answer; service: from the instant of sending;
    lag: sent late by the generator itself. In a closed loop nothing is intended before it is sent: response alone.
    scheduled = requests + failures + timed_out + dropped + open.
    """

    route: str
    scheduled: int
    requests: int
    failures: int
    timed_out: int
    dropped: int
    open: int
    sum_microseconds: int
    response: str
    service: str = ""
    lag: str = ""


class Measured(Struct, frozen=True, tag="measured"):
    """The measured phase of a level, or one probe of a search. `warmup_seconds` is what the warm-up took; `steady` whether
    it ended without a trend.
    """

    level: str
    start_ns: int
    end_ns: int
    warmup_seconds: float
    steady: bool
    steady_reason: str
    connections: int
    #: Arrivals/s that were asked for; 0 in a closed loop.
    rate: float
    #: Time that connections spent with a request under way, inside the window: of requests that were under way at
    #: its start or end, the part inside.
    busy_seconds: float
    routes: tuple[RouteResult, ...]


class Passed(Struct, frozen=True, tag="passed"):
    """A measured window has passed, and nothing is asked any more. It may still have been warm-up: only the harness sees
    what the service's CPU did meanwhile, and does now. The generator waits for its word: SIGUSR1 keeps the window, SIGUSR2
    has it measured again, where the warm-up's limit lets it.
    """

    level: str
    start_ns: int
    end_ns: int


class LevelEnd(Struct, frozen=True, tag="level_end"):
    """Every connection has its last answer. `answered`: requests answered as expected since the start, by route, golden
    cases, warm-ups and drains included; this is what the database's statement count must agree with.
    """

    level: str
    answered: dict[str, int]
    failed: dict[str, int]


class Done(Struct, frozen=True, tag="done"):
    """The end."""

    failure_samples: tuple[str, ...]
    connections_opened: int


class Fatal(Struct, frozen=True, tag="fatal"):
    """The generator gave up."""

    stage: str
    reason: str


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """A GET that is repeated until the answer is 200 and holds a text."""

    path: str
    contains: str = ""


class WatchSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What `loadtests.generator.readiness_probe` looks for after each start of a service."""

    host: str
    port: int
    asks: tuple[Ask, ...]
    patience_seconds: float


class Watching(Struct, frozen=True, tag="watching"):
    """The watcher is loaded."""


class Seen(Struct, frozen=True, tag="seen"):
    """When each of the asks was first answered as expected, by the wall clock of the containers' kernel; the last answer's
    body.
    """

    unix_ns: tuple[int, ...]
    last_body: str


Event = Hello | ServiceReady | Window | Passed | Measured | LevelEnd | Done | Fatal | Watching | Seen

encode_event = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(Event).decode


# Between master and workers: names of Locust's custom messages, and what the greater of them carry.
READY, PREPARE, PREPARED = "fitmap_ready", "fitmap_prepare", "fitmap_prepared"
BEGIN, MEASURE, END = "fitmap_begin", "fitmap_measure", "fitmap_end"
WINDOW, RESULT = "fitmap_window", "fitmap_result"


class Share(Struct, frozen=True):
    """What one worker does of a level: `rate` is its own part of the arrivals. `seed` makes its schedule.

    Held requests: each asks for `hold_milliseconds`, and the connections' first ones are `gap_seconds` apart.
    """

    closed: bool
    rate: float
    routes: tuple[str, ...]
    seed: int
    hold_milliseconds: int = 0
    gap_seconds: float = 0.0
    window_seconds: float = 1.0


class WorkerWindow(Struct, frozen=True):
    """One window of one worker."""

    phase: str
    requests: int
    failures: int
    sum_microseconds: int


class WorkerResult(Struct, frozen=True):
    """One worker's measured phase, and its totals since the start."""

    busy_seconds: float
    routes: tuple[RouteResult, ...]
    answered: dict[str, int]
    failed: dict[str, int]
    failure_samples: tuple[str, ...]
    connections_opened: int
