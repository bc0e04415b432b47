"""Settings from fitmap.toml, presets and the command line, lowest precedence first."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.plan.decoding import convert, read_text, read_toml, suggest
from harness.record.config import Config, GateSection
from harness.record.plan import Timing

#: A block is one start of each target, and what differs most is starts. Warm-up and window are those of what is not
#: measured in slices: six seconds are the least in which they show a trend.
PRESETS: dict[str, Timing] = {
    "smoke": Timing(
        blocks=1, warmup_seconds=3, warmup_limit_seconds=3, measure_seconds=3, settle_seconds=1, together=1, rounds=5
    ),
    "quick": Timing(
        blocks=6,
        warmup_seconds=8,
        warmup_limit_seconds=30,
        measure_seconds=10,
        settle_seconds=2,
        starts=3,
        together=2,
        rounds=8,
    ),
    "gate": Timing(
        blocks=3, warmup_seconds=6, warmup_limit_seconds=30, measure_seconds=8, settle_seconds=2, together=1, rounds=20
    ),
    "full": Timing(
        blocks=6,
        warmup_seconds=6,
        warmup_limit_seconds=40,
        measure_seconds=6,
        settle_seconds=1,
        starts=4,
        together=2,
        rounds=12,
    ),
}
#: The levels that a preset adds to those of the profiles.
PRESET_LEVELS: dict[str, tuple[str, ...]] = {"smoke": (), "quick": (), "gate": ("routes",), "full": ()}


def read_config(path: Path) -> Config:
    """Reads the configuration; defaults if the file does not exist. Raises UsageError."""
    try:
        text = read_text(path)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    return checked(convert(read_toml(text, str(path)), Config, path.name), path.name)


def override(config: Config, section: str, **values: Any) -> Config:
    """Replaces values of one section; None leaves a value as it is. Raises UsageError."""
    given = {name: value for name, value in values.items() if value is not None}
    part = msgspec.structs.replace(getattr(config, section), **given)
    return checked(msgspec.structs.replace(config, **{section: part}), "command line")


#: As many services may be alive at once.
PORTS_APART = 64


def _check_ports(config: Config, where: str) -> None:
    ports = {"service": config.ports.service, "database": config.ports.database, "generator": config.generator.port}
    for name, port in ports.items():
        if not 1024 <= port <= 65535:
            raise UsageError(f"{where}: port {port} for the {name} is not within 1024-65535")
    if len(set(ports.values())) < len(ports):
        shared = next(port for port in ports.values() if list(ports.values()).count(port) > 1)
        raise UsageError(
            f"{where}: {' and '.join(n for n, p in ports.items() if p == shared)} can't both have port {shared}"
        )
    for (one, low), (other, high) in pairwise(sorted(ports.items(), key=lambda port: port[1])):
        if high - low < PORTS_APART:
            raise UsageError(
                f"{where}: ports {low} ({one}) and {high} ({other}) must be at least {PORTS_APART} apart: each service and "
                "each database of a group has its own port, counted up from these"
            )


def _check_gate(gate: GateSection, where: str) -> None:
    if not 4 <= gate.pairs <= 100 or gate.pairs % 2:
        raise UsageError(f"{where}: [gate] pairs must be an even number within 4-100")
    for percent in (gate.percent, gate.paired_percent, gate.speed_percent, *gate.percents.values()):
        if not 0 <= percent < 1000:
            raise UsageError(f"{where}: the percentages of [gate] must be at least 0 and below 1000")


def checked(config: Config, where: str) -> Config:
    """Returns the configuration if its values are valid together. Raises UsageError."""
    if config.run.preset not in PRESETS:
        raise UsageError(f'{where}: unknown preset "{config.run.preset}"{suggest(config.run.preset, PRESETS)}')
    _check_ports(config, where)
    if not 50 <= config.slo.percent < 100 or config.slo.milliseconds <= 0:
        raise UsageError(f"{where}: [slo] needs percent within 50-100 and milliseconds above 0")
    if not 0 <= config.generator.external_workers <= 100:
        raise UsageError(f"{where}: external_workers must be within 0-100")
    if config.run.service_cores < 1:
        raise UsageError(f"{where}: service_cores must be at least 1")
    least_limits = {
        "service_memory_mib": 64, "database_memory_mib": 512, "db_pool_size": 1, "open_files": 256, "threads": 64,
    }  # fmt: skip
    for name, least in least_limits.items():
        if getattr(config.limits, name) < least:
            raise UsageError(f"{where}: {name} must be at least {least}")
    if not 0 <= config.report.relevance_percent < 100 or not 50 <= config.report.confidence_percent < 100:
        raise UsageError(f"{where}: relevance_percent must be within 0-100 and confidence_percent within 50-100")
    if config.prices.core_month < 0 or config.prices.gib_month < 0:
        raise UsageError(f"{where}: prices must be at least 0")
    _check_gate(config.gate, where)
    timing(config, where)
    return config


def timing(config: Config, where: str = "fitmap.toml") -> Timing:
    """The preset's timing with the values of [timing] applied. Raises UsageError."""
    given = {name: value for name, value in msgspec.structs.asdict(config.timing).items() if value is not None}
    result = msgspec.structs.replace(PRESETS[config.run.preset], **given)
    if result.warmup_limit_seconds < result.warmup_seconds:
        result = msgspec.structs.replace(result, warmup_limit_seconds=result.warmup_seconds)
    if not 1 <= result.blocks <= 1000:
        raise UsageError(f"{where}: blocks must be within 1-1000")
    if not 1 <= result.rounds <= 1000:
        raise UsageError(f"{where}: rounds must be within 1-1000")
    if not 1 <= result.together <= 4:
        raise UsageError(f"{where}: together must be within 1-4")
    if not 1 <= result.starts <= 100:
        raise UsageError(f"{where}: starts must be within 1-100")
    for name in ("warmup_seconds", "measure_seconds", "settle_seconds"):
        if not 1 <= getattr(result, name) <= 3600:
            raise UsageError(f"{where}: {name} must be within 1-3600")
    return result
