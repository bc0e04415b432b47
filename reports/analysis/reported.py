"""What each service said about itself (GET /meta)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.record.measurement import Missing
from harness.record.plan import Trial
from harness.record.trial_result import FloorMeasurement, ScaleMeasurement, StartupMeasurement
from reports.analysis.analysis import Analysis

Meta = Mapping[str, str | int]


def reported(analysis: Analysis) -> Mapping[str, Meta]:
    """Target -> what its first trial reported. A target that never answered is left out."""
    found: dict[str, Meta] = {}
    for trial, meta in _said(analysis):
        found.setdefault(trial.target, meta)
    return found


def _said(analysis: Analysis) -> Iterator[tuple[Trial, Meta]]:
    yield from ((m.trial, m.whole.meta) for m in analysis.measured)
    for single in analysis.singles:
        match single.whole:
            case StartupMeasurement(meta=meta) | FloorMeasurement(meta=meta):
                yield single.trial, meta
            case ScaleMeasurement(points=points):
                yield from ((single.trial, p.measured.meta) for p in points if not isinstance(p.measured, Missing))
