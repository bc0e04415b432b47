"""Answer to profile `waiters`: how many held requests each target serves, on time, and at what memory."""

from __future__ import annotations

from functools import partial
from statistics import median

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.charts import line_chart
from reports.charts.line_chart import TrialPath
from reports.metrics.level_stats import mean_response_microseconds
from reports.metrics.scopes import Load
from reports.sections.elements import (
    Figure,
    ProfileAnswer,
    Row,
    Sentence,
    Table,
    cpu_percent,
    middle,
    named,
    styles_of,
)
from reports.units import listed, number, quantity

#: A trial is on time if KEPT_SHARE of its answers come at most LATE (a share of the wait) later than asked for.
KEPT_SHARE = 0.99
LATE = 0.05

_READING = (
    "Anonymous memory per held request, beyond what the service had before the first one. The base is approximate: what a "
    "service grows by at its first load (a JVM's heap, compiled code) is counted with the waiters. It weighs less the more "
    "waiters there are, so the right end is the most exact. Marks are medians over valid trials. Hollow marks have no valid "
    "trial."
)


class Held(Struct, frozen=True):
    """A target's result at one number of held requests. `kept`: None where all trials were disturbed."""

    load: Load
    kept: bool | None
    #: Why they were not held; empty where they were.
    reason: str


def waiters_answer(analysis: Analysis) -> ProfileAnswer | None:
    """The answer; None where no requests were held."""
    loads = sorted((load for load in analysis.loads if load.held), key=lambda load: load.connections)
    if not loads:
        return None
    targets = analysis.run.plan.targets
    outcomes = {target: [outcome(analysis, target, load, last=load is loads[-1]) for load in loads] for target in targets}
    return ProfileAnswer(
        id="waiters",
        title=loads[0].profile_title,
        question=loads[0].question,
        said=(*_who_holds(outcomes), *_what_it_takes(analysis, loads)),
        figure=_figure(analysis, loads),
        table=Table(
            f"Most requests held without an error, with {KEPT_SHARE:.0%} of the answers at most {LATE:.0%} late",
            ("Target", "Most held", "First number not held"),
            tuple(_summary(target, found) for target, found in outcomes.items()),
        ),
    )


def kept(m: LevelObservation) -> bool:
    """True if a trial's answers came on time."""
    found = m.distribution
    return not isinstance(found, Missing) and found.share_within((1 + LATE) * m.load.hold_milliseconds * 1000) >= KEPT_SHARE


def outcome(analysis: Analysis, target: str, load: Load, *, last: bool) -> Held:
    """A target's result at a number of held requests.

    A trial that failed or was late counts against the target. A disturbed trial counts neither way.

    A trial whose service ended has no measurement. It counts against the `last` number, and against all numbers where no
    trial measured anything.
    """
    trials = analysis.at(target, load)
    late = [m for m in trials if m.valid and not kept(m)]
    failed = [m for m in trials if m.level.verdict == "failed"]
    whole = [r for r in analysis.not_valid if (r.trial.target, r.trial.profile) == (target, load.profile)]
    ended = [r.measurement.reason for r in whole if isinstance(r.measurement, Missing)]
    ended = ended if last or not trials else []
    if failed or late or ended:
        reasons = [*ended, *(problem for m in failed for problem in m.level.problems)]
        reasons += [f"more than {1 - KEPT_SHARE:.0%} of the answers came more than {LATE:.0%} late"] * bool(late)
        return Held(load, False, "; ".join(dict.fromkeys(reasons)))
    if any(m.valid for m in trials):
        return Held(load, True, "")
    problems = dict.fromkeys(problem for m in trials for problem in m.level.problems)
    return Held(load, None, "; ".join(problems) or "not measured")


def most_held(found: list[Held]) -> int:
    """The highest number of held requests below the first that was not held."""
    most = 0
    for each in found:
        if each.kept is False:
            break
        most = each.load.connections if each.kept else most
    return most


def _summary(target: str, found: list[Held]) -> Row:
    most = most_held(found)
    beyond = next((each for each in found if not each.kept and each.load.connections > most), None)
    stops = f"at {beyond.load.connections:,}: {beyond.reason}" if beyond else "not reached"
    return (target, f"{most:,}" if most else "none", stops)


def _who_holds(outcomes: dict[str, list[Held]]) -> tuple[Sentence, ...]:
    """One sentence per highest number held, the greatest first, with the targets that reached it."""
    by_most: dict[int, list[str]] = {}
    for target, found in outcomes.items():
        by_most.setdefault(most_held(found), []).append(target)
    said = []
    for most, targets in sorted(by_most.items(), reverse=True):
        names: list[str | tuple[str]] = []
        for i, target in enumerate(targets):
            names += [(target,)] if not i else [" and " if i == len(targets) - 1 else ", ", (target,)]
        verb = "holds" if len(targets) == 1 else "each hold"
        held = f"{most:,} requests at once without an error and on time" if most else "none of the measured numbers"
        said.append(named(*names, f" {verb} {held}."))
    return tuple(said)


def _what_it_takes(analysis: Analysis, loads: list[Load]) -> tuple[Sentence, ...]:
    """Least and most memory per waiter, at the greatest number that two targets were measured at."""
    for load in reversed(loads):
        found = {t: v for t in analysis.run.plan.targets if (v := _memory(analysis, t, load)) is not None}
        if len(found) > 1:
            least, most = min(found, key=lambda t: found[t]), max(found, key=lambda t: found[t])
            low, high = (quantity(found[target], "bytes") for target in (least, most))
            begun = f"{load.phrase[0].upper()}{load.phrase[1:]}"
            return (named(f"{begun}, one waiter takes {low} in ", (least,), f" and {high} in ", (most,), "."),)
    return ()


def _memory(analysis: Analysis, target: str, load: Load) -> float | None:
    found = analysis.estimate("waiter-memory", load.id, target)
    return None if found is None or isinstance(found, Missing) else found.median


def _figure(analysis: Analysis, loads: list[Load]) -> Figure:
    tracks: list[TrialPath] = []
    table: list[Row] = []
    for target in analysis.run.plan.targets:
        solid: list[tuple[float, float]] = []
        hollow: list[tuple[float, float]] = []
        for load in loads:
            trials = analysis.at(target, load)
            if not trials:
                continue
            valid = tuple(m for m in trials if m.valid)
            values = [v for m in valid or trials if isinstance(v := m.values.get("waiter-memory"), float)]
            if values:
                (solid if valid else hollow).append((load.connections, median(values) / 2**10))
            table.append(_row(analysis, target, load, valid or trials, values))
        if solid or hollow:
            tracks.append(TrialPath(target, tuple(solid), tuple(hollow)))
    name, title = "waiters-memory", f"Memory per waiter: {loads[0].profile_title}"
    axes = ("requests held", "KiB per waiter, logarithmic")
    chart = partial(line_chart.paths, tracks, styles_of(analysis), *axes) if tracks else None
    headers = (
        "Target", "Held", "Wait asked for", "Errors", "Mean delay", "p50 delay", "p99 delay", "At most 5 % late",
        "Memory per waiter", "CPU used", "Verdict",
    )  # fmt: skip
    reading = _READING if chart else "No trial measured the memory per waiter."
    return Figure(name, title, reading, headers, tuple(table), chart)


def _row(analysis: Analysis, target: str, load: Load, trials: tuple[LevelObservation, ...], memory: list[float]) -> Row:
    errors = sum(r.failures + r.timed_out for m in analysis.at(target, load) for r in m.level.routes.values())
    means = [v for m in trials if not isinstance(v := mean_response_microseconds(m.level), Missing)]
    verdicts = sorted({m.level.verdict.replace("_", " ") for m in analysis.at(target, load)})
    return (
        target,
        f"{load.connections:,}",
        f"{load.hold_milliseconds:,} ms",
        f"{errors:,}",
        _late(median(means), load) if means else "–",
        _percentile(trials, 50, load),
        _percentile(trials, 99, load),
        _within(trials),
        quantity(median(memory), "bytes") if memory else "–",
        f"{middle(trials, lambda m: cpu_percent(analysis, m)):.1f} %",
        listed(verdicts),
    )


def _within(trials: tuple[LevelObservation, ...]) -> str:
    shares = [
        m.distribution.share_within((1 + LATE) * m.load.hold_milliseconds * 1000)
        for m in trials
        if not isinstance(m.distribution, Missing)
    ]
    return f"{median(shares):.2%}" if shares else "–"


def _percentile(trials: tuple[LevelObservation, ...], percent: float, load: Load) -> str:
    found = [m.distribution if isinstance(m.distribution, Missing) else m.distribution.percentile(percent) for m in trials]
    numbers = [v for v in found if not isinstance(v, Missing)]
    return _late(median(numbers), load) if numbers and len(numbers) == len(found) else "too few requests"


def _late(microseconds: float, load: Load) -> str:
    """The delay beyond the wait that was asked for, in time and as a share of the wait."""
    late = microseconds - load.hold_milliseconds * 1000
    share = late / load.hold_milliseconds / 10
    return f"{'−' if late < 0 else ''}{quantity(abs(late), 'microseconds')} ({number(share) if share > 0 else '0'} %)"
