"""What a user may set: the sections of fitmap.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from loadtests.protocol.messages import Objective


class Engine(Struct, frozen=True, forbid_unknown_fields=True):
    """The container engine: may fitmap install one, and where do base images come from?"""

    install: bool = True
    image_set: Literal["auto", "official", "local"] = "auto"


class RunSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What to measure. Empty tuples mean all."""

    preset: str = "quick"
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    seed: int = 1
    service_cores: int = 1


class TimingSection(Struct, frozen=True, forbid_unknown_fields=True):
    """Replaces single values of the preset."""

    blocks: int | None = None
    warmup_seconds: float | None = None
    warmup_limit_seconds: float | None = None
    measure_seconds: float | None = None
    settle_seconds: float | None = None
    starts: int | None = None


class GeneratorSection(Struct, frozen=True, forbid_unknown_fields=True):
    """The load generator: where its workers meet their master, and how many are started elsewhere by hand."""

    address: str = "127.0.0.1"
    port: int = 15557
    external_workers: int = 0


class ReportSection(Struct, frozen=True, forbid_unknown_fields=True):
    """How differences are judged: below `relevance_percent` a difference does not matter to anyone."""

    relevance_percent: float = 3.0
    confidence_percent: float = 95.0


class PricesSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What a month of a core and of a GiB of memory costs. `source`: where the prices come from, and of when they are."""

    core_month: float = 29.55
    gib_month: float = 3.24
    currency: str = "$"
    source: str = (
        "AWS Fargate on demand, Linux x86, US East: 0.04048 $ per vCPU-hour and 0.004445 $ per GB-hour in June 2026, "
        "730 hours a month"
    )


class Opinion(Struct, frozen=True, forbid_unknown_fields=True):
    """A user's own judgement of a language on what can't be measured here. Shown as theirs, and never counted."""

    language: str
    hiring: str = ""
    learning: str = ""
    operations: str = ""


class GateSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What the regression gate judges: worsenings under `percent` are nobody's business; `percents` for single metrics.

    `pairs`: how often a flagged cell is measured again, base against head. `speed_percent`: by how much the machine's own
    speed may differ from that of the runs before.
    """

    metrics: tuple[str, ...] = ("throughput", "p99", "cpu", "database-cpu", "working-set", "start", "image", "statements")
    percent: float = 5.0
    percents: Mapping[str, float] = msgspec.field(default_factory=lambda: {"p99": 10.0, "start": 10.0})
    pairs: int = 8
    speed_percent: float = msgspec.field(default=3.0, name="canary_percent")


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What every target gets, the same for all.

    `open_files`: of service and generator. An engine's own limit is whatever its host's init system gives it: 1,024 here, a
    million there; ten thousand connections need ten thousand. `threads`: of each container, processes included.
    """

    service_memory_mib: int = 1024
    database_memory_mib: int = 2048
    db_pool_size: int = 16
    open_files: int = 20_000
    threads: int = 512


class Ports(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the pair listens, on 127.0.0.1."""

    service: int = 18080
    database: int = 15432


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """fitmap.toml."""

    run: RunSection = RunSection()
    timing: TimingSection = TimingSection()
    engine: Engine = Engine()
    limits: Limits = Limits()
    ports: Ports = Ports()
    generator: GeneratorSection = GeneratorSection()
    slo: Objective = Objective()
    report: ReportSection = ReportSection()
    prices: PricesSection = PricesSection()
    gate: GateSection = GateSection()
    opinion: tuple[Opinion, ...] = ()
