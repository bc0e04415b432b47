"""How precisely a record tells its targets apart."""

from __future__ import annotations

import pytest
from small import around, scattered, small

from reports.analysis.analysis import Analysis
from reports.analysis.precision import widths
from reports.stats.pairs import TrialValues

PLACE = "cpu@saturate cpu"


def analysis(monkeypatch: pytest.MonkeyPatch, **values: tuple[float, ...]) -> Analysis:
    made = small({PLACE: values})
    pairs = {t: TrialValues({f"{i}/cpu": each for i, each in enumerate(mine)}) for t, mine in values.items()}
    monkeypatch.setattr(Analysis, "trial_values", lambda _self, _metric, target, _scope: pairs[target])
    return made


def test_the_widest_pair_is_last(monkeypatch: pytest.MonkeyPatch) -> None:
    found = widths(analysis(monkeypatch, go=around(200.0, 0.001), java=scattered(150.0, 1, 0.05), rust=around(100.0, 0.001)))
    assert {width.pair for width in found} == {("rust", "go"), ("rust", "java"), ("java", "go")}
    # The noise of one block is in both values, so the ratio of these two is exact.
    assert found[0].pair == ("rust", "go") and found[0].percent == pytest.approx(0, abs=0.01)
    assert "java" in found[-1].pair and found[-1].percent is not None and found[-1].percent > 5
    assert found[-1].words.startswith(f"{found[-1].pair[0]} / {found[-1].pair[1]} on CPU-bound, saturated: ±")


def test_too_few_starts_are_named_and_last(monkeypatch: pytest.MonkeyPatch) -> None:
    found = widths(analysis(monkeypatch, go=(200.0, 201.0), java=around(150.0), rust=around(100.0)))
    assert [width.percent is None for width in found] == [False, True, True]
    assert found[-1].words.endswith("too few valid starts")
