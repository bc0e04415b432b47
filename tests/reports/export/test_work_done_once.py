"""A report of ten thousand trials takes seconds if nothing is done twice. Work is counted here: time is the machine's."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from harness.record.histograms import read_encoded
from harness.record.measurement import Measurement
from harness.record.reader import Record
from reports.analysis import analysis as analysis_module
from reports.analysis.analysis import analyse
from reports.comparison.repeatability import scatter
from reports.export.interactive import packed_json
from reports.export.view import make_view
from reports.metrics import level_stats
from reports.metrics.level_stats import Distribution, distributions
from reports.units import clean, is_clean


def test_each_histogram_of_a_response_is_decoded_once_and_no_other(
    detailed: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, decoded = level_stats.decode, Counter[bytes]()

    def count(payload: bytes, *rest: int) -> Any:
        decoded[payload] += 1
        return decode(payload, *rest)

    monkeypatch.setattr(level_stats, "decode", count)
    view = make_view(analyse(detailed), detailed.folder, interactive=True)
    assert all(figure.chart() for figure in view.latency if figure.chart)
    measured = [result for result in detailed.results if isinstance(result.measurement, Measurement)]
    assert decoded.total() == sum(len(read_encoded(detailed.folder, r.trial.id, "response")) for r in measured) > 0


def test_values_that_are_ranked_are_looked_up_later_and_not_found_again(
    detailed: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = analyse(detailed)
    monkeypatch.setattr(analysis_module, "trial_values", lambda *_: pytest.fail("found again"))
    assert scatter(analysis)
    for ranking in analysis.rankings:
        for entry in ranking.entries:
            analysis.values(ranking.metric, entry.target, analysis.scope(ranking))


def test_a_curve_has_the_percentiles_up_to_the_last_that_is_known(detailed: Record) -> None:
    percents = np.array([0.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0])
    trial = next(result for result in detailed.results if isinstance(result.measurement, Measurement))
    assert isinstance(trial.measurement, Measurement)
    encoded = read_encoded(detailed.folder, trial.trial.id, "response")
    for level in trial.measurement.levels:
        found, _ = distributions(encoded, level.level)
        assert isinstance(found, Distribution)
        each = [found.percentile(float(percent)) for percent in percents]
        known = [value for value in each if isinstance(value, float)]
        assert 0 < len(known) < len(percents)
        assert found.curve(percents) == known
    empty = Distribution(np.zeros(level_stats.COUNTS, dtype=np.int64))
    assert empty.curve(percents) == []
    assert empty.share_within(math.inf) == 0.0


@pytest.mark.parametrize("text", ["plain, 1 µs", "a\u00a0b", "back\\slash", 'q"uote', "two\nlines", "\x00", "\x7f", "\x85",
                                  "\ud800", "\ufffe", "\U0010ffff", "\r"])  # fmt: skip
def test_charts_are_cleaned_as_a_whole_or_one_by_one(text: str) -> None:
    data = {"name": text, text: [1, 2.5, None, {"in": (text,)}]}
    packed = json.loads(gzip.decompress(base64.b64decode(packed_json(data))))
    assert packed == {"name": clean(text), clean(text): [1, 2.5, None, {"in": [clean(text)]}]}
    assert is_clean(text) == (clean(text) == text)
