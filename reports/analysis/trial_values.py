"""The values by which a target is ranked: one for each of its trials, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Sequence

from harness.record.measurement import Measurement, Missing
from harness.record.trial_result import TrialResult
from reports.analysis.observations import LevelObservation, Observation
from reports.metrics.metric import Metric
from reports.metrics.scopes import Scope
from reports.stats.pairs import ByRound, TrialValues

_SAYS_NOTHING = Missing("the metric says nothing about it")


def trial_values(
    metric: Metric, target: str, scope: Scope, here: Sequence[Observation], results: Sequence[TrialResult]
) -> TrialValues | Missing:
    """A target's values over its trials at a scope, or why it can't be ranked. `here`: what was measured of it there.

    A value missing in one valid trial is missing for the cell: otherwise a percentile would be ranked by those trials alone
    that were fast enough to have one. Levels of one trial share its pair: where a metric spans them, each trial counts once.
    Trials of another kind than the metric's are left out.
    """
    mine = [m for m in here if metric.id in m.values or isinstance(m, LevelObservation)]
    counted = [m for m in mine if m.counts(scope.scope)]
    if not counted:
        verdicts = verdicts_at(target, scope, results)
        return Missing(f"no valid trial ({', '.join(verdicts)})" if verdicts else "no valid trial")
    values: dict[str, float] = {}
    rounds: dict[str, ByRound] = {}
    for trial in counted:
        value = trial.values.get(metric.id, _SAYS_NOTHING)
        if isinstance(value, Missing):
            return value
        pair = trial.pair
        values[pair] = value
        if isinstance(trial, LevelObservation) and metric.id in trial.rounds:
            rounds[pair] = trial.rounds[metric.id]
    return TrialValues(values, rounds)


def verdicts_at(target: str, scope: Scope, results: Sequence[TrialResult]) -> list[str]:
    """The verdicts other than valid that a target's trials got at a scope, in words."""
    found = set()
    for result in results:
        if result.trial.target != target or scope.profile not in (None, result.trial.profile):
            continue
        whole = result.measurement
        level = whole.at(scope.load.level) if isinstance(whole, Measurement) and scope.load else None
        found.add(level.verdict if level else result.verdict)
    return sorted(verdict.replace("_", " ") for verdict in found - {"valid"})
