"""Small records for tests of the overview: rankings made from values given here, without files. Nothing was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace

import msgspec
from non_load_records import BUILD, STARTUP
from report_records import ASKING, PROFILES, profile, run_of
from scale_records import FLOOR

from harness.record.measurement import Missing
from harness.record.plan import Trial
from harness.record.trial_result import TrialResult
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.analysis.ranking import rank
from reports.metrics.catalogue import BY_ID
from reports.metrics.scopes import Load, loads_of, scopes_of
from reports.overview.bills import Bills, make_bills
from reports.overview.columns import columns_of
from reports.overview.headline import CPU_ROW
from reports.overview.rows import read_rows
from reports.overview.scorecard import Scorecard, groups_on, make_rows
from reports.stats.pairs import TrialValues

#: "place metric" -> target -> value of each trial, or the reason why there is none.
Values = Mapping[str, Mapping[str, Sequence[float] | str]]
EVERY = (
    profile("ping", "Ping", "What does an empty answer cost?", ("GET /ping",), "saturate"),
    PROFILES[0],
    PROFILES[1],
    *ASKING,
    STARTUP,
    BUILD,
    FLOOR,
)


def around(middle: float, spread: float = 0.01) -> tuple[float, float, float]:
    """Three trials around a value."""
    return (middle * (1 - spread), middle, middle * (1 + spread))


def scattered(middle: float, turn: int, spread: float = 0.3) -> tuple[float, ...]:
    """Three trials around a value whose noise is not that of another `turn` (0 to 2): paired ratios keep it."""
    trials = around(middle, spread)
    return trials[turn:] + trials[:turn]


def small(values: Values, *, blocks: int = 3, classes: Mapping[str, str] | None = None) -> Analysis:
    """A record with these rankings and nothing else."""
    targets = tuple(sorted({target for row in values.values() for target in row}))
    places = {name.rpartition(" ")[0] for name in values}
    plan_profiles = tuple(p for p in EVERY if any(place.partition("@")[0] == p.name for place in places))
    run = run_of(targets, blocks, classes or {}, plan_profiles or EVERY[:1])
    run = msgspec.structs.replace(run, plan=msgspec.structs.replace(run.plan, trials=()))
    loads = loads_of(run.plan)
    rankings = []
    for name, row in values.items():
        place, _, metric = name.rpartition(" ")
        for target_class in sorted(set((classes or {}).values()) | {"standard"}):
            mine = {t: v for t, v in row.items() if (classes or {}).get(t, "standard") == target_class}
            if not mine:
                continue
            known = BY_ID[metric]
            rankings.append(
                rank(
                    metric=metric,
                    scope=place,
                    target_class=target_class,
                    values={
                        t: Missing(v) if isinstance(v, str) else TrialValues({f"{i}/x": each for i, each in enumerate(v)})
                        for t, v in mine.items()
                    },
                    direction=known.direction,
                    exact=known.exact,
                    confidence_percent=95.0,
                    relevance_percent=known.relevance_percent(3.0),
                )
            )
    return Analysis(
        run=run,
        loads=loads,
        scopes=scopes_of(run.plan, loads),
        measured=tuple(_observed(values, loads)),
        not_valid=(),
        pending=(),
        warnings=(),
        superseded=(),
        rankings=tuple(rankings),
        parts=(),
        representatives={},
        singles=(),
    )


def _observed(values: Values, loads: Sequence[Load]) -> Iterator[LevelObservation]:
    """The trials at loads, valid all of them, with the one value that each has."""
    by_id = {load.id: load for load in loads}
    for name, row in values.items():
        place, _, metric = name.rpartition(" ")
        load = by_id.get(place)
        for target, trials in row.items():
            if load is None or isinstance(trials, str):
                continue
            for block, value in enumerate(trials):
                trial = Trial(f"{block}-{target}", block, target, load.profile)
                result = TrialResult(trial, "", 1.0, "valid", (), None, {}, Missing("made up"))
                level = SimpleNamespace(verdict="valid", bottleneck="service-cpu")
                yield LevelObservation(result, {metric: value}, None, level, load, Missing("made up"))  # type: ignore[arg-type]


def card_of(analysis: Analysis, target_class: str = "standard") -> tuple[Scorecard, Bills]:
    """The scorecard of a small record, and its bills."""
    scope, _, metric = CPU_ROW.partition(" ")
    columns = columns_of(analysis, target_class, groups_on(analysis, scope, metric, target_class))
    bills = make_bills(analysis, columns)
    return Scorecard(target_class, columns, make_rows(analysis, target_class, columns, read_rows(), bills)), bills
