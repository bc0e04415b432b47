"""The bounds of all numbers in fitmap.toml. What lies outside is refused by its key, before anything is built."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.errors import UsageError
from harness.record.config import Config

#: As many services may be alive at once.
PORTS_APART = 64
#: Least and most, both allowed.
Bounds = tuple[float, float]

#: Each service and each database of a group has its own port, counted up from these.
_PORT = (1024, 65_535 - PORTS_APART)
_SECONDS = (1, 3600)
_GATE_PERCENT = (0, 999)
#: From the least currency unit that buys anything on. At 0 no bill has a cheapest target.
_PRICE = (0.0001, 1_000_000)

#: Section -> attribute -> its bounds. Attributes of `percents` have those of `percent`.
BOUNDS: Mapping[str, Mapping[str, Bounds]] = {
    "run": {"seed": (0, 4_294_967_295), "service_cores": (1, 1024)},
    "timing": {
        "blocks": (1, 1000),
        "warmup_seconds": _SECONDS,
        "warmup_limit_seconds": _SECONDS,
        "measure_seconds": _SECONDS,
        "settle_seconds": _SECONDS,
        "starts": (1, 100),
        "together": (1, 4),
        "rounds": (1, 1000),
    },
    "limits": {
        # 16 TiB at most.
        "service_memory_mib": (64, 16_777_216),
        "database_memory_mib": (512, 16_777_216),
        # PostgreSQL admits 200 connections, some of them to the harness.
        "db_pool_size": (1, 190),
        "open_files": (256, 1_048_576),
        "threads": (64, 4_194_304),
    },
    "ports": {"service": _PORT, "database": _PORT},
    "generator": {"port": (1024, 65_535), "external_workers": (0, 100)},
    # Histograms end at a minute. Of 99.999 % a hundred thousand requests tell one.
    "slo": {"percent": (50, 99.999), "milliseconds": (0.001, 60_000)},
    "report": {"relevance_percent": (0, 99.9), "confidence_percent": (50, 99.99)},
    "prices": {"core_month": _PRICE, "gib_month": _PRICE},
    "gate": {
        "percent": _GATE_PERCENT,
        "paired_percent": _GATE_PERCENT,
        "speed_percent": _GATE_PERCENT,
        "pairs": (4, 100),
    },
}


def check_bounds(config: Config, where: str) -> None:
    """Raises UsageError with the key of the first number that is out of its bounds. NaN is out of all bounds."""
    for section, bounds in BOUNDS.items():
        part = getattr(config, section)
        keys = {field.name: field.encode_name for field in msgspec.structs.fields(part)}
        for name, allowed in bounds.items():
            _check(getattr(part, name), allowed, f"{where}: [{section}] {keys[name]}")
    for metric, percent in config.gate.percents.items():
        _check(percent, _GATE_PERCENT, f"{where}: [gate] percents.{metric}")


def _check(value: float | None, allowed: Bounds, key: str) -> None:
    least, most = allowed
    if value is not None and not least <= value <= most:
        raise UsageError(f"{key} must be within {_plain(least)}-{_plain(most)}, not {_plain(value)}")


def _plain(value: float) -> str:
    """Without an exponent where there needs none."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
