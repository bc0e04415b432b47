"""Report section for the time breakdown: parts of a response by load and route, and what limits each target."""

from __future__ import annotations

from collections import Counter
from functools import partial
from statistics import median

from harness.record.measurement import Capacity, Missing
from harness.record.plan import Profile
from reports.analysis.analysis import Analysis, TimeBreakdown
from reports.analysis.observations import LevelObservation
from reports.charts import dot_chart
from reports.charts.dot_chart import Bar
from reports.metrics.level_stats import cpu_per_request_microseconds
from reports.metrics.scopes import Load
from reports.sections.elements import Figure, Row, Section, Table, styles_of
from reports.units import quantity, span

LIMITS = {
    "service-cpu": "service CPU",
    "database": "PostgreSQL CPU",
    "pool": "connection pool",
    "proxy": "load balancer",
    "generator": "load generator",
    "none": "nothing",
    "unknown": "not known",
}


def parts_sections(analysis: Analysis) -> tuple[Section, ...]:
    """One section per profile: figures of the ranked loads; those of shares and single routes are folded."""
    sections = []
    for i, profile in enumerate(analysis.run.plan.profiles):
        if profile.kind != "load":
            continue
        # A held request spends all of its time in the wait that it asked for.
        loads = [load for load in analysis.loads if load.profile == profile.name and not load.held]
        if not loads:
            continue
        ranked = [f for j, load in enumerate(loads) if load.ranked for f in _both(analysis, load, f"parts-{i}-{j}")]
        details = [_all(analysis, load, f"parts-{i}-{j}") for j, load in enumerate(loads) if not load.ranked]
        sections.append(Section(profile.title, tuple(ranked), more=tuple(details)))
    return tuple(sections)


def _both(analysis: Analysis, load: Load, name: str) -> tuple[Figure, Figure]:
    """Two figures of the mean response: all of it, and the work of database and service alone."""
    parts = [part for part in analysis.parts if part.load == load.id]
    return (
        _all(analysis, load, name),
        _figure(
            analysis,
            load,
            f"{name}-work",
            f"The work alone: {load.title}",
            "Executor, rest of the database's CPU and service CPU alone, without the waiting. A language can only change "
            "the service's CPU part. Where the database's parts are large, a faster language gains little. The number at "
            "the bar's end is the sum.",
            "% of the work",
            [(p, p.work, (p.executor, p.database_cpu_beyond, p.service_cpu)) for p in parts],
        ),
    )


def _all(analysis: Analysis, load: Load, name: str) -> Figure:
    if load.open:
        rest = (
            "Waiting, pool, network: what is left. It includes scheduling and the wait for a core or a pooled "
            "connection. It is small as long as the target has time to spare."
        )
    else:
        rest = (
            f"Waiting, pool, network: what is left. With {load.connections} connections that never pause, most of it is "
            "queueing for a core or a pooled connection. It grows with the number of connections."
        )
    return _figure(
        analysis,
        load,
        f"{name}-all",
        f"Mean response: {load.title}",
        "Executor: how long PostgreSQL executes the statements, by its own count (pg_stat_statements, over the level). A "
        "wait inside a statement counts. Rest of the database's CPU: parsing, planning, binding, commit, protocol, "
        "background processes. It is 0 where statements mostly wait. Service CPU: CPU time of the service. "
        f"{rest} The number at the bar's end is the whole response time.",
        "% of the mean response time",
        [
            (p, p.response, (p.executor, p.database_cpu_beyond, p.service_cpu, p.rest))
            for p in analysis.parts
            if p.load == load.id
        ],
    )


def _figure(
    analysis: Analysis,
    load: Load,
    name: str,
    title: str,
    reading: str,
    x_title: str,
    rows: list[tuple[TimeBreakdown, float, tuple[float, ...]]],
) -> Figure:
    bars = [Bar(p.target, quantity(whole, "microseconds"), parts) for p, whole, parts in rows]
    table = tuple(
        (
            p.target,
            quantity(whole, "microseconds"),
            *(f"{quantity(v, 'microseconds')} ({v / whole:.0%})" if v else "none" for v in parts),
            _limit(analysis.cell(p.target, load))[0],
        )
        for p, whole, parts in rows
    )
    headers = ("Target", "Whole", *dot_chart.PARTS[: len(rows[0][2])], "Limited by") if rows else ()
    chart = partial(dot_chart.bars, bars, styles_of(analysis), x_title) if rows else None
    return Figure(name, title, reading if rows else "No valid trial.", headers, table, chart)


def route_tables(analysis: Analysis) -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """Tables by route: those of the ranked loads, and those of shares of the own throughput.

    A route that was also measured alone gets a column of CPU time.
    """
    ranked = [_routes(analysis, load) for load in analysis.loads if load.ranked and not load.held]
    shares = [_routes(analysis, load) for load in analysis.loads if load.kind == "relative"]
    return tuple(t for t in ranked if t.rows), tuple(t for t in shares if t.rows)


def _routes(analysis: Analysis, load: Load) -> Table:
    """The table of a load: medians over the valid trials, by route and target."""
    profile = next(p for p in analysis.run.plan.profiles if p.name == load.profile)
    alone = {other.level: other for other in analysis.loads if other.profile == load.profile and other.alone}
    rows: list[Row] = []
    for route in profile.routes:
        for target in analysis.run.plan.targets:
            trials = analysis.cell(target, load)
            seen = [m.level.routes[route] for m in trials if route in m.level.routes]
            if not any(numbers.requests for numbers in seen):
                continue
            times = [m.level.times[route].database for m in trials if route in m.level.times]
            cpu = (_cpu_alone(analysis, target, alone.get(route)),) if alone else ()
            rows.append(
                (
                    route,
                    target,
                    f"{median(n.requests for n in seen):,.0f}",
                    quantity(median(n.mean_microseconds for n in seen), "microseconds"),
                    _time(times),
                    *cpu,
                )
            )
    headers = ("Route", "Target", "Requests in a trial", "Mean response", "Executor time")
    return Table(load.title, (*headers, "Service CPU, route alone") if alone else headers, tuple(rows))


def _time(microseconds: list[float]) -> str:
    if not microseconds:
        return "–"
    return quantity(median(microseconds), "microseconds") if any(microseconds) else "none"


def _cpu_alone(analysis: Analysis, target: str, load: Load | None) -> str:
    """CPU time per request of a route, from the level that sends it alone: the counter covers the container."""
    if load is None:
        return "–"
    found = [cpu_per_request_microseconds("service", m.level) for m in analysis.cell(target, load)]
    values = [value for value in found if not isinstance(value, Missing)]
    return quantity(median(values), "microseconds") if values else "no valid trial"


def limit_tables(analysis: Analysis) -> tuple[Table, Table]:
    """Two tables of what limits each target at each load: the grid, and the figures behind it."""
    targets = analysis.run.plan.targets
    grid: list[Row] = []
    reasons: list[Row] = []
    for profile in analysis.run.plan.profiles:
        lines = {
            load.title: {target: _limit(analysis.cell(target, load) or analysis.at(target, load)) for target in targets}
            for load in analysis.loads
            if load.profile == profile.name
        }
        if any(level.kind == "capacity" for level in profile.levels):
            lines[f"{profile.title}, capacity search"] = {t: _capacity_limit(analysis, profile, t) for t in targets}
        for title, found in lines.items():
            grid.append((title, *(limit for limit, _ in found.values())))
            reasons += [(title, target, limit, reason) for target, (limit, reason) in found.items() if reason]
    return (
        Table("What limits each target", ("Load", *targets), tuple(grid)),
        Table("The figures behind it", ("Load", "Target", "Limited by", "Figures"), tuple(reasons)),
    )


def _limit(trials: tuple[LevelObservation, ...]) -> tuple[str, str]:
    """The limit of most of the trials, and the figures of the first of those."""
    return _most([(m.level.bottleneck, m.level.bottleneck_reason) for m in trials])


def _most(found: list[tuple[str, str]]) -> tuple[str, str]:
    """The most frequent limit, with its share where trials differ, and its first reason."""
    if not found:
        return "–", ""
    limit, count = Counter(limit for limit, _ in found).most_common(1)[0]
    share = "" if count == len(found) else f" ({count} of {len(found)} trials)"
    return f"{LIMITS[limit]}{share}", next(reason for other, reason in found if other == limit)


def _capacity_limit(analysis: Analysis, profile: Profile, target: str) -> tuple[str, str]:
    """What was used most at the lowest rate that failed, with the interval of each search."""
    # One entry per trial: all levels of a trial carry the same search.
    trials = {m.trial.id: m for m in analysis.measured if (m.trial.target, m.trial.profile) == (target, profile.name)}
    found = [m.whole.capacity for m in trials.values()]
    searched = [c for c in found if isinstance(c, Capacity)]
    missing = "; ".join(dict.fromkeys(c.reason for c in found if isinstance(c, Missing)))
    if not searched:
        return "–", missing
    limit, reason = _most([(c.limit, c.reason) for c in searched])
    ranges = ", ".join(
        f"at least {quantity(c.low, 'requests/s')}" if c.high is None else span(c.low, c.high, "requests/s")
        for c in searched
    )
    return limit, "; ".join(filter(None, (ranges, reason, missing)))
