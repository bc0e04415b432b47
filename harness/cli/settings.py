"""What the options of a command ask for: settings, and the request to measure."""

from __future__ import annotations

import argparse
import sys

from harness.plan.config_file import override, read_config
from harness.plan.decoding import read_text
from harness.record.config import Config
from harness.run.setup import Request


def _names(given: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in given.split(",") if name.strip()) if given else None


def configure(options: argparse.Namespace) -> Config:
    """The settings of fitmap.toml with those of the options. Raises UsageError."""
    given = vars(options)
    config = read_config(options.config)
    config = override(
        config,
        "run",
        preset=given.get("preset"),
        targets=_names(given.get("targets")),
        variants=_names(given.get("variants")),
        profiles=_names(given.get("profiles")),
        levels=_names(given.get("levels")),
        seed=given.get("seed"),
    )
    config = override(
        config,
        "timing",
        blocks=given.get("blocks"),
        together=given.get("together"),
        rounds=given.get("rounds"),
        warmup_seconds=given.get("warmup"),
        measure_seconds=given.get("measure"),
    )
    return override(config, "engine", install=given.get("install_engine"), image_set=given.get("image_set"))


def _printable(word: str) -> str:
    """A word of the command line as the record can hold it: bytes that are not UTF-8 become \ufffd."""
    return word.encode(errors="surrogateescape").decode(errors="replace")


def request(options: argparse.Namespace) -> Request:
    """The request to measure that the options give. Raises UsageError."""
    return Request(
        config=configure(options),
        runs=options.runs,
        configuration_text=read_text(options.config) if options.config.exists() else "",
        command=("fitmap", *(_printable(word) for word in sys.argv[1:])),
        route=vars(options).get("route"),
    )
