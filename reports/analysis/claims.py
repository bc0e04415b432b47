"""Common claims about the languages (claims.toml), each tested on the record.

A condition is about the ratio of two targets, paired by block, or about the value of one target. The intervals hold for all
comparisons of the condition together. The condition is supported if the whole interval keeps the bound, contradicted if the
whole interval breaks it, otherwise inconclusive. If the record lacks the metric, the scope or a language, the claim is not
measured, and never supported.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec
from msgspec import Struct

from harness.record.config import PricesSection
from harness.record.measurement import Missing
from harness.record.plan import TWIN
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.metrics.catalogue import BY_ID
from reports.metrics.level_stats import database_share
from reports.metrics.metric import comparable
from reports.metrics.scopes import Scope
from reports.stats.intervals import estimate
from reports.stats.pairs import TrialValues, paired_ratio
from reports.units import Unit, number, quantity, span

FILE = Path(__file__).parent / "claims.toml"

ClaimVerdict = Literal["supported", "contradicted", "inconclusive", "not measured"]
EVERY, OTHERS = "every", "others"


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """One condition of a claim; claims.toml explains its fields."""

    metric: str
    scope: str
    of: tuple[str, ...]
    fallback: str | None = None
    over: tuple[str, ...] = ()
    which: Literal["best", "worst"] = "best"
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a test has one bound: at_least or at_most")
        if self.metric not in BY_ID and self.metric not in QUANTITIES:
            raise ValueError(f"no metric or quantity {self.metric}")


class Claim(Struct, frozen=True, forbid_unknown_fields=True):
    """A claim in our words, with all conditions that must hold."""

    id: str
    says: str
    short: str
    test: tuple[Condition, ...]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    claim: tuple[Claim, ...]


class ClaimTest(Struct, frozen=True):
    """One comparison of a claim: a target's value, or its ratio to that of target `over`, against the claim's bound.

    `low` and `high` are None where there are too few trials for an interval. `unit` is None for a ratio or a share.
    `sense`: whether the claim says at least or at most the bound. `metric`: what is compared, in words.
    """

    verdict: ClaimVerdict
    target: str
    over: str | None
    value: float
    low: float | None
    high: float | None
    bound: float
    sense: Literal["at least", "at most"]
    unit: Unit | None
    metric: str


class ClaimResult(Struct, frozen=True):
    """What the record says about a claim. `figures`: one line per comparison, or why there is none. `tests`: the
    comparisons that gave a value.
    """

    id: str
    says: str
    short: str
    verdict: ClaimVerdict
    figures: tuple[str, ...]
    tests: tuple[ClaimTest, ...]


class _Judged(Struct, frozen=True):
    verdict: ClaimVerdict
    figure: str
    test: ClaimTest | None = None


def _database_share(m: LevelObservation, _: PricesSection) -> float | Missing:
    return database_share(m.level)


def _memory_to_cpu_cost(m: LevelObservation, prices: PricesSection) -> float | Missing:
    used = m.level.usage.get("service")
    if used is None or isinstance(used.working_set_bytes, Missing) or used.cpu_seconds <= 0:
        return m.level.without("service")
    if prices.core_month <= 0:
        return Missing("a core costs nothing in [prices]")
    memory = used.working_set_bytes / 2**30 * prices.gib_month
    return memory / (used.cpu_seconds / m.level.window_seconds * prices.core_month)


#: Values of a trial at a load by which no target is ranked: what they mean, and how they are computed.
QUANTITIES: Mapping[str, tuple[str, Callable[[LevelObservation, PricesSection], float | Missing]]] = {
    "database-share": ("share of the mean response that the database takes", _database_share),
    "memory-to-cpu-cost": ("price of an instance's memory ÷ price of its CPU", _memory_to_cpu_cost),
}

Cells = Mapping[str, TrialValues]


def read_claims(path: Path = FILE) -> tuple[Claim, ...]:
    """Reads the claims of a file. Raises msgspec.ValidationError on wrong content."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).claim


def claim_results(analysis: Analysis, claims: Iterable[Claim]) -> tuple[ClaimResult, ...]:
    """What the record says about each claim. A record of own services alone has nothing to do with them."""
    if analysis.run.targets and all(target.of_team for target in analysis.run.targets.values()):
        return ()
    return tuple(_finding(analysis, claim) for claim in claims)


def _finding(analysis: Analysis, claim: Claim) -> ClaimResult:
    judged = [each for test in claim.test for each in _judge(analysis, test)]
    verdicts = {each.verdict for each in judged}
    # In order of weight: one contradicted condition contradicts the claim, whatever the others show.
    order: tuple[ClaimVerdict, ...] = ("contradicted", "not measured", "inconclusive", "supported")
    verdict = next(v for v in order if v in verdicts)
    return ClaimResult(
        id=claim.id,
        says=claim.says,
        short=claim.short,
        verdict=verdict,
        figures=tuple(each.figure for each in judged),
        tests=tuple(each.test for each in judged if each.test),
    )


def _judge(analysis: Analysis, test: Condition) -> list[_Judged]:
    """The verdict for each target, or pair of targets, of the condition."""
    known = {scope.id: scope for scope in analysis.scopes}
    scope = next((known[each] for each in (test.scope, test.fallback) if each is not None and each in known), None)
    if scope is None:
        return [_Judged("not measured", f"{test.scope} is not in this record")]
    cells = _cells(analysis, test, scope)
    # The best of several targets represents their language.
    of = _chosen(analysis, cells, test.of if test.of != (EVERY,) else _languages(analysis), test.metric)
    if isinstance(of, Missing):
        return [_Judged("not measured", of.reason)]
    if not test.over:
        return [_absolute(analysis, test, scope, target, cells[target].values, len(of)) for target in of]
    others = tuple(x for x in _languages(analysis) if x not in {_key(y) for y in test.of})
    over = _chosen(analysis, cells, others if test.over == (OTHERS,) else test.over, test.metric)
    if isinstance(over, Missing):
        return [_Judged("not measured", over.reason)]
    by_value = sorted(over, key=lambda target: _goodness(test.metric, cells[target].values))
    against = by_value[-1] if test.which == "best" else by_value[0]
    # The other target was chosen by its value, so the bounds must hold for every possible choice.
    return [_ratio(analysis, test, scope, target, against, cells, len(of) * len(over)) for target in of]


def _cells(analysis: Analysis, test: Condition, scope: Scope) -> Cells:
    """Target -> its values, for the standard class without twins."""
    run = analysis.run
    names = [t for t in run.plan.targets if run.targets[t].target_class == "standard" and not t.endswith(TWIN)]
    found: dict[str, TrialValues] = {}
    for name in names:
        if test.metric in QUANTITIES:
            compute = QUANTITIES[test.metric][1]
            prices = run.configuration.prices
            values = {m.pair: v for m in analysis.of(name, scope) if isinstance(m, LevelObservation) and m.valid
                      and not isinstance(v := comparable(compute(m, prices)), Missing)}  # fmt: skip
            cell: TrialValues | Missing = TrialValues(values)
        else:
            cell = analysis.trial_values(test.metric, name, scope)
        if not isinstance(cell, Missing) and cell.values:
            found[name] = cell
    return found


def _key(language: str) -> str:
    return language.casefold()


def _languages(analysis: Analysis) -> tuple[str, ...]:
    run = analysis.run
    return tuple(dict.fromkeys(
        _key(run.targets[t].language) for t in run.plan.targets
        if run.targets[t].target_class == "standard" and not t.endswith(TWIN)
    ))  # fmt: skip


def _chosen(analysis: Analysis, cells: Cells, languages: Iterable[str], metric: str) -> tuple[str, ...] | Missing:
    """The best target of each language."""
    found = []
    for language in languages:
        able = [t for t in cells if _key(analysis.run.targets[t].language) == _key(language)]
        if not able:
            return Missing(f"no valid value of {language}")
        found.append(max(able, key=lambda t: _goodness(metric, cells[t].values)))
    return tuple(found) or Missing("no target to compare with")


def _goodness(metric: str, values: Mapping[str, float]) -> float:
    middle = median(values.values())
    return middle if metric in BY_ID and BY_ID[metric].direction == "higher" else -middle


def _verdict(test: Condition, low: float | None, high: float | None) -> ClaimVerdict:
    if low is None or high is None:
        return "inconclusive"
    if test.at_least is not None:
        return "supported" if low >= test.at_least else "contradicted" if high < test.at_least else "inconclusive"
    bound = test.at_most or 0.0
    return "supported" if high <= bound else "contradicted" if low > bound else "inconclusive"


def _ratio(
    analysis: Analysis, test: Condition, scope: Scope, target: str, against: str, cells: Cells, comparisons: int
) -> _Judged:
    confidence = analysis.run.configuration.report.confidence_percent
    head = f"{_title(test)}, {scope.title}: {target} ÷ {against}"
    metric = BY_ID.get(test.metric)
    if metric and metric.exact:
        # The value is read, or found by a search that confirmed it, so one trial is enough.
        ratio = median(cells[target].values.values()) / median(cells[against].values.values())
        made = _test(test, (target, against), (ratio, ratio, ratio), None)
        return _Judged(made.verdict, f"{head} = {number(ratio)}; claimed {_bound(test, number)}", made)
    found = paired_ratio(cells[target], cells[against], confidence, comparisons)
    if found is None:
        return _Judged("inconclusive", f"{head}: too few trials for an interval")
    values = f"{number(found.ahead)} ({number(found.low)}–{number(found.high)})"
    made = _test(test, (target, against), (found.ahead, found.low, found.high), None)
    return _Judged(made.verdict, f"{head} = {values}; claimed {_bound(test, number)}", made)


def _test(
    test: Condition, targets: tuple[str, str | None], found: tuple[float, float | None, float | None], unit: Unit | None
) -> ClaimTest:
    value, low, high = found
    return ClaimTest(
        verdict=_verdict(test, low, high),
        target=targets[0],
        over=targets[1],
        value=value,
        low=low,
        high=high,
        bound=test.at_least if test.at_least is not None else test.at_most or 0.0,
        sense="at least" if test.at_least is not None else "at most",
        unit=unit,
        metric=_title(test),
    )


def _absolute(
    analysis: Analysis, test: Condition, scope: Scope, target: str, values: Mapping[str, float], comparisons: int
) -> _Judged:
    confidence = 100 - (100 - analysis.run.configuration.report.confidence_percent) / comparisons
    metric = BY_ID.get(test.metric)
    found = estimate(list(values.values()), confidence, exact=bool(metric and metric.exact))

    def text(value: float) -> str:
        return quantity(value, metric.unit) if metric else number(value)

    interval = ""
    if found.low is not None and found.high is not None and found.low < found.high:
        interval = f" ({span(found.low, found.high, metric.unit)})" if metric else f" ({text(found.low)}–{text(found.high)})"
    figure = f"{_title(test)}, {scope.title}: {target} {text(found.median)}{interval}; claimed {_bound(test, text)}"
    made = _test(test, (target, None), (found.median, found.low, found.high), metric.unit if metric else None)
    return _Judged(made.verdict, figure, made)


def _title(test: Condition) -> str:
    return QUANTITIES[test.metric][0] if test.metric in QUANTITIES else BY_ID[test.metric].title


def _bound(test: Condition, text: Callable[[float], str]) -> str:
    return f"at least {text(test.at_least)}" if test.at_least is not None else f"at most {text(test.at_most or 0.0)}"
