"""Report section for start-up trials: start times, and the time to steady speed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.record.measurement import Missing
from harness.record.plan import Profile
from harness.record.trial_result import StartupMeasurement
from reports.analysis.analysis import Analysis
from reports.metrics.non_load import starts_of
from reports.metrics.steady_state import JUDGED_SECONDS, STEADY_SHARE, shares, steady_rate
from reports.sections.elements import Figure, Row, Section, Table
from reports.sections.metric_figures import scope_figures
from reports.sections.warmup import ramp_figure
from reports.units import quantity, span

NONE = "–"


def _axes(analysis: Analysis, profile: Profile, name: str) -> tuple[Figure, ...]:
    scope = next(scope for scope in analysis.scopes if scope.id == profile.name)
    return scope_figures(analysis, scope, name)


def startup_section(analysis: Analysis, profile: Profile, name: str) -> Section:
    """The section of a start-up profile: charts, the ramp-up, and one table row per target."""
    trials: dict[str, list[StartupMeasurement]] = {}
    # Of each trial: its time to steady speed, or why there is none; None where it still got faster at the end.
    steady: dict[str, list[float | Missing | None]] = {}
    for target in analysis.run.plan.targets:
        valid = [s for s in analysis.singles if s.trial.target == target and s.valid]
        trials[target] = [s.whole for s in valid if isinstance(s.whole, StartupMeasurement)]
        steady[target] = [s.values.get("time-to-steady") for s in valid if isinstance(s.whole, StartupMeasurement)]
    courses = {target: [shares(each.windows) for each in found] for target, found in trials.items()}
    ramp = ramp_figure(
        analysis,
        f"{name}-course",
        "Throughput from the first request on",
        f"A fresh service under full load ({profile.connections} connections, the mix of profile cpu) without warm-up: "
        "requests answered per quarter of a second, as a share of the speed at the end. What is missing to 100 % is the "
        "work of a just-in-time compiler, and code that it has not compiled yet. The strong line is the median over valid "
        "trials, faint lines are single trials.",
        courses,
        (
            "Target",
            "Steady speed",
            "First quarter of a second",
            f"First second at {STEADY_SHARE * 100:g} % or more",
            "Trials",
        ),
        tuple(_ramp_row(target, found, courses[target], steady[target]) for target, found in trials.items() if found),
    )
    headers = (
        "Target", "Warm: /health", "Warm: first row", "Cold: /health", "Cold: first row", "Starts, warm and cold",
        "Image's files", "Removed from the page cache", "Left in the page cache",
    )  # fmt: skip
    return Section(
        profile.title,
        (*_axes(analysis, profile, name), *((ramp,) if ramp else ())),
        "Each start is a new container with a running database. Time counts from the engine's start of the container. An "
        "answer is seen within 1 ms if nothing listened before it, and within 5 ms if the service first said that it was "
        "not ready. Cold: the image's files were removed from the page cache before.",
        tables=(Table("Start times: medians and ranges over all starts", headers,
                      tuple(_start_row(target, found) for target, found in trials.items() if found)),),
    )  # fmt: skip


def _ramp_row(
    target: str,
    found: Sequence[StartupMeasurement],
    courses: Sequence[Sequence[tuple[float, float]]],
    steady: Sequence[float | Missing | None],
) -> Row:
    settled = [each for each in steady if each is not None]
    rising = len(found) - len(settled)
    reached = [each for each in settled if not isinstance(each, Missing)]
    first = [course[0][1] for course in courses]
    return (
        target,
        quantity(median(steady_rate(each.windows) for each in found), "requests/s"),
        f"{median(first):.0f} %",
        _after(reached) if reached and len(reached) == len(settled) else "not in every trial",
        str(len(found)) if not rising else f"{len(found)}, {rising} still faster at the end",
    )


def _after(seconds: Sequence[float]) -> str:
    middle = median(seconds)
    return f"{middle:.2f} s" if middle > 1.05 * JUDGED_SECONDS else f"at once (the first {JUDGED_SECONDS:g} s)"


def _start_row(target: str, found: Sequence[StartupMeasurement]) -> Row:
    cold = [start for each in found for start in each.starts if start.cold]
    reasons = dict.fromkeys(each.cold.reason for each in found if isinstance(each.cold, Missing))
    files = [each.cold.total_bytes for each in found if not isinstance(each.cold, Missing)]

    def times(field: str, *, is_cold: bool) -> str:
        values = [value for each in found for value in starts_of(each, field, cold=is_cold)]
        if not values:
            return "; ".join(reasons) or NONE
        return f"{quantity(median(values), 'seconds')} ({span(min(values), max(values), 'seconds')})"

    return (
        target,
        times("health_seconds", is_cold=False),
        times("answer_seconds", is_cold=False),
        times("health_seconds", is_cold=True),
        times("answer_seconds", is_cold=True),
        f"{sum(not start.cold for each in found for start in each.starts)} and {len(cold)}",
        quantity(max(files), "bytes") if files else NONE,
        quantity(median(start.evicted_bytes for start in cold), "bytes") if cold else NONE,
        quantity(median(start.left_bytes for start in cold), "bytes") if cold else NONE,
    )
