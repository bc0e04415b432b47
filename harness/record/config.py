"""The sections of fitmap.toml: all settings of a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from harness.record.external import ExternalSection
from loadtests.protocol.messages import Objective


class Engine(Struct, frozen=True, forbid_unknown_fields=True):
    """The container engine: whether fitmap may install it, and the image set."""

    install: bool = True
    image_set: Literal["auto", "official", "local"] = "auto"


class RunSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What to measure. Empty tuples mean what is measured unasked: default targets, the preset's profiles, no variants.

    `classes`: only targets of these, of all that there are where `targets` is empty. `variants`: of the chosen targets;
    "all" means each.

    `services`: folders with a team's own services, as seen from the working directory. Unset: there are none, and then the
    record does not have the key.
    """

    preset: str = "quick"
    targets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    seed: int = 1
    service_cores: int = 1
    services: tuple[str, ...] | UnsetType = UNSET


class TimingSection(Struct, frozen=True, forbid_unknown_fields=True):
    """The values that replace those of the preset."""

    blocks: int | None = None
    warmup_seconds: float | None = None
    warmup_limit_seconds: float | None = None
    measure_seconds: float | None = None
    settle_seconds: float | None = None
    starts: int | None = None
    together: int | None = None
    rounds: int | None = None


class GeneratorSection(Struct, frozen=True, forbid_unknown_fields=True):
    """The load generator's address, and the number of workers started elsewhere by hand."""

    address: str = "127.0.0.1"
    port: int = 15557
    external_workers: int = 0


class ReportSection(Struct, frozen=True, forbid_unknown_fields=True):
    """The bounds of the report. Differences below `relevance_percent` do not count."""

    relevance_percent: float = 3.0
    confidence_percent: float = 95.0


class PricesSection(Struct, frozen=True, forbid_unknown_fields=True):
    """Prices of a core and of a GiB of memory per month. `source`: origin and date."""

    core_month: float = 29.55
    gib_month: float = 3.24
    currency: str = "$"
    source: str = (
        "AWS Fargate on demand, Linux x86, US East: 0.04048 $ per vCPU-hour and 0.004445 $ per GB-hour in June 2026, "
        "730 hours a month"
    )


class Opinion(Struct, frozen=True, forbid_unknown_fields=True):
    """A user's opinion of a language on what can't be measured here.

    The report shows it as the user's opinion. No result depends on it.
    """

    language: str
    hiring: str = ""
    learning: str = ""
    operations: str = ""


class GateSection(Struct, frozen=True, forbid_unknown_fields=True):
    """The metrics and bounds of the regression gate.

    Worsenings below `percent` are ignored; `percents` sets other bounds for single metrics. `paired_percent`: the bound of
    CPU per request at saturated loads where base and head are measured at once. `pairs`: how often a flagged cell is
    measured again, base against head. `speed_percent`: the largest difference of the machine's speed from that of
    earlier runs.
    """

    metrics: tuple[str, ...] = ("throughput", "p99", "cpu", "database-cpu", "working-set", "start", "image", "statements")
    percent: float = 5.0
    percents: Mapping[str, float] = msgspec.field(default_factory=lambda: {"p99": 10.0, "start": 10.0})
    paired_percent: float = 2.0
    pairs: int = 8
    speed_percent: float = msgspec.field(default=3.0, name="canary_percent")


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """The limits of the containers, the same for every target.

    `open_files`: of service and generator. Without it the limit depends on the host's init system: 1,024 on some, a million
    on others. Ten thousand connections need ten thousand. `threads`: of each container, processes included.
    """

    service_memory_mib: int = 1024
    database_memory_mib: int = 2048
    db_pool_size: int = 16
    open_files: int = 20_000
    threads: int = 512


class Ports(Struct, frozen=True, forbid_unknown_fields=True):
    """The ports of service and database on 127.0.0.1."""

    service: int = 18080
    database: int = 15432


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of fitmap.toml."""

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
    #: Services that fitmap did not start, by name. Unset: there are none, and then the record does not have the key.
    targets: Mapping[str, ExternalSection] | UnsetType = UNSET
