"""What all kinds of trial share: the answer that a service must give on GET /meta."""

from __future__ import annotations

import msgspec
import pytest
from synthetic import CALIBRATION, run

from harness.evaluation.statements import read_contract
from harness.files import ROOT
from harness.plan.targets import find_targets, with_bases, with_twins
from harness.record.plan import Trial
from harness.trials.context import Setup, wanted_meta

TARGETS = find_targets(ROOT / "services")
GO = {"go": TARGETS["go"]}
ITSELF = {"target": "go", "language": "Go", "class": "standard"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("go", ITSELF),
        # The same image under another name.
        ("go-twin", ITSELF),
        # An older version may have had another name, language or class.
        ("go-base", {}),
    ],
)
def test_a_service_is_asked_for_what_its_manifest_says(name: str, wanted: dict[str, str]) -> None:
    contract = read_contract(ROOT / "services" / "contract" / "queries.toml")
    setup = Setup("run", run().plan, run().configuration, {}, contract, CALIBRATION)
    setup = msgspec.structs.replace(setup, targets={**with_twins(GO, GO), **with_bases(GO)})
    assert wanted_meta(setup, Trial("1", 1, name, "db")) == wanted
