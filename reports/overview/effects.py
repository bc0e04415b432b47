"""Does the language matter for my service? One answer per load: what a client sees, and what that takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from harness.record.cpus import parse_cpu_list
from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.tails import TAIL, tail_route
from reports.metrics.catalogue import BY_ID
from reports.metrics.scopes import Load, Scope, route_id
from reports.overview.columns import Column
from reports.overview.rows import Row
from reports.overview.scorecard import Scorecard, ScoreRow, score
from reports.units import amounts, listed, times, times_words

#: Below this factor between best and worst, a difference is seldom a reason to choose a language.
MATTERS_FROM = 1.25
#: How many held requests stand for all (their section has the others).
HELD = 4000

Answer = Literal["speed and CPU", "speed", "CPU, not speed", "memory, not speed", "open", "neither, as far as can be told"]
#: What a client sees and what it takes, by kind of load; the first metric that is ranked there stands for what is seen.
_SEEN = {"closed": ("throughput",), "open": ("p99", "p50"), "held": ("wait",)}
_TAKEN = {"closed": "cpu", "open": "cpu", "held": "waiter-memory"}
_SHORT = {
    "throughput": "requests/s", "p99": "99th percentile", "p50": "median latency", "wait": "wait", "cpu": "CPU per request",
    "waiter-memory": "memory per request",
}  # fmt: skip
_FULL = {
    "service-cpu": "The service’s {core} full",
    "database": "PostgreSQL’s CPU is full",
    "pool": "The connection pool is full",
    "proxy": "The load balancer is full",
    "generator": "The load generator is full",
    "none": "Nothing is used up",
    "unknown": "What is full is not known",
}


class Line(Struct, frozen=True):
    """One metric from the best language to the worst. `marks`: column and times behind the best; `words`: at its end."""

    title: str
    marks: tuple[tuple[Column, float], ...]
    most: float
    matters: bool
    words: str


class Effect(Struct, frozen=True):
    """The answer at one load. `limit`: what is used up; `sentence`: what that means."""

    title: str
    answer: Answer
    lines: tuple[Line, ...]
    limit: str
    sentence: str


def make_effects(analysis: Analysis, card: Scorecard) -> tuple[Effect, ...]:
    """One answer for each ranked load at which two targets or more have a value."""
    held = [scope.load.connections for scope in analysis.scopes if scope.load and scope.load.held]
    shown = HELD if HELD in held else max(held, default=0)
    found = []
    for scope in analysis.scopes:
        if scope.load is None or scope.route or (scope.load.held and scope.load.connections != shown):
            continue
        effect = _effect(analysis, card, scope)
        if effect:
            found.append(effect)
    return tuple(found)


def _row(analysis: Analysis, card: Scorecard, load: Load, metric: str) -> ScoreRow | None:
    route = tail_route(analysis, load) if metric == TAIL else ""
    place = Row("", _SHORT[metric], route, route_id(load.id, route), metric, "", "", "")
    row = score(analysis, place, card.target_class, card.columns)
    return row if row and sum(cell.at is not None for cell in row.cells) > 1 else None


def _effect(analysis: Analysis, card: Scorecard, scope: Scope) -> Effect | None:
    if scope.load is None:
        return None
    kind = scope.load.kind
    seen = next((row for metric in _SEEN[kind] if (row := _row(analysis, card, scope.load, metric))), None)
    taken = _row(analysis, card, scope.load, _TAKEN[kind])
    if seen is None or taken is None:
        return None
    first, second = _line(card, seen), _line(card, taken)
    answer: Answer
    if not seen.groups:
        answer = "open"
    elif first.matters:
        answer = "speed and CPU" if second.matters and not scope.load.held else "speed"
    elif second.matters:
        answer = "memory, not speed" if scope.load.held else "CPU, not speed"
    else:
        answer = "neither, as far as can be told"
    return Effect(
        title=scope.title,
        answer=answer,
        lines=(first, second),
        limit=_limit(analysis, scope, card.columns),
        sentence=_sentence(analysis, card, (seen, taken), answer),
    )


def _line(card: Scorecard, row: ScoreRow) -> Line:
    marks = tuple((column, cell.at) for column, cell in zip(card.columns, row.cells, strict=True) if cell.at is not None)
    ranked = [cell.factor or 1.0 for cell in row.ranked]
    most = max(ranked, default=max(at for _, at in marks))
    apart = row.told_apart
    if not row.groups:
        words = "too few trials"
    elif apart:
        words = times(most) if most >= MATTERS_FROM else f"under ×{MATTERS_FROM:g}"
    else:
        words = "no difference" if most < MATTERS_FROM else "not told apart"
    return Line(row.row.title, marks, most, apart and most >= MATTERS_FROM, words)


def _limit(analysis: Analysis, scope: Scope, columns: Sequence[Column]) -> str:
    """What is used up at a load, for most of the targets."""
    found = []
    for column in columns:
        limits = [m.level.bottleneck for m in analysis.cell(column.target, scope.load)] if scope.load else []
        if limits:
            found.append(Counter(limits).most_common(1)[0][0])
    if not found:
        return ""
    limit, count = Counter(found).most_common(1)[0]
    core = "core is" if len(parse_cpu_list(analysis.run.plan.placement.service)) == 1 else "cores are"
    share = "" if count == len(found) else f" for {count} of {len(found)} languages"
    return f"{_FULL[limit].format(core=core)}{share}."


def _sentence(analysis: Analysis, card: Scorecard, rows: tuple[ScoreRow, ScoreRow], answer: Answer) -> str:
    seen, taken = rows
    route = f" {seen.row.subtitle}" if seen.row.subtitle else ""
    few = [card.name(cell.target) for cell in seen.cells if cell.state in ("few", "none")]
    if answer == "open":
        return "Too few trials are valid to rank what a client sees."
    if answer in ("speed and CPU", "speed"):
        text = _speed(card, seen)
    elif answer in ("CPU, not speed", "memory, not speed"):
        what = "memory" if answer == "memory, not speed" else "CPU"
        text = (
            f"All answer{route} alike ({_spread(analysis, seen)}); {card.name(taken.worst.target)} takes "
            f"{times_words(taken.worst.factor or 1.0)} times the {what} of {card.name(taken.best.target)}."
        )
    else:
        text = "The differences seen lie within this machine’s noise."
    return f"{text} Left out for want of valid trials: {listed(few)}." if few else text


def _speed(card: Scorecard, row: ScoreRow) -> str:
    best, worst = row.best, row.worst
    first, last = card.name(best.target), card.name(worst.target)
    match row.row.metric:
        case "throughput":
            factor = times_words(worst.factor or 1.0)
            return f"{first} answers {factor} times as many requests as {last}, on the same cores."
        case "p50":
            return f"A typical answer takes {best.prose} in {first} and {worst.prose} in {last}."
        case "p99":
            to = f" to {row.row.subtitle}" if row.row.subtitle else ""
            return f"99 of 100 answers{to} come within {best.prose} in {first} and {worst.prose} in {last}."
        case _:
            return f"Answers come {times_words(worst.factor or 1.0)} times as late in {last} as in {first}."


def _spread(analysis: Analysis, row: ScoreRow) -> str:
    found = [analysis.estimate(row.row.metric, row.row.place, cell.target) for cell in row.ranked]
    medians = [each.median for each in found if each is not None and not isinstance(each, Missing)]
    unit = BY_ID[row.row.metric].unit
    if unit == "ratio":
        return f"at most {max(medians):.2f} times the wait that was asked for"
    return amounts(min(medians), max(medians), unit)
