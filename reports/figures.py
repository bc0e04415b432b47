"""From the analysis to figures: a chart, how to read it, and the table behind it. Reads the samples; the rest is pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

from markupsafe import Markup
from msgspec import Struct

from harness.model import Profile
from harness.record import Missing
from reports import charts
from reports.analysis import Analysis, Measured, Parts
from reports.charts import Bar, Dot, Line
from reports.metrics import BY_ID, requests
from reports.palette import Look, looks
from reports.series import Curve, read_curves
from reports.standings import Standing
from reports.svg import render
from reports.theme import Spec
from reports.units import Unit, quantity, span

Row = tuple[str, ...]

#: Points of the latency curves: even steps on the axis 1 / (1 - quantile), 1 (the fastest) to 10,000 (99.99 %).
_CURVE_POINTS = tuple(10 ** (i / 8) for i in range(33))
_TABLE_PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99)


class Figure(Struct, frozen=True):
    """A chart with its words. `svg` is None where there is nothing to draw; `reading` then says why."""

    id: str
    title: str
    svg: Markup | None
    reading: str
    headers: Row
    rows: tuple[Row, ...]


class Section(Struct, frozen=True):
    """The figures of a profile (or of the whole run)."""

    title: str
    figures: tuple[Figure, ...]
    note: str = ""


def looks_of(analysis: Analysis) -> dict[str, Look]:
    """How each target is drawn, in the whole report."""
    return looks(analysis.run.plan.targets)


def _drawn(analysis: Analysis, spec: Spec, name: str, title: str) -> Markup:
    names = {look.token: look.label for look in looks_of(analysis).values()}
    return render(spec, name, f"{title}: the table below has the numbers", names)


def axis_sections(analysis: Analysis) -> tuple[Section, ...]:
    """Every axis that has a value, by profile: dots with intervals."""
    profiles: list[tuple[str | None, str]] = [(p.name, f"{p.title} load") for p in analysis.run.plan.profiles]
    profiles.append((None, "Whole run"))
    sections = []
    for number, (profile, title) in enumerate(profiles):
        found: dict[str, list[Standing]] = {}
        for standing in analysis.standings:
            if standing.profile == profile:
                found.setdefault(standing.metric, []).append(standing)
        figures = [_axis_figure(analysis, f"axis-{number}-{metric.replace('.', '_')}", s) for metric, s in found.items()]
        sections.append(Section(title, tuple(f for f in figures if f)))
    return tuple(sections)


def _axis_figure(analysis: Analysis, name: str, standings: list[Standing]) -> Figure | None:
    metric, profile = BY_ID[standings[0].metric], standings[0].profile
    rows, table = [], []
    for entry in (entry for standing in standings for entry in standing.entries):
        trials = [m for m in analysis.measured if m.trial.target == entry.target and profile in (None, m.trial.profile)]
        values = {m.trial.id: v for m in trials if not isinstance(v := m.values[metric.id], Missing)}
        if metric.exact:
            # The same number in every trial: one dot says it.
            values = dict(list(values.items())[:1])
        valid = tuple(values[m.trial.id] for m in trials if m.valid and m.trial.id in values)
        others = tuple(values[m.trial.id] for m in trials if not m.valid and m.trial.id in values)
        found = entry.estimate
        if isinstance(found, Missing):
            rows.append(Dot(entry.target, None, None, None, valid, others))
            table.append((entry.target, "–", "–", f"not ranked: {found.reason}", _values(valid, others, metric.unit)))
            continue
        rows.append(Dot(entry.target, found.median, found.low, found.high, valid, others))
        interval = (
            "–" if found.low is None or found.high is None or metric.exact else span(found.low, found.high, metric.unit)
        )
        table.append(
            (
                entry.target,
                quantity(found.median, metric.unit),
                interval,
                f"group {entry.group}",
                _values(valid, others, metric.unit),
            )
        )
    if not any(row.trials or row.not_valid or row.median for row in rows):
        return None
    better = "higher is better" if metric.direction == "higher" else "lower is better"
    title = f"{metric.title} ({better})"
    return Figure(
        id=name,
        title=title,
        svg=_drawn(analysis, charts.dots(rows, looks_of(analysis), metric.unit), name, title),
        reading=metric.meaning,
        headers=("Target", "Median", "Interval", "Standing", "Single trials"),
        rows=tuple(table),
    )


def _values(valid: Iterable[float], others: Iterable[float], unit: Unit) -> str:
    shown = [quantity(v, unit) for v in valid]
    shown += [f"{quantity(v, unit)} (not valid)" for v in others]
    return ", ".join(shown) or "–"


def latency_figure(analysis: Analysis, profile: Profile, name: str) -> Figure:
    """Response times by percentile: the median over the valid trials at each percentile, single trials faint."""
    curves: list[Line] = []
    table = []
    for target in analysis.run.plan.targets:
        trials = [m for m in analysis.cell(target, profile.name) if not isinstance(m.distribution, Missing)]
        each = [_latency_curve(trial) for trial in trials]
        if not each or not all(each):
            continue
        length = min(len(ys) for ys in each)
        middle = tuple(median(ys[i] for ys in each) for i in range(length))
        curves += [Line(target, _CURVE_POINTS[: len(ys)], tuple(ys), faint=True) for ys in each if len(each) > 1]
        curves.append(Line(target, _CURVE_POINTS[:length], middle))
        table.append((target, *(_percentile_cell(trials, percent) for percent in _TABLE_PERCENTILES)))
    reading = (
        "Read it from left to right: at 90 %, nine of ten requests were at least as fast as the line; each further mark "
        "leaves a tenth of the requests. A line that rises late and little belongs to a service without long waits. The "
        "strong line is the median over the valid trials at each percentile, faint lines are single trials; a line ends "
        "where fewer than 100 requests of a trial lie beyond it."
    )
    svg = None
    if curves:
        spec = charts.lines(
            curves,
            looks_of(analysis),
            x_title="share of requests",
            y_title="response time, ms",
            log_y=True,
            percentile_axis=True,
        )
        svg = _drawn(analysis, spec, name, f"Latency by percentile, {profile.title} load")
    return Figure(
        name,
        f"Latency distribution, {profile.title} load",
        svg,
        reading if curves else "No valid trial has a histogram.",
        ("Target", *(f"p{percent:g}" for percent in _TABLE_PERCENTILES)),
        tuple(table),
    )


def _latency_curve(trial: Measured) -> list[float]:
    """Milliseconds at the curve's points, up to the last percentile that enough requests lie beyond."""
    ys: list[float] = []
    for point in _CURVE_POINTS:
        if isinstance(trial.distribution, Missing):
            break
        value = trial.distribution.percentile(100 * (1 - 1 / point))
        if isinstance(value, Missing):
            break
        ys.append(value / 1000)
    return ys


def _percentile_cell(trials: list[Measured], percent: float) -> str:
    values = [m.distribution.percentile(percent) for m in trials if not isinstance(m.distribution, Missing)]
    numbers = [v for v in values if not isinstance(v, Missing)]
    return quantity(median(numbers), "microseconds") if len(numbers) == len(values) and numbers else "too few requests"


def time_section(analysis: Analysis, profile: Profile, name: str, folder: Path) -> Section:
    """CPU use of service, database and generator, and the service's memory, of one representative trial per target."""
    chosen = {t: m for t in analysis.run.plan.targets if (m := analysis.representatives.get((t, profile.name)))}
    read = {t: read_curves(folder, m.trial.id, m.measurement) for t, m in chosen.items()}
    found = {t: curves for t, curves in read.items() if not isinstance(curves, Missing)}
    shown = ", ".join(f"{m.trial.id}{'' if m.valid else ' (not valid)'}" for m in chosen.values())
    note = (
        "How to read this: the dashed line is where the measured window begins; left of it is the warm-up. "
        f"Shown, per target, is the trial of median throughput: {shown}."
    )
    parts = (
        ("service", "cores", "CPU use of the service", "Cores' worth of work. At the number of its cores, it is the limit."),
        ("database", "cores", "CPU use of PostgreSQL", "The same for the target's own database."),
        ("generator", "cores", "CPU use of the load generator", "One near all of its cores measures itself: not ranked."),
        ("service", "memory", "Memory of the service", "Working set: what the kernel charges, less idle file cache."),
    )
    drawn = tuple(
        _time_figure(analysis, f"{name}-{i}", role, kind, f"{title}, {profile.title} load", reading, found)
        for i, (role, kind, title, reading) in enumerate(parts)
    )
    return Section(f"{profile.title} load", drawn, note)


def _time_figure(
    analysis: Analysis, name: str, role: str, kind: str, title: str, reading: str, found: Mapping[str, dict[str, Curve]]
) -> Figure:
    curves, table = [], []
    for target, roles in found.items():
        if role not in roles or not roles[role].seconds:
            continue
        curve = roles[role]
        ys = curve.cores if kind == "cores" else tuple(v / 2**20 for v in curve.working_set_bytes)
        curves.append(Line(target, curve.seconds, ys))
        window = [y for x, y in zip(curve.seconds, ys, strict=True) if x > 0] or list(ys)
        text = [f"{v:.2f} cores" if kind == "cores" else f"{v:,.1f} MiB" for v in (min(window), median(window), max(window))]
        table.append((target, *text))
    svg = None
    if curves:
        y_title = "cores" if kind == "cores" else "MiB"
        spec = charts.lines(
            curves, looks_of(analysis), x_title="seconds of the trial", y_title=y_title, mark_zero=True, height=190
        )
        svg = _drawn(analysis, spec, name, title)
    return Figure(
        name,
        title,
        svg,
        reading if curves else "There are no samples to draw.",
        ("Target", "Least in the window", "Median", "Most"),
        tuple(table),
    )


def parts_figures(analysis: Analysis, profile: Profile, name: str) -> tuple[Figure, ...]:
    """Where the mean request's time goes: all of it, and the part in which anyone worked."""
    parts = [part for part in analysis.parts if part.profile == profile.name]
    return (
        _parts_figure(
            analysis,
            f"{name}-all",
            f"Mean response, {profile.title} load",
            f"PostgreSQL's own execution time (pg_stat_statements, whole trial) + CPU time of the service + the rest. With "
            f"{profile.level.connections} connections that never pause, most of the rest is waiting in line for a core "
            "or a pooled connection: it grows with their number. At the bar's end: the whole.",
            "% of the mean response time",
            [(p, p.response, (p.database, p.service_cpu, p.rest)) for p in parts],
        ),
        _parts_figure(
            analysis,
            f"{name}-work",
            f"The work alone, {profile.title} load",
            "The same without the rest: time in which anyone worked for the request. A language can change the service's "
            "CPU part alone; where PostgreSQL's part is large, a faster language gains little. At the bar's end: the sum.",
            "% of PostgreSQL time + service CPU",
            [(p, p.database + p.service_cpu, (p.database, p.service_cpu)) for p in parts],
        ),
    )


def _parts_figure(
    analysis: Analysis,
    name: str,
    title: str,
    reading: str,
    x_title: str,
    rows: list[tuple[Parts, float, tuple[float, ...]]],
) -> Figure:
    bars = [Bar(p.target, quantity(whole, "microseconds"), parts) for p, whole, parts in rows]
    table = tuple(
        (
            p.target,
            quantity(whole, "microseconds"),
            *(f"{quantity(v, 'microseconds')} ({v / whole:.0%})" if v else "none" for v in parts),
        )
        for p, whole, parts in rows
    )
    headers = ("Target", "Whole", *charts.PARTS[: len(rows[0][2])]) if rows else ()
    svg = _drawn(analysis, charts.bars(bars, looks_of(analysis), x_title), name, title) if rows else None
    return Figure(name, title, svg, reading if rows else "No valid trial.", headers, table)


def throughput_of(trial: Measured) -> str:
    """A trial's throughput, as text; of a trial limited by the generator it is a lower bound."""
    text = quantity(requests(trial.measurement) / trial.measurement.window_seconds, "requests/s")
    return f"≥ {text}" if trial.result.verdict == "generator_limited" else text
