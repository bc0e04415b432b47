"""Tests of this folder measure on a machine that may be shared: one that fails is run once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.evaluation import validity

FOLDER = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "beside: measures nothing that other work on the machine spoils, so it runs beside it"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A neighbour may disturb a test for its whole time. A fault of the code makes it fail twice."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stalls makes the generator late. Tests of other rules must not fail by it."""
    monkeypatch.setattr(validity, "LAG_P99_MICROSECONDS", 100_000)
