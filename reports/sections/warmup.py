"""Report section for the warm-up: throughput in each second, as a share of the measured window's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median

from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.charts import line_chart
from reports.charts.line_chart import Line
from reports.metrics.level_stats import throughput
from reports.metrics.scopes import Load
from reports.metrics.steady_state import STEADY_SHARE
from reports.sections.elements import Figure, Row, styles_of

Seconds = list[tuple[float, float]]


def warmup_figures(analysis: Analysis) -> tuple[Figure, ...]:
    """One figure per profile, for its first closed level: at later levels the target is already warm."""
    firsts = {load.profile: load for load in reversed(analysis.loads) if load.kind == "closed" and not load.alone}
    wanted = [load for load in analysis.loads if load in firsts.values()]
    return tuple(f for i, load in enumerate(wanted) if (f := _figure(analysis, load, f"warmup-{i}")))


def ramp_figure(
    analysis: Analysis,
    name: str,
    title: str,
    reading: str,
    ramps: Mapping[str, Sequence[Seconds]],
    headers: Row,
    rows: tuple[Row, ...],
) -> Figure | None:
    """A chart of throughput over time, in percent of the steady one: medians strong, single trials faint."""
    curves: list[Line] = []
    for target, trials in ramps.items():
        if not trials:
            continue
        length = min(len(each) for each in trials)
        xs = tuple(median(each[i][0] for each in trials) for i in range(length))
        ys = tuple(median(each[i][1] for each in trials) for i in range(length))
        curves += [
            Line(target, tuple(x for x, _ in each), tuple(y for _, y in each), faint=True)
            for each in trials
            if len(trials) > 1
        ]
        curves.append(Line(target, xs, ys))
    if not curves:
        return None
    chart = partial(
        line_chart.lines,
        curves,
        styles_of(analysis),
        x_title="seconds since the first request",
        y_title="% of steady throughput",
        height=190,
    )
    return Figure(name, title, reading, headers, rows, chart)


def _figure(analysis: Analysis, load: Load, name: str) -> Figure | None:
    ramps: dict[str, list[Seconds]] = {}
    table: list[Row] = []
    for target in analysis.run.plan.targets:
        trials = [seconds for m in analysis.cell(target, load) if (seconds := _ramp(m))]
        if not trials:
            continue
        ramps[target] = trials
        reached = [next((x for x, y in each if y >= STEADY_SHARE * 100), None) for each in trials]
        known = [x for x in reached if x is not None]
        first = f"{median(known):.1f} s" if len(known) == len(trials) else "not in every trial"
        table.append((target, f"{median(each[0][1] for each in trials):.0f} %", first, str(len(trials))))
    reading = (
        "Requests answered in each second of the warm-up and of the measured window, as a share of the window's mean. A "
        "runtime that compiles while it runs starts low and rises. Code compiled ahead of time starts at its final speed. "
        "The strong line is the median over valid trials, faint lines are single trials. The remaining noise is the "
        "machine's."
    )
    return ramp_figure(
        analysis,
        name,
        f"Warm-up: {load.title}",
        reading,
        ramps,
        ("Target", "First second", f"First second at {STEADY_SHARE:.0%} or more", "Trials"),
        tuple(table),
    )


def _ramp(m: LevelObservation) -> Seconds:
    """Each window as a point: its middle in seconds, its throughput in percent of the measured window's."""
    windows = sorted(m.level.windows, key=lambda window: window.start_ns)
    if not any(window.phase == "warmup" for window in windows):
        return []
    zero, steady = windows[0].start_ns, throughput(m.level)
    return [
        (
            ((window.start_ns + window.end_ns) / 2 - zero) / 1e9,
            window.requests / ((window.end_ns - window.start_ns) / 1e9) / steady * 100,
        )
        for window in windows
        if window.end_ns > window.start_ns and steady
    ]
