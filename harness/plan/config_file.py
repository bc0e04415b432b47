"""Settings from fitmap.toml, presets and the command line, lowest precedence first."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.plan.bounds import PORTS_APART, check_bounds
from harness.plan.decoding import convert, read_text, read_toml, suggest
from harness.record.config import Config
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


def read_config(path: Path, *, named: bool = False) -> Config:
    """Reads the configuration. Raises UsageError.

    Without the file: defaults, unless a user `named` it.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        if named:
            raise UsageError(f"--config {path}: there is no such file") from None
        return Config()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    return checked(convert(read_toml(text, str(path)), Config, path.name), path.name)


def override(config: Config, section: str, **values: Any) -> Config:
    """Replaces values of one section; None leaves a value as it is. Raises UsageError."""
    given = {name: value for name, value in values.items() if value is not None}
    part = msgspec.structs.replace(getattr(config, section), **given)
    return checked(msgspec.structs.replace(config, **{section: part}), "command line")


def _check_ports(config: Config, where: str) -> None:
    ports = {"service": config.ports.service, "database": config.ports.database, "generator": config.generator.port}
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


def checked(config: Config, where: str) -> Config:
    """Returns the configuration if its values are valid together. Raises UsageError."""
    if config.run.preset not in PRESETS:
        raise UsageError(f'{where}: unknown preset "{config.run.preset}"{suggest(config.run.preset, PRESETS)}')
    check_bounds(config, where)
    _check_ports(config, where)
    if config.gate.pairs % 2:
        raise UsageError(f"{where}: [gate] pairs must be even, not {config.gate.pairs}")
    if not config.generator.address.strip():
        raise UsageError(f"{where}: [generator] address is empty: leave it out, or name an address of this machine")
    timing(config, where)
    return config


def timing(config: Config, where: str = "fitmap.toml") -> Timing:
    """The preset's timing with the values of [timing] applied. Raises UsageError."""
    given = {name: value for name, value in msgspec.structs.asdict(config.timing).items() if value is not None}
    result = msgspec.structs.replace(PRESETS[config.run.preset], **given)
    if result.warmup_limit_seconds >= result.warmup_seconds:
        return result
    if config.timing.warmup_limit_seconds is not None:
        raise UsageError(
            f"{where}: [timing] warmup_limit_seconds ({result.warmup_limit_seconds:g}) is below warmup_seconds "
            f"({result.warmup_seconds:g}): raise it"
        )
    return msgspec.structs.replace(result, warmup_limit_seconds=result.warmup_seconds)
