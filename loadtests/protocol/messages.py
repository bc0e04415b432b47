"""The messages of the load generator: events for the harness, and Locust messages between its master and workers.

The harness passes a `LoadSpec` in the environment variable FITMAP_LOAD. The generator prints events on standard output, one
per line, as JSON. It pauses after each `LevelEnd` until it gets SIGUSR1; meanwhile the harness reads the database's counts.
It also pauses after each `Passed` until it knows whether the window counts. This module imports neither of the two.
Instants are nanoseconds of CLOCK_MONOTONIC in the generator's kernel.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from loadtests.protocol.outside import Outside

Kind = Literal["closed", "open", "relative", "capacity", "held"]


class TimedLevel(Struct, frozen=True, forbid_unknown_fields=True):
    """A level with its times.

    `closed`: each of the connections sends as soon as it has its answer. `open`: `rate` arrivals/s, whatever the service
    does. `relative`: open, at `share` of the rate of the trial's first closed level. `capacity`: a search for the highest
    rate that meets the objective. `held`: closed, and each request asks the service to wait for `hold_milliseconds`.
    """

    name: str
    kind: Kind
    connections: int
    #: The routes of the profile's stream that are sent.
    routes: tuple[str, ...]
    warmup_seconds: float
    warmup_limit_seconds: float
    measure_seconds: float
    rate: float = 0.0
    share: float = 0.0
    hold_milliseconds: int = 0
    #: The length of the windows in which the level is reported.
    window_seconds: float = 1.0


class Objective(Struct, frozen=True, forbid_unknown_fields=True):
    """A service level objective: `percent` of all arrivals are answered as expected within `milliseconds`."""

    percent: float = 99.0
    milliseconds: float = 50.0


class LoadSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The load of one trial: its levels, one after the other."""

    profile: str
    host: str
    port: int
    seed: int
    levels: tuple[TimedLevel, ...]
    objective: Objective
    #: Whether the golden cases of the contract are sent first. Reference servers know none.
    golden: bool
    ready_timeout_seconds: float
    #: The address and port on which the master waits for its workers.
    master_host: str = "127.0.0.1"
    master_port: int = 15557
    #: Workers that are started elsewhere, in addition to one for each CPU that this container may use.
    external_workers: int = 0
    #: The highest open rate that this generator can send, from calibration. 0: not known.
    open_ceiling: float = 0.0
    #: How long no request is sent between golden cases and first level. The service's memory then is its base.
    idle_seconds: float = 0.0
    #: What GET /meta must answer, by key (loadtests/protocol/meta.py).
    meta: dict[str, str] = {}
    #: A service that the harness did not start, at this address in place of host and port. It is not asked for /health.
    outside: Outside | None = None
    #: The number of the worker that reads it. The master sets it.
    worker: int = 0


class Hello(Struct, frozen=True, tag="hello"):
    """The generator and its workers are loaded. From now on it polls the service."""

    monotonic_ns: int
    unix_ns: int
    boot_id: str
    workers: int
    versions: dict[str, str]


class ServiceReady(Struct, frozen=True, tag="service_ready"):
    """The instant of the first 200 on /health, the answer of /meta, and the problems of golden cases (empty: none)."""

    monotonic_ns: int
    meta: dict[str, str | int]
    golden_cases: int
    problems: tuple[str, ...]


class Window(Struct, frozen=True, tag="window"):
    """One window of load, of one second unless the level says otherwise. For progress and charts.

    `phase`: warmup or measure; `mean_microseconds`: mean response time of the answers.
    """

    phase: str
    start_ns: int
    end_ns: int
    requests: int
    failures: int
    mean_microseconds: float = 0.0


class RouteResult(Struct, frozen=True):
    """The measured phase of a route. Histograms are HdrHistogram V2 (compressed, base64), in microseconds.

    requests: answered as expected. response: from the instant at which a request was due to its answer; service: from the
    instant at which it was sent; lag: how late the generator itself sent it and read its answer. A closed loop has no
    schedule, so it has only `response`. scheduled = requests + failures + timed_out + dropped + open.
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
    """The measured phase of a level, or one probe of a search.

    `warmup_seconds`: the length of the warm-up; `steady`: whether it ended without a trend.
    """

    level: str
    start_ns: int
    end_ns: int
    warmup_seconds: float
    steady: bool
    steady_reason: str
    connections: int
    #: Planned arrivals/s; 0 in a closed loop.
    rate: float
    #: Time inside the window for which connections had a request under way. Of requests that cross an end of the window, the
    #: part inside counts.
    busy_seconds: float
    routes: tuple[RouteResult, ...]


class Passed(Struct, frozen=True, tag="passed"):
    """A measured window has passed, and no request is sent any more.

    The window may still have been warm-up: only the harness sees what the service's CPU did in it, and does now. The
    generator waits for its answer. SIGUSR1 keeps the window; after SIGUSR2 it is measured again, unless the warm-up's limit
    is reached.
    """

    level: str
    start_ns: int
    end_ns: int


class LevelEnd(Struct, frozen=True, tag="level_end"):
    """The end of a level: each connection has its last answer.

    `answered`: requests answered as expected since the start, by route, including golden cases, warm-ups and drains. The
    database's statement counts must agree with it.
    """

    level: str
    answered: dict[str, int]
    failed: dict[str, int]


class Done(Struct, frozen=True, tag="done"):
    """The end of the last level."""

    failure_samples: tuple[str, ...]
    connections_opened: int


class Fatal(Struct, frozen=True, tag="fatal"):
    """The generator gave up."""

    stage: str
    reason: str


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """A GET request that is repeated until the answer is 200 and contains a text."""

    path: str
    contains: str = ""


class WatchSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What `loadtests.generator.readiness_probe` waits for after each start of a service."""

    host: str
    port: int
    asks: tuple[Ask, ...]
    patience_seconds: float


class Watching(Struct, frozen=True, tag="watching"):
    """The readiness probe is loaded."""


class Seen(Struct, frozen=True, tag="seen"):
    """The result of one watch.

    `unix_ns`: when each request was first answered as expected, by the wall clock of the containers' kernel; `last_body`:
    the body of the last answer.
    """

    unix_ns: tuple[int, ...]
    last_body: str


class Tried(Struct, frozen=True):
    """What came of a few requests of one route (loadtests/generator/try_profile.py).

    `problem`: of the first one that failed; empty: none did. `kept`: whether the service keeps connections open.
    """

    route: str
    problem: str
    milliseconds: list[float]
    kept: bool


Event = Hello | ServiceReady | Window | Passed | Measured | LevelEnd | Done | Fatal | Watching | Seen

encode_event = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(Event).decode


# Between master and workers: the names of Locust's custom messages, and the contents of those that have any.
READY, PREPARE, PREPARED = "fitmap_ready", "fitmap_prepare", "fitmap_prepared"
BEGIN, MEASURE, END = "fitmap_begin", "fitmap_measure", "fitmap_end"
WINDOW, RESULT = "fitmap_window", "fitmap_result"


class Share(Struct, frozen=True):
    """One worker's share of a level. `rate`: its own part of the arrivals; `seed`: of its schedule.

    Held requests: each asks for `hold_milliseconds`, and the first requests of two connections are `gap_seconds` apart.
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
    """The measured phase of one worker, and its totals since the start."""

    busy_seconds: float
    routes: tuple[RouteResult, ...]
    answered: dict[str, int]
    failed: dict[str, int]
    failure_samples: tuple[str, ...]
    connections_opened: int
