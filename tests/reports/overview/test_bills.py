"""Two bills: which costs tie, what the language decides, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from reports.analysis.cost_model import CostEstimate, Requirements
from reports.overview.bills import Bill, BillId

NEED = Requirements(500, 0.0, 2, 0, 30, 3, "rust")
NAMES = {"rust": "Rust", "go": "Go", "python": "Python"}


def cost(target: str, total: float, half: float) -> CostEstimate:
    return CostEstimate(target, 0.1, 2, 0.1, total / 2, total / 4, total / 4, total, total - half, total + half)


def bill(
    costs: Mapping[str, tuple[float, float]], trials: Mapping[str, int] | None = None, bill_id: BillId = "queries"
) -> Bill:
    ordered = sorted((cost(target, *each) for target, each in costs.items()), key=lambda each: each.total)
    return Bill(bill_id, NEED, tuple(ordered), {"java": "no valid trial"}, dict.fromkeys(costs, 3) | dict(trials or {}), "$")


def states(found: Bill) -> dict[str, str]:
    return {target: found.cell(target).state for target in ("rust", "go", "python")}


def test_intervals_that_reach_the_best_tie() -> None:
    found = bill({"rust": (14, 2), "go": (13, 2), "python": (12, 2)})
    assert set(states(found).values()) == {"level"}
    assert found.sentence(NAMES) == "Every language costs $12 to $14: no difference found."


def test_a_dear_language_is_behind() -> None:
    found = bill({"rust": (16, 1), "go": (21, 5), "python": (171, 10)})
    assert states(found) == {"rust": "tied", "go": "close", "python": "behind"}
    assert found.sentence(NAMES) == "The language decides 91% of the bill: $16 in Rust, $171 in Python."
    assert found.cell("python").words == "×11"


def test_the_only_one_in_front_is_best() -> None:
    assert states(bill({"rust": (10, 1), "go": (20, 1), "python": (30, 1)}))["rust"] == "best"


def test_a_cost_from_too_few_trials_is_not_ranked() -> None:
    found = bill({"rust": (16, 1), "go": (20, 1), "python": (171, 10)}, {"go": 2})
    assert states(found) == {"rust": "best", "go": "few", "python": "behind"}
    none = bill({"rust": (16, 1), "go": (20, 1)}, {"go": 2, "rust": 2})
    assert none.sentence(NAMES) == "Too few trials are valid: no cost is told from another."


def test_one_language_alone_decides_nothing() -> None:
    assert bill({"rust": (16, 1)}).sentence(NAMES) == ""
    assert bill({}).sentence(NAMES) == "No language can be priced from this record."
    assert bill({"rust": (16, 1)}).cell("java").why == "no valid trial"
