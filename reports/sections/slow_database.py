"""Answer to profile `downstream`: what a faster language gains with a slow database and a small pool.

Each request keeps a connection for the time that PostgreSQL takes, so a pool of n connections allows n / time requests per
second in any language. Below that rate, a response takes that time, the service's CPU time and a little waiting. Code that
is ten times as fast saves nine tenths of the CPU time, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from statistics import median

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.metrics.level_stats import (
    cpu_per_request_microseconds,
    executor_microseconds,
    mean_response_microseconds,
    throughput,
)
from reports.metrics.scopes import Load
from reports.sections.elements import ProfileAnswer, Row, Sentence, Table, cpu_percent, dots_figure, load_of, middle, named
from reports.sections.time_breakdown import LIMITS
from reports.units import number, quantity

PROFILE = "downstream"
#: Speed of an imagined faster language, as a multiple.
FASTER = 10

_READING = (
    "Requests answered per second at full load, in percent of what the pool allows: its connections ÷ PostgreSQL's own time "
    "per request. What is missing to 100 % is time in which a connection waited for the service."
)


def downstream_answer(analysis: Analysis) -> ProfileAnswer | None:
    """The answer; None where the profile was not measured saturated."""
    load = load_of(analysis, PROFILE, open_loop=False)
    if load is None:
        return None
    below = load_of(analysis, PROFILE, open_loop=True)
    full = {target: trials for target in analysis.run.plan.targets if (trials := _known(analysis, target, load))}
    reached = {target: [throughput(m.level) / ceiling(analysis, m) * 100 for m in trials] for target, trials in full.items()}
    rate = f" {below.phrase}" if below else ""
    return ProfileAnswer(
        id="downstream",
        title=load.profile_title,
        question=load.question,
        said=tuple(sentence for target in full for sentence in _said(analysis, target, load, below)),
        figure=dots_figure(analysis, "downstream-ceiling", f"Share of the pool's ceiling: {load.title}", _READING, reached),
        table=Table(
            "What the pool allows and what the service does, medians over valid trials",
            (
                "Target", "The pool allows", "Reached", "CPU used", "Limited by", f"Mean response{rate}",
                f"Service CPU in it{rate}", f"Saved by code {FASTER} times as fast",
            ),
            tuple(_row(analysis, target, load, below) for target in full),
        ),
    )  # fmt: skip


def _known(analysis: Analysis, target: str, load: Load) -> tuple[LevelObservation, ...]:
    """The valid trials in which PostgreSQL counted its time. Without it nobody knows what the pool allows."""
    return tuple(m for m in analysis.cell(target, load) if _executor(m) > 0)


def _executor(m: LevelObservation) -> float:
    found = executor_microseconds(m.level)
    return 0.0 if isinstance(found, Missing) else found


def ceiling(analysis: Analysis, m: LevelObservation) -> float:
    """Requests/s that the pool allows: each request keeps a connection for PostgreSQL's time."""
    return analysis.run.configuration.limits.db_pool_size / (_executor(m) / 1e6)


def saved(m: LevelObservation) -> float | Missing:
    """The share of the mean response that code FASTER times as fast would save."""
    whole, cpu = mean_response_microseconds(m.level), cpu_per_request_microseconds("service", m.level)
    if isinstance(whole, Missing) or isinstance(cpu, Missing):
        return Missing("no request was answered")
    return cpu * (1 - 1 / FASTER) / whole


def _saved(trials: tuple[LevelObservation, ...]) -> str | None:
    values = [v for m in trials if not isinstance(v := saved(m), Missing)]
    return f"{number(median(values) * 100)} %" if values else None


def _said(analysis: Analysis, target: str, load: Load, below: Load | None) -> tuple[Sentence, ...]:
    trials = _known(analysis, target, load)
    allows = middle(trials, lambda m: ceiling(analysis, m))
    share = middle(trials, lambda m: throughput(m.level) / ceiling(analysis, m))
    used = middle(trials, lambda m: cpu_percent(analysis, m))
    gain = _saved(analysis.cell(target, below)) if below else None
    bought = (
        f" A language {FASTER} times as fast would answer {gain} sooner {below.phrase}, but could not exceed the "
        "pool's ceiling."
        if gain and below
        else ""
    )
    return (
        named(
            f"The pool allows {quantity(allows, 'requests/s')}. ", (target,),
            f" reaches {share:.0%} of it, and uses {used:.0f} % of its cores.{bought}",
        ),
    )  # fmt: skip


def _row(analysis: Analysis, target: str, load: Load, below: Load | None) -> Row:
    trials = _known(analysis, target, load)
    lower = analysis.cell(target, below) if below else ()
    limits = Counter(m.level.bottleneck for m in trials).most_common(1)
    return (
        target,
        quantity(middle(trials, lambda m: ceiling(analysis, m)), "requests/s"),
        quantity(middle(trials, lambda m: throughput(m.level)), "requests/s"),
        f"{middle(trials, lambda m: cpu_percent(analysis, m)):.1f} %",
        LIMITS[limits[0][0]],
        _microseconds([mean_response_microseconds(m.level) for m in lower]),
        _microseconds([cpu_per_request_microseconds("service", m.level) for m in lower]),
        _saved(lower) or "–",
    )


def _microseconds(values: list[float | Missing]) -> str:
    known = [v for v in values if not isinstance(v, Missing)]
    return quantity(median(known), "microseconds") if known else "–"
