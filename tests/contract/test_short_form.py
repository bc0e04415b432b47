"""No folder of services/ goes untested: a target that is not tested in full gets the short form. Needs no engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from harness.files import ROOT
from harness.plan.targets import find_targets

TARGETS = find_targets(ROOT / "services")
DEFAULT = {name for name, target in TARGETS.items() if target.default}
#: What the short form must have, by the beginnings of names: answers, statements, sizes, hostile clients, deadlines, end.
LEAST = (
    "test_golden_cases", "test_a_thousand_generated", "test_statements_under", "test_bodies_over", "test_what_is_not_http",
    "test_who_sends_too_slowly", "test_two_cpus", "test_a_wrong_environment", "test_the_service_runs_hardened",
)  # fmt: skip


def collected(*options: str, **environment: str) -> Mapping[str, set[str]]:
    """Target -> the tests that pytest would run on it, where nothing is named but what is given."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/contract", *options]
    clean = {name: value for name, value in os.environ.items() if name not in ("FITMAP_TARGETS", "PYTEST_ADDOPTS")}
    done = subprocess.run(command, cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, check=True)
    found: dict[str, set[str]] = {}
    for line in done.stdout.splitlines():
        name, _, rest = line.rpartition("::")[2].partition("[")
        for part in rest.rstrip("]").split("-"):
            if part in TARGETS:
                found.setdefault(part, set()).add(name)
    return found


def test_each_folder_gets_the_short_form_and_the_default_ones_get_all() -> None:
    every, short = collected(), collected("-m", "essential")
    assert every.keys() == short.keys() == TARGETS.keys()
    for name, tests in short.items():
        assert tests == short[min(DEFAULT)], f"{name} does not get the short form that others get"
        assert all(any(test.startswith(least) for test in tests) for least in LEAST), name
    full = every[min(DEFAULT)]
    assert len(full) > len(short[min(DEFAULT)])
    for name, tests in every.items():
        assert tests == (full if name in DEFAULT else short[name]), name


def test_a_target_that_is_named_gets_all_tests() -> None:
    full = collected()[min(DEFAULT)]
    assert collected(FITMAP_TARGETS="all") == dict.fromkeys(TARGETS, full)
    (last,) = sorted(TARGETS)[-1:]
    assert collected(FITMAP_TARGETS=last) == {last: full}
