"""What the options of a command ask for: settings, and the request to measure."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.files import HOME
from harness.plan.config_file import override, read_config
from harness.plan.decoding import read_text, suggest
from harness.plan.external import seen_from_here
from harness.record.config import Config, GateSection
from harness.run.setup import Request
from reports.metrics.catalogue import GATED


def _path(options: argparse.Namespace) -> Path:
    given: Path | None = options.config
    return HOME / "fitmap.toml" if given is None else given


def configure(options: argparse.Namespace) -> Config:
    """The settings of fitmap.toml with those of the options. Raises UsageError."""
    given = vars(options)
    config = read_config(_path(options), named=options.config is not None)
    _check_metrics(config.gate, _path(options).name)
    config = seen_from_here(config, _path(options))
    if named := [name for name in config.run.targets if name in (config.targets or {})]:
        raise UsageError(
            f"{_path(options).name}: [run] targets: {named[0]} is measured by --target {named[0]} only: take it out here"
        )
    config = override(
        config,
        "run",
        services=_services(config, _path(options), given.get("services")),
        preset=given.get("preset"),
        targets=given.get("targets"),
        classes=given.get("classes"),
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


def _services(config: Config, path: Path, given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The folders of own services as seen from the working directory: fitmap.toml has them as seen from where it lies."""
    if given is not None or not config.run.services:
        return tuple(given) if given else None
    return tuple(Path(os.path.relpath(path.parent / each)).as_posix() for each in config.run.services)


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
