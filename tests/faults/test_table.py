"""The table in the documentation has every fault, and the moments at which it is injected."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from faults import CASES, FILES, MOMENTS

from harness.files import ROOT

pytestmark = pytest.mark.quick
PAGE = ROOT / "docs" / "method" / "faults.md"
#: What test_record_faults.py does to the report of a finished run, too.
REPORTED = ("record moved",)


def injected() -> Mapping[str, set[str]]:
    """The moments of each fault."""
    found: dict[str, set[str]] = {name: {"report"} for name in FILES}
    for case in CASES:
        found.setdefault(case.fault, set()).update(case.moments)
        if case.fault.startswith(REPORTED):
            found[case.fault].add("report")
    return found


def documented() -> Mapping[str, set[str]]:
    rows = re.findall(r"^\| (?!fault \|)([^|]+?) \|((?: [●–] \|){5})", PAGE.read_text(), re.MULTILINE)
    return {
        name: {moment for moment, mark in zip(MOMENTS, marks.split("|"), strict=False) if "●" in mark}
        for name, marks in rows
    }


def test_faults_are_injected_at_the_moments_that_the_documentation_names() -> None:
    assert documented() == injected()
