"""Answer to profile `service`: does the language matter under an everyday load?"""

from __future__ import annotations

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.analysis.tails import TAIL, tail_route
from reports.metrics.level_stats import database_share, throughput
from reports.metrics.scopes import Load, route_id
from reports.sections.elements import ProfileAnswer, Row, Sentence, Table, cpu_percent, dots_figure, load_of, middle, named
from reports.units import quantity

PROFILE = "service"

_READING = (
    "The share of its cores that the service uses. Every target answers the same requests at the same rate. What is left is "
    "room to grow. It does not make answers faster."
)


def service_answer(analysis: Analysis) -> ProfileAnswer | None:
    """The answer; None where the profile was not measured at a rate."""
    load = load_of(analysis, PROFILE, open_loop=True)
    if load is None:
        return None
    targets = analysis.run.plan.targets
    holds = {target: trials for target in targets if (trials := analysis.cell(target, load))}
    used = {target: [cpu_percent(analysis, m) for m in trials] for target, trials in holds.items()}
    return ProfileAnswer(
        id="service",
        title=load.title,
        question=load.question,
        said=(*_compared(analysis, load, holds), *_short(analysis, load)),
        figure=dots_figure(analysis, "service-cpu", f"CPU used: {load.title}", _READING, used),
        table=Table(
            f"{load.title}, medians over valid trials",
            (
                "Target",
                "p50",
                _tail_name(analysis, load),
                "CPU used",
                "CPU per request",
                "The database's share of the response",
                "Saturated throughput",
            ),
            tuple(_row(analysis, target, load) for target in targets),
        ),
    )


def _database_share(m: LevelObservation) -> float:
    share = database_share(m.level)
    return 0.0 if isinstance(share, Missing) else share


def _row(analysis: Analysis, target: str, load: Load) -> Row:
    trials = analysis.cell(target, load)
    cells = [
        _value(analysis, "p50", load.id, target),
        _tail(analysis, load, target),
        _value(analysis, "cpu", load.id, target),
    ]
    if not trials:
        return (target, "–", "–", "–", "–", "–", _saturated(analysis, target))
    return (
        target,
        *cells[:2],
        f"{middle(trials, lambda m: cpu_percent(analysis, m)):.1f} %",
        cells[2],
        f"{middle(trials, _database_share):.0%}",
        _saturated(analysis, target),
    )


def _tail_name(analysis: Analysis, load: Load) -> str:
    route = tail_route(analysis, load)
    return f"{TAIL} of {route}" if route else TAIL


def _tail(analysis: Analysis, load: Load, target: str) -> str:
    return _value(analysis, TAIL, route_id(load.id, tail_route(analysis, load)), target)


def _value(analysis: Analysis, metric: str, scope: str, target: str) -> str:
    found = analysis.estimate(metric, scope, target)
    return "–" if found is None or isinstance(found, Missing) else quantity(found.median, "microseconds")


def _saturated(analysis: Analysis, target: str) -> str:
    load = load_of(analysis, PROFILE, open_loop=False)
    trials = analysis.cell(target, load) if load else ()
    return quantity(middle(trials, lambda m: throughput(m.level)), "requests/s") if trials else "–"


def _compared(analysis: Analysis, load: Load, holds: dict[str, tuple[LevelObservation, ...]]) -> tuple[Sentence, ...]:
    """Targets with the least and the most CPU use, their p99, and the database's share of the response."""
    by_cpu = sorted(holds, key=lambda target: middle(holds[target], lambda m: cpu_percent(analysis, m)))
    if len(by_cpu) < 2:
        return ()
    (low, high) = (
        (t, f"{middle(holds[t], lambda m: cpu_percent(analysis, m)):.1f} %", _tail(analysis, load, t))
        for t in (by_cpu[0], by_cpu[-1])
    )
    share = sorted(middle(trials, _database_share) for trials in holds.values())
    return (
        named(
            f"{load.phrase[0].upper()}{load.phrase[1:]} ", (low[0],), f" uses {low[1]} of its cores and ", (high[0],),
            f" uses {high[1]}. Their {_tail_name(analysis, load)} are {low[2]} and {high[2]}. The database takes "
            f"{share[0]:.0%} to {share[-1]:.0%} of the mean response time.",
        ),
    )  # fmt: skip


def _short(analysis: Analysis, load: Load) -> tuple[Sentence, ...]:
    """Targets without a valid trial at the rate: the reasons, and their saturated throughput."""
    found = []
    for target in analysis.run.plan.targets:
        trials = analysis.at(target, load)
        if not trials or analysis.cell(target, load):
            continue
        reasons = dict.fromkeys(problem for m in trials for problem in m.level.problems)
        does, why = _saturated(analysis, target), "; ".join(reasons)
        can = "" if does == "–" else f" Saturated, it answers {does} on this machine."
        found.append(named((target,), f" has no valid trial {load.phrase}: {why}.{can}"))
    return tuple(found)
