"""The advisor's answer in words and tables, the same for the terminal and for the page."""

from __future__ import annotations

from msgspec import Struct

from harness.record.config import PricesSection
from reports.analysis.analysis import Analysis
from reports.analysis.cost_model import CostAnswer, CostInputs, Requirements, answer, cost_inputs
from reports.sections.elements import Span, Table
from reports.units import number


class Advice(Struct, frozen=True):
    """An answer in words and tables. `said`: how much of the bill the language decides."""

    need: Requirements
    basis: CostInputs
    answer: CostAnswer
    asked: str
    said: tuple[Span, ...]
    bills: Table
    warnings: tuple[str, ...]
    unpriced: tuple[tuple[str, str], ...]
    source: str


def advise(analysis: Analysis, need: Requirements) -> Advice:
    """The answer to the requirements, from a record."""
    basis = cost_inputs(analysis)
    found = answer(basis, need)
    prices = analysis.run.configuration.prices
    return Advice(
        need=need,
        basis=basis,
        answer=found,
        asked=_asked(need),
        said=_said(found, prices),
        bills=_bills(found, prices),
        warnings=found.warnings,
        unpriced=found.unpriced,
        source=_source(need, prices),
    )


def _asked(need: Requirements) -> str:
    return (
        f"{need.rps:,.7g} requests/s, each with {need.cpu_ms:g} ms of pure work (as {need.reference} does it), "
        f"{need.queries:g} queries and {need.wait_ms:g} ms of waiting; at most {need.utilisation:.0%} of the cores used, at "
        f"least {need.instances} instances"
    )


def bill_terms(advice: Advice) -> str:
    """What both bills of the overview assume, in sentences."""
    need = advice.need
    queries = f" with {need.queries:g} queries each" if need.queries else ""
    return (
        f"A month of {need.rps:,.7g} requests/s{queries}, at most {need.utilisation:.0%} of the cores used, at least "
        f"{need.instances} instances. Each picture has its own scale. {advice.source}."
    )


def _source(need: Requirements, prices: PricesSection) -> str:
    money = f"{prices.currency}{need.core_price:g} a month for a core, {prices.currency}{need.memory_price:g} for a GiB"
    standard = (need.core_price, need.memory_price) == (prices.core_month, prices.gib_month)
    return f"{money} ({prices.source})" if standard and prices.source else money


def _said(found: CostAnswer, prices: PricesSection) -> tuple[Span, ...]:
    if found.decided is None:
        return (Span("Fewer than two targets can be priced from this record."),)
    cheapest, dearest = found.bills[0], found.bills[-1]
    shared = min(cheapest.database_money, dearest.database_money)
    return (
        Span(f"The language decides {found.decided:.0%} of this bill: "),
        Span(cheapest.target, "name"),
        Span(f" takes {_money(cheapest.total, prices)} a month, "),
        Span(dearest.target, "name"),
        Span(f" takes {_money(dearest.total, prices)}. At least {_money(shared, prices)} of each bill is for the database."),
    )


def _money(value: float, prices: PricesSection) -> str:
    return f"{prices.currency}{number(value)}"


def _bills(found: CostAnswer, prices: PricesSection) -> Table:
    return Table(
        "Cost of a month on each target, cheapest first",
        (
            "Target",
            "Cost of a month",
            "Interval",
            "Instances",
            "Cores needed",
            "Memory",
            "For cores",
            "For memory",
            "For the database",
        ),
        tuple(
            (
                bill.target,
                _money(bill.total, prices),
                f"{_money(bill.low, prices)}–{number(bill.high)}",
                str(bill.instances),
                number(bill.cores),
                f"{number(bill.memory_gib)} GiB",
                _money(bill.core_money, prices),
                _money(bill.memory_money, prices),
                _money(bill.database_money, prices),
            )
            for bill in found.bills
        ),
    )
