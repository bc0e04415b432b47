"""Report section for latency: by percentile at each load, and against throughput."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median

import numpy as np

from harness.record.measurement import Missing
from harness.record.plan import Profile
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.analysis.tails import TAIL, told_routes, untold_routes
from reports.charts import line_chart
from reports.charts.line_chart import Line, TrialPath
from reports.charts.palette import Style
from reports.charts.theme import Spec
from reports.metrics.level_stats import SAMPLES_BEYOND, throughput
from reports.metrics.load import TAILS
from reports.metrics.scopes import Load, Scope
from reports.sections.elements import Figure, Row, styles_of
from reports.units import quantity

#: Points of the latency curves: even steps on a logarithmic axis of 1 / (1 - quantile), 1 (fastest) to 10,000 (99.99 %).
_CURVE_POINTS = tuple(10 ** (i / 8) for i in range(33))
_CURVE_PERCENTS = np.array([100 * (1 - 1 / point) for point in _CURVE_POINTS])
_TABLE_PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99)
#: Percentiles that are drawn against throughput.
_AGAINST_THROUGHPUT = (50.0, 99.0)

_CLOSED = (
    "Each connection waits for its answer before it sends again. So this is mostly queueing in a full service, and it "
    "mostly mirrors throughput. "
)
_OPEN = (
    "Every target gets the same rate. Times count from the instant at which a request was due, so they include waits that "
    "earlier slow answers caused. "
)


def latency_figures(analysis: Analysis) -> tuple[Figure, ...]:
    """The latency figures of each ranked load, and of each profile with shares of the own throughput."""
    # A held request takes as long as it asked for: reports/sections/held_requests.py has the results.
    ranked = [load for load in analysis.loads if load.ranked and not load.held]
    return (
        *(latency_figure(analysis, load, f"latency-{i}") for i, load in enumerate(ranked)),
        *(
            figure
            for i, profile in enumerate(analysis.run.plan.profiles)
            for figure in against_throughput(analysis, profile, f"tradeoff-{i}")
        ),
    )


def latency_figure(analysis: Analysis, load: Load, name: str) -> Figure:
    """A load's response times by percentile: medians over valid trials, with single trials faint."""
    # A trial with fewer requests has not even the curve's first point.
    found = {
        target: trials
        for target in analysis.run.plan.targets
        if (trials := [m for m in analysis.cell(target, load) if not isinstance(m.distribution, Missing)])
        and all(_total(m) >= SAMPLES_BEYOND for m in trials)
    }
    percentiles = [percent for percent in _TABLE_PERCENTILES if percent < min(TAILS) or not load.routes]
    routes = told_routes(analysis, load)
    table = [
        (
            target,
            *(_percentile_cell(trials, percent) for percent in percentiles),
            *(_tail_cell(analysis, scope, target) for scope in routes),
        )
        for target, trials in found.items()
    ]
    reading = (
        f"{_OPEN if load.open else _CLOSED}At 90 %, nine of ten requests were at least as fast as the line; beyond each "
        "further mark there is a tenth as many requests. The strong line is the median over the valid trials at each "
        "percentile. Faint lines are single trials. A line ends where fewer than 100 requests of a trial lie beyond it."
        f"{_by_route(analysis, load)}"
    )
    return Figure(
        name,
        f"Latency distribution: {load.title}",
        reading if found else "No valid trial has a histogram.",
        ("Target", *(f"p{percent:g}" for percent in percentiles), *(f"p99 of {scope.route}" for scope in routes)),
        tuple(table),
        partial(_curves, found, styles_of(analysis)) if found else None,
    )


def _by_route(analysis: Analysis, load: Load) -> str:
    """Why a mix has no p99 of its own, and which of its routes have none either."""
    if not load.routes:
        return ""
    missing = [f"{', '.join(routes)} ({reason})" for reason, routes in untold_routes(analysis, load).items()]
    without = f" Not told: {'; '.join(missing)}." if missing else ""
    return f" The tail of a mix is that of its dearest statement, so targets are ranked by the p99 of each route.{without}"


def _tail_cell(analysis: Analysis, scope: Scope, target: str) -> str:
    found = analysis.estimate(TAIL, scope.id, target)
    return "–" if found is None or isinstance(found, Missing) else quantity(found.median, "microseconds")


def _total(trial: LevelObservation) -> int:
    return 0 if isinstance(trial.distribution, Missing) else trial.distribution.total


def _curves(found: Mapping[str, Sequence[LevelObservation]], looks: Mapping[str, Style]) -> Spec:
    """The chart of a load: for each target the median over its trials, and each trial faint."""
    curves: list[Line] = []
    for target, trials in found.items():
        each = [_latency_curve(trial) for trial in trials]
        length = min(len(ys) for ys in each)
        middle = tuple(median(ys[i] for ys in each) for i in range(length))
        curves += [Line(target, _CURVE_POINTS[: len(ys)], tuple(ys), faint=True) for ys in each if len(each) > 1]
        curves.append(Line(target, _CURVE_POINTS[:length], middle))
    return line_chart.lines(
        curves, looks, x_title="share of requests", y_title="response time, ms", log_y=True, percentile_axis=True
    )


def _latency_curve(trial: LevelObservation) -> list[float]:
    """Milliseconds at the curve's points, up to the last percentile with enough requests beyond it."""
    found = trial.distribution
    return [] if isinstance(found, Missing) else [value / 1000 for value in found.curve(_CURVE_PERCENTS)]


def _percentile_cell(trials: list[LevelObservation], percent: float) -> str:
    found = _percentile(trials, percent)
    return "too few requests" if found is None else quantity(found, "microseconds")


def _percentile(trials: list[LevelObservation] | tuple[LevelObservation, ...], percent: float) -> float | None:
    """Median over the trials, microseconds; None where it is missing in one of them."""
    values = [m.distribution if isinstance(m.distribution, Missing) else m.distribution.percentile(percent) for m in trials]
    numbers = [v for v in values if not isinstance(v, Missing)]
    return median(numbers) if numbers and len(numbers) == len(values) else None


def against_throughput(analysis: Analysis, profile: Profile, name: str) -> tuple[Figure, ...]:
    """Response times of each target at shares of its own saturated throughput, one figure per percentile.

    Empty where the profile has no such levels.
    """
    loads = [load for load in analysis.loads if load.profile == profile.name and load.kind == "relative"]
    figures = (_tradeoff(analysis, loads, percent, profile.title, f"{name}-{percent:g}") for percent in _AGAINST_THROUGHPUT)
    return tuple(figures) if loads else ()


def _tradeoff(analysis: Analysis, loads: list[Load], percent: float, profile: str, name: str) -> Figure:
    rows: list[TrialPath] = []
    table: list[Row] = []
    for target in analysis.run.plan.targets:
        solid: list[tuple[float, float]] = []
        hollow: list[tuple[float, float]] = []
        for load in loads:
            valid = analysis.cell(target, load)
            trials = valid or analysis.at(target, load)
            if not trials:
                table.append((target, load.level_title, "–", "–", "nothing measured"))
                continue
            rate, found = median(throughput(m.level) for m in trials), _percentile(trials, percent)
            if rate and found:
                (solid if valid else hollow).append((rate, found / 1000))
            verdicts = sorted({m.level.verdict.replace("_", " ") for m in trials})
            state = (
                f"{len(valid)} valid trial{'s' if len(valid) > 1 else ''}" if valid else f"not valid: {', '.join(verdicts)}"
            )
            shown = "too few requests" if found is None else quantity(found, "microseconds")
            table.append((target, load.level_title, quantity(rate, "requests/s"), shown, state))
        if solid or hollow:
            rows.append(TrialPath(target, tuple(solid), tuple(hollow)))
    title = f"Latency against throughput, p{percent:g}: {profile}"
    reading = (
        "Each mark is a rate offered as an open loop: a share of the target's own closed-loop throughput. On the left a "
        "service has time to spare, on the right it is near its limit. Lower and further right is better. Marks are "
        "medians over valid trials. Hollow marks have no valid trial. A percentile with too few requests beyond it has no "
        "mark."
    )
    chart = None
    if rows:
        chart = partial(line_chart.paths, rows, styles_of(analysis), "requests/s", f"p{percent:g} response time, ms")
    return Figure(
        name,
        title,
        reading if rows else "No trial has enough requests for this percentile.",
        ("Target", "Load", "Achieved", f"p{percent:g}", "Trials"),
        tuple(table),
        chart,
    )
