"""What the options of a command ask for: settings, and the request to measure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.config_file import override, read_config
from harness.plan.decoding import read_text, suggest
from harness.record.config import Config, GateSection
from harness.run.setup import Request
from reports.metrics.catalogue import GATED


def _path(options: argparse.Namespace) -> Path:
    given: Path | None = options.config
    return ROOT / "fitmap.toml" if given is None else given


def configure(options: argparse.Namespace) -> Config:
    """The settings of fitmap.toml with those of the options. Raises UsageError."""
    given = vars(options)
    config = read_config(_path(options), named=options.config is not None)
    _check_metrics(config.gate, _path(options).name)
    config = override(
        config,
        "run",
        preset=given.get("preset"),
        targets=given.get("targets"),
        variants=given.get("variants"),
        profiles=given.get("profiles"),
        levels=given.get("levels"),
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


def _check_metrics(gate: GateSection, where: str) -> None:
    """Raises UsageError if [gate] names a metric that is none: the gate would pass without it, and say nothing."""
    if not gate.metrics:
        raise UsageError(f"{where}: [gate] metrics is empty, so nothing would be checked: leave it out for the usual ones")
    for key, names in (("metrics", gate.metrics), ("percents", gate.percents)):
        for name in names:
            if name not in GATED:
                raise UsageError(f'{where}: [gate] {key}: unknown metric "{name}"{suggest(name, GATED)}')


def _printable(word: str) -> str:
    """A word of the command line as the record can hold it: bytes that are not UTF-8 become \ufffd."""
    return word.encode(errors="surrogateescape").decode(errors="replace")


def request(options: argparse.Namespace) -> Request:
    """The request to measure that the options give. Raises UsageError."""
    path = _path(options)
    return Request(
        config=configure(options),
        runs=options.runs,
        configuration_text=read_text(path) if path.exists() else "",
        command=("fitmap", *(_printable(word) for word in sys.argv[1:])),
        route=vars(options).get("route"),
    )
