"""Numbers with their words."""

from __future__ import annotations

import pytest

from harness.wording import counted, minutes


@pytest.mark.parametrize(("number", "text"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials")])
def test_one_has_a_singular(number: int, text: str) -> None:
    assert counted(number, "trial") == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "under a minute"), (59, "under a minute"), (60, "1 min"), (100, "2 min"), (1200, "20 min")]
)
def test_less_than_a_minute_is_not_0_min(seconds: float, text: str) -> None:
    assert minutes(seconds) == text
