"""The claims as a scoreboard: counts, and for each claim the figure that decides it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from reports.analysis.claims import ClaimResult, ClaimTest, ClaimVerdict
from reports.units import few_digits, quantity

#: In the order in which they are shown. Claims that were not measured are only counted.
ORDER: tuple[ClaimVerdict, ...] = ("contradicted", "supported", "inconclusive")
#: The picture ends at this factor from the bound.
WIDEST = 8.0


class Line(Struct, frozen=True):
    """Value and interval as times the bound. `upwards`: values above the bound support the claim."""

    at: float
    low: float
    high: float
    upwards: bool


class Decision(Struct, frozen=True):
    """A claim with its deciding figure as text, and as a picture. Without a value, `subject` says why there is none.

    `rest`: why the claim is open although the figure that is shown keeps the bound.
    """

    short: str
    verdict: ClaimVerdict
    subject: str
    value: str = ""
    interval: str = ""
    bound: str = ""
    rest: str = ""
    line: Line | None = None


class Board(Struct, frozen=True):
    """`counts`: verdict and number of claims, those without any left out."""

    counts: tuple[tuple[ClaimVerdict, int], ...]
    decisions: tuple[Decision, ...]


def make_board(results: tuple[ClaimResult, ...], names: Mapping[str, str]) -> Board:
    """The scoreboard. `names`: target -> its name on the page."""
    every: tuple[ClaimVerdict, ...] = ("supported", "contradicted", "inconclusive", "not measured")
    counts = tuple((verdict, sum(result.verdict == verdict for result in results)) for verdict in every)
    decisions = (
        _decision(result, deciding(result), names)
        if result.tests
        else Decision(result.short, result.verdict, "too few trials for an interval")
        for verdict in ORDER
        for result in results
        if result.verdict == verdict
    )
    return Board(tuple(pair for pair in counts if pair[1]), tuple(decisions))


def deciding(result: ClaimResult) -> ClaimTest:
    """Of the comparisons with the claim's verdict the one that is nearest to breaking the claim, or breaks it most."""
    same = [test for test in result.tests if test.verdict == result.verdict]
    return min(same or result.tests, key=lambda test: _margin(test.value, test))


def _margin(value: float, test: ClaimTest) -> float:
    """The logarithm of the factor by which a value keeps the bound; negative where it breaks it."""
    ratio = math.log(value / test.bound) if value > 0 and test.bound > 0 else 0.0
    return ratio if test.sense == "at least" else -ratio


def _decision(result: ClaimResult, test: ClaimTest, names: Mapping[str, str]) -> Decision:
    name = names.get(test.target, test.target)
    unit = test.unit

    def text(value: float) -> str:
        return few_ratio(value) if unit is None or unit == "ratio" else quantity(value, unit)

    interval = ""
    if test.low is not None and test.high is not None and test.low != test.high:
        interval = f"{text(test.low)} to {text(test.high)}"
    targets = f"{name} ÷ {names.get(test.over, test.over)}" if test.over else name
    undecided = result.verdict == "inconclusive" and test.verdict == "supported"
    return Decision(
        short=result.short,
        verdict=result.verdict,
        subject=f"{test.metric[:1].upper()}{test.metric[1:]}, {targets}",
        value=text(test.value),
        interval=interval,
        bound=f"{test.sense} {text(test.bound)}",
        rest="for the others there are too few trials" if undecided else "",
        line=Line(
            at=_cut(test.value / test.bound),
            low=_cut((test.value if test.low is None else test.low) / test.bound),
            high=_cut((test.value if test.high is None else test.high) / test.bound),
            upwards=test.sense == "at least",
        ),
    )


def few_ratio(value: float) -> str:
    """A ratio or share in two decimals below 10."""
    return f"{value:.2f}" if value < 9.995 else few_digits(value)


def _cut(times_bound: float) -> float:
    return min(max(times_bound, 1 / WIDEST), WIDEST)
