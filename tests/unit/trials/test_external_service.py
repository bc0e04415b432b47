"""A service that fitmap did not start, as a group sees it: what the load generator is told, and how long it may take."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from synthetic import CALIBRATION

from harness.errors import TrialError
from harness.evaluation.statements import Contract
from harness.plan.config_file import PRESETS
from harness.plan.levels import parse_levels
from harness.plan.schedule import cells_of, make_plan
from harness.record.config import Config
from harness.record.external import NOT_STARTED, External
from harness.record.plan import Placement, Profile, Target
from harness.trials.context import Setup
from harness.trials.external_service import ExternalService
from harness.trials.group_spec import fused_seconds, group_spec
from loadtests.protocol import messages
from loadtests.protocol.group_messages import GroupSpec
from loadtests.protocol.outside import Outside

PEM = "-----BEGIN CERTIFICATE-----\n"
PLACEMENT = Placement("1", "0", "0", ("database", "generator"), "two cores")


def setup(folder: Path, level: str, most: int) -> Setup:
    (folder / "ca.pem").write_text(PEM)
    external = External("https://shop.lab:8443", str(folder), ("x",), most, 8, str(folder / "ca.pem"))
    target = Target("staging", "Java", "own", "", "", (), "", (), (), default=False, external=external)
    profile = Profile("x", "X", "?", ("GET /",), 8, parse_levels((level,), 8, ("GET /",), "x"), content="1")
    plan = make_plan(
        seed=1,
        preset="smoke",
        timing=PRESETS["smoke"],
        targets=("staging",),
        profiles=(profile,),
        placement=PLACEMENT,
        cells=cells_of({"staging": target}, (profile,)),
    )
    images = {"load": "sha256:load", "load/own": "sha256:own"}
    return Setup("run", plan, Config(), images, Contract({}, {}), CALIBRATION, {"staging": target})


def made(folder: Path, level: str = "20/s", most: int = 300) -> tuple[ExternalService, GroupSpec]:
    wanted = setup(folder, level, most)
    (trial,) = wanted.plan.trials
    external = wanted.external(trial)
    assert external
    service = ExternalService(0, trial, external, wanted, 0)
    return service, group_spec(wanted, wanted.plan.trials, (service.copy,))


def test_the_generator_is_told_the_address_the_authority_and_the_fuse(tmp_path: Path) -> None:
    _, spec = made(tmp_path)
    (copy,) = msgspec.json.decode(msgspec.json.encode(spec), type=GroupSpec).copies
    assert copy.outside == Outside("shop.lab", 8443, "https://shop.lab:8443", True, PEM, 300)
    assert (copy.service, copy.database, copy.beside, copy.meta) == (None, None, {}, None)


def test_nothing_of_it_is_fitmaps_to_start_stop_or_read(tmp_path: Path) -> None:
    service, _ = made(tmp_path)
    for step in (service.wait_beside, service.start, service.widen, service.narrow, service.stop):
        step()
    service.read({"GET /": 3})
    assert (service.containers_by_role(), service.logs(), service.faults(1)) == ({}, {}, ())
    assert service.start_time(messages.Hello(0, 0, "", 1, {})) == NOT_STARTED
    assert (service.stop_seconds, service.exit_status, service.contract) == (NOT_STARTED, NOT_STARTED, NOT_STARTED)
    assert [reading.answered for reading in service.readings] == [{"GET /": 3}]
    service.lose(TrialError("readiness", "first"))
    service.lose(TrialError("load", "second"))
    assert service.lost and service.lost.reason == "first"


@pytest.mark.parametrize(("level", "most", "seconds"), [("20/s", 300, 0), ("saturate", 1000, 64), ("saturate", 10, 800)])
def test_a_group_may_take_longer_where_a_fuse_makes_passes_slow(
    tmp_path: Path, level: str, most: int, seconds: float
) -> None:
    # Two parts of five rounds, each at most three times, and two turns: four passes of 500 each, or 25 s.
    assert fused_seconds(made(tmp_path, level, most)[1]) == pytest.approx(seconds)
