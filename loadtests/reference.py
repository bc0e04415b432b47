"""The contract in plain Python: the answers that services must give, for the checks of load profiles and the tests."""

from __future__ import annotations

from typing import Any

REGIONS = ("africa", "antarctica", "asia", "caribbean", "europe", "north-america", "oceania", "south-america")
STATUSES = ("paid", "shipped", "delivered", "returned")
CUSTOMERS = 1000
PRODUCTS = 10_000


def collatz(first: int, count: int) -> dict[str, int]:
    """The answer of GET /cpu/collatz."""
    longest_start, longest_steps, total_steps = first, -1, 0
    for start in range(first, first + count):
        value, steps = start, 0
        while value != 1:
            value = value // 2 if value % 2 == 0 else 3 * value + 1
            steps += 1
        total_steps += steps
        if steps > longest_steps:
            longest_start, longest_steps = start, steps
    return {
        "from": first,
        "count": count,
        "longest_start": longest_start,
        "longest_steps": longest_steps,
        "total_steps": total_steps,
    }


def summarize(orders: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer of POST /cpu/summarize to a valid body."""
    regions: dict[str, dict[str, Any]] = {}
    for order in orders:
        region = regions.setdefault(order["region"], {"orders": 0, "quantity": 0, "revenue": 0, "customers": {}})
        revenue = sum(line["quantity"] * line["price_cents"] for line in order["lines"])
        region["orders"] += 1
        region["quantity"] += sum(line["quantity"] for line in order["lines"])
        region["revenue"] += revenue
        region["customers"][order["customer"]] = region["customers"].get(order["customer"], 0) + revenue
    rows = [
        {
            "region": name,
            "orders": region["orders"],
            "quantity": region["quantity"],
            "revenue_cents": region["revenue"],
            "top_customer": min(region["customers"].items(), key=lambda item: (-item[1], item[0]))[0],
        }
        for name, region in regions.items()
    ]
    rows.sort(key=lambda row: (-row["revenue_cents"], row["region"]))
    return {"orders": len(orders), "regions": rows}


def price_cents(product_id: int) -> int:
    """The seed's price of a product."""
    return 100 + product_id * 7919 % 9900


def customer(customer_id: int) -> dict[str, Any]:
    """The seed's row of a customer."""
    return {"id": customer_id, "name": f"Customer {customer_id}", "region": REGIONS[customer_id * 7 % 8]}
