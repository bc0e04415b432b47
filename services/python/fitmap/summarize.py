"""Pure work: orders grouped by region."""

from dataclasses import dataclass, field

from fitmap.answers import RegionSummary, Summary
from fitmap.inputs import SoldOrder


@dataclass(slots=True)
class _Region:
    orders: int = 0
    quantity: int = 0
    revenue_cents: int = 0
    customers: dict[str, int] = field(default_factory=dict)


def summarize(orders: list[SoldOrder]) -> Summary:
    regions: dict[str, _Region] = {}
    for order in orders:
        quantity = revenue = 0
        for line in order.lines:
            quantity += line.quantity
            revenue += line.quantity * line.price_cents
        region = regions.get(order.region)
        if region is None:
            region = regions[order.region] = _Region()
        region.orders += 1
        region.quantity += quantity
        region.revenue_cents += revenue
        region.customers[order.customer] = region.customers.get(order.customer, 0) + revenue
    # Python compares strings by code point, as the contract asks.
    ranked = sorted(regions.items(), key=lambda item: (-item[1].revenue_cents, item[0]))
    return Summary(
        len(orders),
        [
            RegionSummary(name, region.orders, region.quantity, region.revenue_cents, _top(region.customers))
            for name, region in ranked
        ],
    )


def _top(customers: dict[str, int]) -> str:
    return min(customers.items(), key=lambda item: (-item[1], item[0]))[0]
