"""What the load generator and the harness say to each other.

The harness hands a `LoadSpec` over in the environment variable FITMAP_LOAD; the generator answers with one event a
line (JSON) on standard output. This module is all that the two sides share: it imports neither.
Instants are nanoseconds of CLOCK_MONOTONIC in the generator's kernel.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct


class LoadSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One trial's load."""

    profile: str
    #: Of the profile's stream only these routes are sent.
    routes: tuple[str, ...]
    host: str
    port: int
    seed: int
    connections: int
    warmup_seconds: float
    warmup_limit_seconds: float
    measure_seconds: float
    ready_timeout_seconds: float


class Hello(Struct, frozen=True, tag="hello"):
    """The generator is loaded and polls the service from now on."""

    monotonic_ns: int
    unix_ns: int
    boot_id: str
    versions: dict[str, str]


class ServiceReady(Struct, frozen=True, tag="service_ready"):
    """The first 200 on /health, what /meta said, and what the golden cases found (empty: all well)."""

    monotonic_ns: int
    meta: dict[str, str | int]
    golden_cases: int
    problems: tuple[str, ...]


class Window(Struct, frozen=True, tag="window"):
    """One second of load, for progress and curves. `phase` is warmup or measure."""

    phase: str
    start_ns: int
    end_ns: int
    requests: int
    failures: int


class RouteResult(Struct, frozen=True):
    """A route's measured phase. The histogram is HdrHistogram V2 (compressed, base64), microseconds."""

    route: str
    requests: int
    failures: int
    sum_microseconds: int
    histogram: str


class Measured(Struct, frozen=True, tag="measured"):
    """The measured phase. `warmup_seconds` is what the warm-up took; `steady` whether it ended without a trend."""

    start_ns: int
    end_ns: int
    warmup_seconds: float
    steady: bool
    steady_reason: str
    connections: int
    #: Time that connections spent with a request under way, inside the window: of requests that were under way at
    #: its start or end, the part inside.
    busy_seconds: float
    routes: tuple[RouteResult, ...]


class Done(Struct, frozen=True, tag="done"):
    """Every connection has its last answer. `answered`: requests answered as expected since the start, by route,
    golden cases, warm-up and drain included; this is what the database's statement count must agree with.
    """

    answered: dict[str, int]
    failed: dict[str, int]
    failure_samples: tuple[str, ...]
    connections_opened: int


class Fatal(Struct, frozen=True, tag="fatal"):
    """The generator gave up."""

    stage: str
    reason: str


Event = Hello | ServiceReady | Window | Measured | Done | Fatal

encode_event = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(Event).decode
