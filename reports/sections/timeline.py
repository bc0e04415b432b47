"""Report section for CPU use and memory over the whole of a trial, read from the samples."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median

from msgspec import Struct

from harness.record.measurement import Missing
from harness.record.plan import Profile
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.analysis.samples import Curve, read_curves
from reports.charts import line_chart
from reports.charts.line_chart import Line
from reports.sections.elements import Figure, Section, styles_of

_PARTS = (
    ("service", "cores", "CPU use of the service", "In cores. A service that uses all of its cores is limited by them."),
    ("database", "cores", "CPU use of PostgreSQL", "In cores, for the target's own database."),
    (
        "generator",
        "cores",
        "CPU use of the load generator",
        "In cores. A generator near its limit measures itself, so such a level is not ranked.",
    ),
    ("service", "memory", "Memory of the service", "Working set: memory that the service uses, without idle file cache."),
)


class _Timeline(Struct, frozen=True):
    """The curves of a target's representative trial, and its levels' windows in seconds on the same axis."""

    curves: Mapping[str, Curve]
    windows: tuple[tuple[str, float, float], ...]


def time_sections(analysis: Analysis, folder: Path) -> tuple[Section, ...]:
    """One section per load profile."""
    return tuple(
        _section(analysis, p, f"time-{i}", folder) for i, p in enumerate(analysis.run.plan.profiles) if p.kind == "load"
    )


def _section(analysis: Analysis, profile: Profile, name: str, folder: Path) -> Section:
    chosen = {t: m for t in analysis.run.plan.targets if (m := analysis.representatives.get((t, profile.name)))}
    if not chosen:
        return Section(profile.title, (), "Nothing was measured.")
    found = {target: course for target, m in chosen.items() if (course := _timeline(analysis, m, folder))}
    first = next(iter(chosen.values())).load
    shown = ", ".join(f"{m.trial.id}{'' if m.valid else ' (not valid)'}" for m in chosen.values())
    levels = list(dict.fromkeys(title for course in found.values() for title, _, _ in course.windows))
    order = f"Levels in their order: {', '.join(levels)}. " if levels else ""
    note = (
        "How to read this: a dashed line is where the measured window of a level begins (median over the targets). "
        f"Left of the first one is the warm-up. {order}"
        f"For each target, the trial of median throughput is shown ({first.level_title}): {shown}."
    )
    marks = [median(starts) for title in levels if (starts := _starts(found, title))]
    return Section(
        profile.title,
        tuple(
            _figure(analysis, f"{name}-{i}", role, kind, f"{title}: {profile.title}", reading, found, marks)
            for i, (role, kind, title, reading) in enumerate(_PARTS)
        ),
        note,
    )


def _timeline(analysis: Analysis, chosen: LevelObservation, folder: Path) -> _Timeline | None:
    zero = chosen.level.window_start_ns
    curves = read_curves(folder, chosen.trial.id, zero)
    if isinstance(curves, Missing):
        return None
    titles = {load.level: load.level_title for load in analysis.loads if load.profile == chosen.trial.profile}
    return _Timeline(
        curves,
        tuple(
            (titles[level.level], (level.window_start_ns - zero) / 1e9, (level.window_end_ns - zero) / 1e9)
            for level in sorted(chosen.whole.levels, key=lambda level: level.window_start_ns)
            if level.level in titles
        ),
    )


def _starts(found: Mapping[str, _Timeline], title: str) -> list[float]:
    return [start for course in found.values() for name, start, _ in course.windows if name == title]


def _figure(
    analysis: Analysis,
    name: str,
    role: str,
    kind: str,
    title: str,
    reading: str,
    found: Mapping[str, _Timeline],
    marks: list[float],
) -> Figure:
    curves, table = [], []
    for target, course in found.items():
        if role not in course.curves or not course.curves[role].seconds:
            continue
        curve = course.curves[role]
        ys = curve.cores if kind == "cores" else tuple(v / 2**20 for v in curve.working_set_bytes)
        if not ys:
            continue
        curves.append(Line(target, curve.seconds, ys))
        for level, start, end in course.windows:
            window = [y for x, y in zip(curve.seconds, ys, strict=True) if start < x <= end]
            if window:
                three = (min(window), median(window), max(window))
                table.append((target, level, *(f"{v:.2f} cores" if kind == "cores" else f"{v:,.1f} MiB" for v in three)))
    chart = None
    if curves:
        y_title = "cores" if kind == "cores" else "MiB"
        chart = partial(
            line_chart.lines,
            curves,
            styles_of(analysis),
            x_title="seconds of the trial",
            y_title=y_title,
            marks=marks,
            height=190,
        )
    return Figure(
        name,
        title,
        reading if curves else "There are no samples to draw.",
        ("Target", "Level", "Lowest in its window", "Median", "Highest"),
        tuple(table),
        chart,
    )
