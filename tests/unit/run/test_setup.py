"""What a run says before it measures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from harness.errors import EngineError
from harness.host import machine
from harness.plan.selection import chosen_targets
from harness.record.config import Config, GeneratorSection, RunSection
from harness.run import setup
from harness.run.setup import Request, check_engine_is_here, measure_new, open_port_warning


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_a_master_that_only_this_machine_reaches_needs_no_warning(address: str) -> None:
    assert open_port_warning(GeneratorSection(address)) == ""


@pytest.mark.parametrize("address", ["0.0.0.0", "10.1.2.3", "bench-1.example.org"])
def test_a_master_that_others_reach_admits_anyone_and_says_so(address: str) -> None:
    assert open_port_warning(GeneratorSection(address, port=15557)).startswith(
        f"WARNING: [generator] address is {address}. Whoever reaches port 15557 there can join the load as a worker"
    )


def test_an_engine_on_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def client(system: str) -> Any:
        return SimpleNamespace(info=lambda: {"OperatingSystem": system})

    here = machine.describe().boot_id
    said = {"id": f"{here}\n"}
    monkeypatch.setattr(setup, "output_of", lambda *_: said["id"])
    monkeypatch.setenv("DOCKER_HOST", "ssh://lab")
    check_engine_is_here(client("Debian GNU/Linux 12"), "load")
    said["id"] = "another\n"
    with pytest.raises(EngineError, match="the engine at ssh://lab is on another machine: run fitmap on that machine"):
        check_engine_is_here(client("Debian GNU/Linux 12"), "load")
    check_engine_is_here(client("Docker Desktop"), "load")
    monkeypatch.delenv("DOCKER_HOST")
    with pytest.raises(EngineError, match="the engine at the current docker context is on another machine"):
        check_engine_is_here(client("Debian GNU/Linux 12"), "load")


def test_plan_and_time_are_told_before_an_engine_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_engine(*_: object) -> Any:
        raise EngineError("no engine")

    monkeypatch.setattr(setup, "ready_engine", no_engine)
    config = msgspec.structs.replace(Config(), run=RunSection(preset="smoke", targets=("go",), profiles=("ping", "cpu")))
    said: list[str] = []
    request = Request(config=config, runs=tmp_path, configuration_text="", command=("fitmap", "bench"))
    listener: Any = SimpleNamespace(say=said.append)
    with pytest.raises(EngineError):
        measure_new(request, chosen_targets(config), listener)
    assert said == ["plan: 2 trials of go on ping, cpu: under a minute, without images and calibration"]
