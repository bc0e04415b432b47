"""What all kinds of trial share: the answer that a service must give on GET /meta."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import msgspec
import pytest
from synthetic import CALIBRATION, run

from harness.containers.lifecycle import RunningContainer
from harness.containers.spec import service_spec
from harness.errors import TrialError
from harness.evaluation.statements import read_contract
from harness.files import ROOT
from harness.plan.targets import find_targets, with_bases, with_twins
from harness.record.config import Limits, Ports
from harness.record.plan import Trial, Variant
from harness.trials.context import Setup, seconds_to, start_seconds, wanted_meta
from harness.trials.group_spec import families
from loadtests.protocol.messages import Hello

TARGETS = find_targets(ROOT / "services")
GO = {"go": TARGETS["go"]}
VARIANT = Variant("tuned", "go", "What does tuning buy?", environment={"GOGC": "200", "PORT": "1"})
ITSELF = {"target": "go", "language": "Go", "class": "standard"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("go", ITSELF),
        # The same image under another name.
        ("go-twin", ITSELF),
        # A variant answers the name of its folder, and its own class.
        ("go.tuned", {**ITSELF, "class": "tuned"}),
        # An older version may have had another name, language or class.
        ("go-base", {}),
    ],
)
def test_a_service_is_asked_for_what_its_manifest_says(name: str, wanted: dict[str, str]) -> None:
    contract = read_contract(ROOT / "services" / "contract" / "queries.toml")
    setup = Setup("run", run().plan, run().configuration, {}, contract, CALIBRATION)
    tuned = msgspec.structs.replace(GO["go"], name="go.tuned", target_class="tuned", variant=VARIANT)
    setup = msgspec.structs.replace(setup, targets={**with_twins(GO, GO), **with_bases(GO), "go.tuned": tuned})
    assert wanted_meta(setup, Trial("1", 1, name, "db")) == wanted


class Started:
    """A service whose start was asked for between 10.00 and 10.25 s of the monotonic clock."""

    start_call_ns = (10_000_000_000, 10_250_000_000)


def hello(*, unix_seconds: float) -> Hello:
    """The generator's clocks when it was loaded, at 9 s of the monotonic one."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Hello(9_000_000_000, round(unix_seconds * 1e9), boot, 1, {})


def test_the_time_of_a_start_is_that_of_the_wall_clock() -> None:
    # At 9 s it was 1009; the engine says 1010.2, and the service was ready at 10.5 s.
    found = start_seconds(hello(unix_seconds=1009), 10_500_000_000, 1_010_200_000_000, cast(RunningContainer, Started()))
    assert found == 0.3


@pytest.mark.parametrize("step", [3600, 1, -1, -3600])
def test_a_start_across_a_step_of_the_wall_clock_has_no_time(step: float) -> None:
    service = cast(RunningContainer, Started())
    with pytest.raises(TrialError, match="the wall clock was set while the service started"):
        start_seconds(hello(unix_seconds=1009 + step), 10_500_000_000, 1_010_200_000_000, service)


def test_instants_that_were_heard_of_lie_between_a_start_and_now() -> None:
    now_ns = time.monotonic_ns()

    class Now:
        start_call_ns = (now_ns - 2_000_000_000, now_ns - 1_900_000_000)

    service = cast(RunningContainer, Now())
    assert seconds_to((1_500_000_000, 2_500_000_000), 1_000_000_000, service) == (0.5, 1.5)
    for wrong in (3_601_000_000_000, 0):
        with pytest.raises(TrialError, match="the wall clock was set"):
            seconds_to((1_500_000_000, wrong), 1_000_000_000, service)


def test_a_variants_variables_stand_beside_the_contracts() -> None:
    spec = service_spec("image", "1", Ports(), Limits(), "secret", VARIANT.environment)
    assert spec.environment["GOGC"] == "200"
    assert spec.environment["PORT"] == str(Ports().service)
    assert "GOGC" not in service_spec("image", "1", Ports(), Limits(), "secret").environment


def test_a_target_and_its_variants_of_a_block_are_one_family() -> None:
    services = [("go", 1), ("go.tuned", 1), ("go-twin", 1), ("go", 2), ("go.tuned", 2), ("rust", 1)]
    assert families(services) == (0, 0, 2, 3, 3, 5)
    assert families([("go.tuned-base", 1), ("go.tuned", 1), ("go.tuned-base-twin", 1)]) == (0, 1, 2)
