"""What all kinds of trial share: the answer that a service must give on GET /meta."""

from __future__ import annotations

import msgspec
import pytest
from synthetic import CALIBRATION, run

from harness.containers.spec import service_spec
from harness.evaluation.statements import read_contract
from harness.files import ROOT
from harness.plan.targets import find_targets, with_bases, with_twins
from harness.record.config import Limits, Ports
from harness.record.plan import Trial, Variant
from harness.trials.context import Setup, wanted_meta
from harness.trials.group_spec import families

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


def test_a_variants_variables_stand_beside_the_contracts() -> None:
    spec = service_spec("image", "1", Ports(), Limits(), "secret", VARIANT.environment)
    assert spec.environment["GOGC"] == "200"
    assert spec.environment["PORT"] == str(Ports().service)
    assert "GOGC" not in service_spec("image", "1", Ports(), Limits(), "secret").environment


def test_a_target_and_its_variants_of_a_block_are_one_family() -> None:
    services = [("go", 1), ("go.tuned", 1), ("go-twin", 1), ("go", 2), ("go.tuned", 2), ("rust", 1)]
    assert families(services) == (0, 0, 2, 3, 3, 5)
    assert families([("go.tuned-base", 1), ("go.tuned", 1), ("go.tuned-base-twin", 1)]) == (0, 1, 2)
