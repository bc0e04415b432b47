from fitmap.answers import RegionSummary, Summary
from fitmap.inputs import SoldLine, SoldOrder
from fitmap.summarize import summarize


def order(customer: str, region: str, *lines: tuple[int, int]) -> SoldOrder:
    return SoldOrder(customer, region, [SoldLine("sku", quantity, price) for quantity, price in lines])


def test_nothing_sold() -> None:
    assert summarize([]) == Summary(0, [])


def test_orders_are_grouped_and_regions_ranked_by_revenue() -> None:
    orders = [
        order("ada", "north", (2, 100), (1, 50)),
        order("bob", "south", (10, 100)),
        order("cyd", "north", (1, 300)),
        order("ada", "north", (1, 100)),
    ]
    assert summarize(orders) == Summary(
        4, [RegionSummary("south", 1, 10, 1000, "bob"), RegionSummary("north", 3, 5, 650, "ada")]
    )


def test_the_top_customer_is_of_the_region() -> None:
    orders = [order("ada", "north", (1, 1)), order("bob", "north", (1, 2)), order("ada", "south", (9, 9))]
    assert [region.top_customer for region in summarize(orders).regions] == ["ada", "bob"]


def test_ties_go_to_the_smaller_name_by_code_point() -> None:
    # U+FF5E comes before U+1F600, though not in UTF-16.
    orders = [order(name, name, (1, 1)) for name in ["b", "\U0001f600", "\uff5e", "B"]]
    assert [region.region for region in summarize(orders).regions] == ["B", "b", "\uff5e", "\U0001f600"]
    orders = [order(name, "north", (1, 1)) for name in ["\U0001f600", "\uff5e"]]
    assert summarize(orders).regions[0].top_customer == "\uff5e"


def test_an_order_without_lines_counts() -> None:
    assert summarize([order("ada", "")]) == Summary(1, [RegionSummary("", 1, 0, 0, "ada")])
