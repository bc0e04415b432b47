"""Two bills for a month: a service that only queries, and one that also computes (reports/analysis/cost_model.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from harness.record.config import PricesSection
from reports.analysis.analysis import Analysis
from reports.analysis.cost_model import (
    CostAnswer,
    CostEstimate,
    Requirements,
    answer,
    cost_inputs,
    estimates_used,
    everyday,
)
from reports.overview.cells import Cell, state_of
from reports.overview.columns import Column
from reports.stats.intervals import MIN_TRIALS
from reports.units import few_digits, number

BillId = Literal["queries", "computing"]


class Bill(Struct, frozen=True):
    """The costs of one kind of service on each target of a class, cheapest first.

    `trials`: target -> the fewest trials of a measurement that its cost is computed from. Targets that can't be priced are
    in `unpriced`, with the reason.
    """

    id: BillId
    need: Requirements
    costs: tuple[CostEstimate, ...]
    unpriced: Mapping[str, str]
    trials: Mapping[str, int]
    currency: str

    @property
    def ranked(self) -> tuple[CostEstimate, ...]:
        """The costs whose measurements have enough trials."""
        return tuple(cost for cost in self.costs if self.trials.get(cost.target, 0) >= MIN_TRIALS)

    def ties(self, cost: CostEstimate) -> bool:
        """Whether a cost's interval reaches that of the cheapest ranked one."""
        return not self.ranked or cost.low <= self.ranked[0].high

    @property
    def level(self) -> bool:
        """Whether no language's cost is told from another's."""
        return len(self.ranked) > 1 and all(self.ties(cost) for cost in self.ranked)

    @property
    def title(self) -> str:
        """What the service does, in words."""
        if self.id == "queries":
            return "A service that queries."
        return f"The same, computing {self.need.cpu_ms:g} ms a request." if self.need.queries else "A service that computes."

    def sentence(self, names: Mapping[str, str]) -> str:
        """What the language decides of this bill. `names`: target -> its name on the page."""
        if not self.costs:
            return "No language can be priced from this record."
        if len(self.costs) == 1:
            return ""
        if len(self.ranked) < 2:
            return "Too few trials are valid: no cost is told from another."
        first, last = self.ranked[0], self.ranked[-1]
        low, high = (f"{self.currency}{few_digits(cost.total)}" for cost in (first, last))
        if self.level:
            return f"Every language costs {low if low == high else f'{low} to {high}'}: no difference found."
        share = 1 - first.total / last.total
        return (
            f"The language decides {share:.0%} of the bill: {low} in {names[first.target]}, {high} in {names[last.target]}."
        )

    def cell(self, target: str) -> Cell:
        """The cell of a target in the scorecard."""
        cost = next((cost for cost in self.costs if cost.target == target), None)
        if cost is None:
            return Cell(target, "none", why=self.unpriced.get(target, "not measured"))
        best = (self.ranked or self.costs)[0].total
        factor = cost.total / best
        alone = sum(self.ties(each) for each in self.ranked) == 1
        few = self.trials.get(target, 0) < MIN_TRIALS
        return Cell(
            target=target,
            state="few" if few else "level" if self.level else state_of(self.ties(cost), alone, factor),
            value=f"{self.currency}{number(cost.total)}",
            factor=factor,
            at=factor,
            low=None if few else cost.low / best,
            high=None if few else cost.high / best,
            interval="" if few else f"{self.currency}{number(cost.low)} to {self.currency}{number(cost.high)}",
            trials=self.trials.get(target, 0),
            prose=f"{self.currency}{few_digits(cost.total)}",
        )


class Bills(Struct, frozen=True):
    """Both bills, as far as the record can price them."""

    bills: tuple[Bill, ...]

    def of(self, bill_id: str) -> Bill | None:
        return next((bill for bill in self.bills if bill.id == bill_id), None)


def make_bills(analysis: Analysis, columns: tuple[Column, ...]) -> Bills:
    """The bills of the targets in the columns. A bill that the record can't price is left out."""
    need, prices = everyday(analysis), analysis.run.configuration.prices
    wanted: list[tuple[BillId, Requirements]] = []
    if need.queries:
        wanted.append(("queries", msgspec.structs.replace(need, cpu_ms=0.0)))
    if need.cpu_ms:
        wanted.append(("computing", need))
    return Bills(tuple(_bill(analysis, bill_id, asked, columns, prices) for bill_id, asked in wanted))


def _bill(
    analysis: Analysis, bill_id: BillId, need: Requirements, columns: tuple[Column, ...], prices: PricesSection
) -> Bill:
    mine = {column.target for column in columns}
    found: CostAnswer = answer(cost_inputs(analysis), need)
    # A bill of 0 is no multiple of anything.
    free = {cost.target: "[prices] has no price" for cost in found.bills if cost.total <= 0}
    return Bill(
        id=bill_id,
        need=need,
        costs=tuple(cost for cost in found.bills if cost.target in mine - free.keys()),
        unpriced={target: reason for target, reason in (*found.unpriced, *free.items()) if target in mine},
        trials={t: min((e.trials for e in estimates_used(analysis, t, need)), default=0) for t in mine},
        currency=prices.currency,
    )
