"""The claims as a scoreboard: the figure that decides, its bound, and the counts."""

from __future__ import annotations

import msgspec
import pytest

from reports.analysis.claims import ClaimResult, ClaimTest, ClaimVerdict, read_claims
from reports.overview.claim_board import Line, deciding, make_board


def comparison(
    value: float, sense: str = "at most", bound: float = 1.0, target: str = "java", over: str | None = "rust"
) -> ClaimTest:
    low, high = value * 0.9, value * 1.1
    return ClaimTest("supported", target, over, value, low, high, bound, sense, None, "CPU per request")  # type: ignore[arg-type]


def result(verdict: ClaimVerdict, *tests: ClaimTest) -> ClaimResult:
    return ClaimResult(verdict, "A sentence.", "A claim", verdict, (), tests)


def test_the_figure_nearest_to_breaking_the_claim_decides() -> None:
    def value(*tests: ClaimTest, verdict: ClaimVerdict = "supported") -> float:
        return deciding(result(verdict, *tests)).value

    assert value(comparison(0.2), comparison(0.8), comparison(0.5)) == 0.8
    assert value(comparison(4.0, "at least"), comparison(1.5, "at least"), comparison(9.0, "at least")) == 1.5
    assert value(comparison(0.2), comparison(1.8)) == 1.8
    # An interval that is wide leaves the claim open, though another value is nearer to the bound.
    wide = msgspec.structs.replace(comparison(0.5), verdict="inconclusive")
    assert value(comparison(0.8), wide, verdict="inconclusive") == 0.5


def test_contradicted_come_first_and_unmeasured_are_counted_alone() -> None:
    board = make_board(
        (result("supported", comparison(0.5)), result("not measured"), result("contradicted", comparison(1.5)),
         result("inconclusive", comparison(1.0))),
        {"java": "Java", "rust": "Rust"},
    )  # fmt: skip
    assert board.counts == (("supported", 1), ("contradicted", 1), ("inconclusive", 1), ("not measured", 1))
    assert [each.verdict for each in board.decisions] == ["contradicted", "supported", "inconclusive"]
    first = board.decisions[0]
    assert (first.subject, first.value, first.interval, first.bound) == (
        "CPU per request, Java ÷ Rust",
        "1.50",
        "1.35 to 1.65",
        "at most 1.00",
    )
    assert first.line is not None and not first.line.upwards


def test_the_picture_is_cut_at_eight() -> None:
    (found,) = make_board((result("supported", comparison(50.0, "at least")),), {}).decisions
    assert found.line == Line(8.0, 8.0, 8.0, upwards=True)


def test_a_claim_without_an_interval_is_shown_all_the_same() -> None:
    board = make_board((result("inconclusive"),), {})
    assert len(board.decisions) == sum(n for _, n in board.counts)
    assert board.decisions[0].subject == "too few trials for an interval"


def test_an_open_claim_whose_figure_keeps_the_bound_says_that_trials_are_missing() -> None:
    open_and_held = (result("inconclusive", comparison(0.5)), result("supported", comparison(0.5)))
    held, found = make_board(open_and_held, {}).decisions
    assert (found.rest, held.rest) == ("for the others there are too few trials", "")


def test_a_value_has_its_unit() -> None:
    test = ClaimTest("supported", "go", None, 0.07, 0.06, 0.08, 0.2, "at most", "seconds", "start time")
    (found,) = make_board((result("supported", test),), {"go": "Go"}).decisions
    assert (found.subject, found.value, found.bound) == ("Start time, Go", "70.0\u00a0ms", "at most 200\u00a0ms")


@pytest.mark.parametrize("claim", read_claims(), ids=lambda claim: claim.id)
def test_every_claim_has_a_short_form(claim: object) -> None:
    assert 10 < len(getattr(claim, "short", "")) <= 53
