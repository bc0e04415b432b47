"""Report sections for scale-up and scale-out trials: throughput by number of cores or replicas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from msgspec import Struct

from harness.record.measurement import LevelMeasurement, Missing
from harness.record.plan import Profile
from harness.record.trial_result import ScaleMeasurement, ScalePoint
from reports.analysis.analysis import Analysis
from reports.charts import line_chart
from reports.charts.line_chart import Line
from reports.metrics.level_stats import cpu_per_request_microseconds, throughput
from reports.metrics.scaling import level_of, shares
from reports.sections.elements import Figure, Row, Section, Table, styles_of
from reports.sections.metric_figures import scope_figures
from reports.sections.time_breakdown import LIMITS
from reports.stats.scalability_law import MIN_POINTS, Law, fit
from reports.units import factor, listed, number, quantity

NONE = "–"


class At(Struct, frozen=True):
    """A target's valid levels at one count of cores or replicas, one per trial, and the placement there."""

    count: int
    levels: tuple[LevelMeasurement, ...]
    point: ScalePoint


def _trials(analysis: Analysis, profile: Profile, target: str) -> list[ScaleMeasurement]:
    mine = [s for s in analysis.singles if (s.trial.target, s.trial.profile) == (target, profile.name)]
    return [s.whole for s in mine if isinstance(s.whole, ScaleMeasurement)]


def points_of(trials: Sequence[ScaleMeasurement]) -> tuple[At, ...]:
    """The valid levels at each count, the smallest count first. Counts without a valid level are left out."""
    found: dict[int, list[tuple[ScalePoint, LevelMeasurement]]] = {}
    for trial in trials:
        for point in trial.points:
            if not isinstance(level := level_of(point), Missing):
                found.setdefault(point.count, []).append((point, level))
    return tuple(At(n, tuple(level for _, level in found[n]), found[n][0][0]) for n in sorted(found))


def _middle(at: At, value: Callable[[LevelMeasurement], float]) -> float:
    return float(median(value(level) for level in at.levels))


def _middle_cpu(at: At, role: str) -> float | None:
    """CPU time per request of a role, microseconds; None if no trial has it."""
    found = [v for level in at.levels if not isinstance(v := cpu_per_request_microseconds(role, level), Missing)]
    return float(median(found)) if found else None


def _cpu_cells(at: At, one: At | None) -> tuple[str, str]:
    """The service's CPU time per request, and how many times that of one core or replica it is."""
    cpu, first = _middle_cpu(at, "service"), _middle_cpu(one, "service") if one else None
    if cpu is None:
        return NONE, NONE
    return quantity(cpu, "microseconds"), factor(cpu / first) if first else NONE


def _figure(analysis: Analysis, name: str, title: str, reading: str, what: str, found: dict[str, tuple[At, ...]]) -> Figure:
    """A chart of throughput by count: medians as strong lines, single trials faint."""
    curves: list[Line] = []
    for target, points in found.items():
        if len(points) < 2:
            continue
        xs = tuple(float(at.count) for at in points)
        most = min(len(at.levels) for at in points)
        if most > 1:
            for number_ in range(most):
                ys = tuple(throughput(at.levels[number_]) for at in points)
                curves.append(Line(target, xs, ys, faint=True))
        curves.append(Line(target, xs, tuple(_middle(at, throughput) for at in points)))
    counts = tuple(dict.fromkeys(at.count for points in found.values() for at in points))
    headers = ("Target", *(f"{n} {what if n > 1 else what.removesuffix('s')}" for n in counts))
    rows = tuple(_throughputs(target, points, counts) for target, points in found.items())
    if not curves:
        return Figure(name, title, "No target has two valid points.", headers, rows)
    chart = partial(
        line_chart.lines, curves, styles_of(analysis), x_title=what, y_title="requests/s", counts=counts, height=210
    )
    return Figure(name, title, reading, headers, rows, chart)


def _throughputs(target: str, points: tuple[At, ...], counts: tuple[int, ...]) -> Row:
    here = {at.count: quantity(_middle(at, throughput), "requests/s") for at in points}
    return (target, *(here.get(n, NONE) for n in counts))


def _axes(analysis: Analysis, profile: Profile, name: str) -> tuple[Figure, ...]:
    scope = next(scope for scope in analysis.scopes if scope.id == profile.name)
    return scope_figures(analysis, scope, name)


def _limits(at: At) -> str:
    ((limit, times), *_) = Counter(level.bottleneck for level in at.levels).most_common()
    return LIMITS[limit] + (f" ({times} of {len(at.levels)})" if times < len(at.levels) else "")


def _cores(at: At, role: str) -> float:
    """Cores that a role used: mean over the window, median over trials."""
    used = [level.usage[role].cpu_seconds / level.window_seconds for level in at.levels if role in level.usage]
    return float(median(used)) if used else 0.0


def scale_up_section(analysis: Analysis, profile: Profile, name: str) -> Section:
    """The section on one service with a growing number of cores."""
    found = {target: points_of(_trials(analysis, profile, target)) for target in analysis.run.plan.targets}
    found = {target: points for target, points in found.items() if points}
    figure = _figure(
        analysis,
        f"{name}-curve",
        "Throughput on more cores",
        "Requests answered per second at full load, by number of cores. At best, twice the cores give twice the throughput. "
        "Strong lines are medians, faint lines single trials.",
        "cores",
        found,
    )
    headers = (
        "Target", "Cores", "Throughput", "Speed-up (efficiency)", "Cores used", "Requests per core-second",
        "CPU per request", "Compared with one core", "Database and generator", "Limit",
    )  # fmt: skip
    return Section(
        profile.title,
        (figure, *_axes(analysis, profile, name)),
        " ".join((*_shared_cores(found), _laws(found))),
        tables=(Table("By number of cores, medians over valid trials", headers,
                      tuple(_up_row(target, points, at) for target, points in found.items() for at in points)),),
    )  # fmt: skip


def _shared_cores(found: dict[str, tuple[At, ...]]) -> tuple[str, ...]:
    """A sentence for counts at which the service shares a core."""
    mixed = {at.count: at for points in found.values() for at in points if shares(at.point, "service")}
    if not mixed:
        return ()
    return (
        f"This machine has {max(mixed)} cores. With {max(mixed)} cores, the service therefore shares one with "
        "database and load generator, and its speed-up is less than the runtime's own. The table has the cores that it "
        "used. CPU per request is not affected.",
    )


def _laws(found: dict[str, tuple[At, ...]]) -> str:
    """The fitted scalability law of each target, or why there is none."""
    laws: dict[str, Law] = {}
    for target, points in found.items():
        own = [(at.count, _middle(at, throughput)) for at in points if not shares(at.point, "service")]
        if law := fit(own):
            laws[target] = law
    if laws:
        return "Universal Scalability Law (Gunther): " + "; ".join(f"{t} {_law(law)}" for t, law in laws.items()) + "."
    most = max((sum(not shares(at.point, "service") for at in points) for points in found.values()), default=0)
    return (
        f"The Universal Scalability Law (Gunther) has three parameters. It is fitted to {MIN_POINTS} points or more on "
        f"cores that are not shared. Here there {'is' if most == 1 else 'are'} {most}."
    )


def _law(law: Law) -> str:
    peak = "no peak" if law.peak is None else f"peak at {law.peak:.0f} cores"
    return f"λ {quantity(law.lambda_, 'requests/s')}, σ {number(law.sigma)}, κ {number(law.kappa)}, {peak}"


def _up_row(target: str, points: tuple[At, ...], at: At) -> Row:
    one = points[0] if points[0].count == 1 else None
    got = _cores(at, "service")
    others = _cores(at, "database") + _cores(at, "generator")
    rate = _middle(at, throughput)
    speed = rate / _middle(one, throughput) if one else None
    return (
        target,
        f"{at.count}{', shared' if shares(at.point, 'service') else ''}",
        quantity(rate, "requests/s"),
        f"{factor(speed)} ({speed / at.count:.0%})" if speed else NONE,
        f"{got:.2f}",
        quantity(rate / got, "requests/s") if got else NONE,
        *_cpu_cells(at, one),
        f"{others:.2f} cores",
        _limits(at),
    )


def scale_out_section(analysis: Analysis, profile: Profile, name: str) -> Section:
    """The section on a growing number of replicas behind a load balancer."""
    trials = {target: _trials(analysis, profile, target) for target in analysis.run.plan.targets}
    found = {target: points for target, each in trials.items() if (points := points_of(each))}
    figure = _figure(
        analysis,
        f"{name}-curve",
        "Throughput with more replicas",
        "Requests answered per second at full load, by number of replicas behind HAProxy, over one database. Strong lines "
        "are medians, faint lines single trials.",
        "replicas",
        found,
    )
    headers = (
        "Target", "Replicas", "Throughput", "Speed-up (efficiency)", "Memory of all", "Memory of each", "CPU per request",
        "Compared with one replica", "Proxy's CPU per request", "Limit",
    )  # fmt: skip
    pool = next((each.db_pool_size for several in trials.values() for each in several), 0)
    return Section(
        profile.title,
        (figure, *_axes(analysis, profile, name)),
        " ".join((*_shared_replicas(found), *_database(found), f"All replicas together have {pool} database connections.")),
        tables=(Table("By number of replicas, medians over valid trials", headers,
                      tuple(_out_row(target, points, at) for target, points in found.items() for at in points)),),
    )  # fmt: skip


def _shared_replicas(found: dict[str, tuple[At, ...]]) -> tuple[str, ...]:
    mixed = [at.count for points in found.values() for at in points if shares(at.point, "replicas")]
    if not mixed:
        return ()
    return (
        f"From {min(mixed)} replicas on, they share cores on this machine, so splitting a service can't make it faster "
        "here. The figures show what the split costs in memory, CPU time and throughput.",
    )


def _database(found: dict[str, tuple[At, ...]]) -> tuple[str, ...]:
    """A sentence on the number of replicas from which the database is the limit, by target."""
    first = {
        target: next((at.count for at in points if _limits(at).startswith(LIMITS["database"])), None)
        for target, points in found.items()
    }
    at_once = [target for target, n in first.items() if n == 1]
    later = [f"{target} from {n} on" for target, n in first.items() if n and n > 1]
    never = [target for target, n in first.items() if n is None]
    said = []
    if at_once:
        said.append(f"with one replica already for {listed(at_once)}")
    if later:
        said.append(f"for {listed(later)}")
    if never:
        said.append(f"never for {listed(never)}")
    return (f"The database is the limit {', '.join(said)}.",) if said else ()


def _out_row(target: str, points: tuple[At, ...], at: At) -> Row:
    one = points[0] if points[0].count == 1 else None
    used = [level.usage["service"].working_set_bytes for level in at.levels]
    known = [value for value in used if not isinstance(value, Missing)]
    memory = float(median(known)) if known else None
    rate, proxy = _middle(at, throughput), _middle_cpu(at, "proxy")
    times = rate / _middle(one, throughput) if one else None
    return (
        target,
        f"{at.count}{', sharing' if shares(at.point, 'replicas') else ''}",
        quantity(rate, "requests/s"),
        f"{factor(times)} ({times / at.count:.0%})" if times else NONE,
        *((NONE, NONE) if memory is None else (quantity(memory, "bytes"), quantity(memory / at.count, "bytes"))),
        *_cpu_cells(at, one),
        NONE if proxy is None else quantity(proxy, "microseconds"),
        _limits(at),
    )
