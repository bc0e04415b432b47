"""The pictures of the overview, each drawn from its part of the frozen value. Every number in them is also in the text."""

from __future__ import annotations

from markupsafe import Markup

from reports.charts.cell_line import cell_line
from reports.charts.claim_line import claim_line
from reports.charts.marks import mark_at
from reports.charts.share_map import Dot, Spot, opinion_map, seconds_chart, share_map
from reports.charts.stacks import Stack, stacks
from reports.charts.strips import strips
from reports.overview.bills import Bill
from reports.overview.cells import Cell
from reports.overview.claim_board import WIDEST, Decision
from reports.overview.columns import Column
from reports.overview.effects import Effect
from reports.overview.fit_map import Duration, FitMap, opinions
from reports.overview.time_parts import TimeParts
from reports.units import few_digits, quantity

CORNERS = ("good at both", "many small instances", "one machine, pushed hard", "the team’s speed has to pay")
TITLES = ("one machine, pushed hard: work per core", "many small instances: economy")


def mark(column: Column) -> Markup:
    """The mark of a column, beside its name."""
    head = Markup('<svg class="gl" viewBox="-7 -7 14 14" aria-hidden="true">')
    return head + mark_at(column.mark, 0, 0, 5) + Markup("</svg>")


def line_of(cell: Cell) -> Markup:
    """The line in a cell of the scorecard."""
    return cell_line(cell.at, cell.low, cell.high) if cell.at is not None else Markup()


def fit_map(found: FitMap) -> Markup:
    """The fit map."""
    spots = [
        Spot(
            place.column.name,
            place.column.mark,
            (place.across.low, place.across.mid, place.across.high),
            (place.up.low, place.up.mid, place.up.high),
        )
        for place in found.places
    ]
    label = "Fit map: work per core across, economy of many small instances up, both as a share of the best. " + "; ".join(
        f"{s.name}: {s.across[1]:.0%} and {s.up[1]:.0%}" for s in spots
    )
    return share_map(label, spots, TITLES, CORNERS)


def edits(found: tuple[Duration, ...]) -> Markup:
    """How long an edit takes to run."""
    label = "From an edit to the running service: " + ", ".join(
        f"{each.column.name} {quantity(each.mid, 'seconds')}" for each in found
    )
    return seconds_chart(label, [Dot(each.column.name, each.column.mark, each.low, each.mid, each.high) for each in found])


def article() -> Markup:
    """The article's own map."""
    found = opinions()
    return opinion_map(
        f"The article’s own map, an opinion: {', '.join(each.names for each in found)}",
        [(each.names, each.across, each.up) for each in found],
    )


def effect_strips(effect: Effect) -> Markup:
    """Both lines of a load."""
    label = f"{effect.title}: " + "; ".join(
        f"{line.title}, {', '.join(f'{column.name} ×{few_digits(at)}' for column, at in line.marks)}"
        for line in effect.lines
    )
    rows = [([(column.mark, at) for column, at in line.marks], line.most, line.matters, line.words) for line in effect.lines]
    return strips(label, rows)


def parts(found: TimeParts) -> Markup:
    """Where the time of a mean response goes."""
    bars = [
        Stack(
            column.name,
            (("p-c", part.service_cpu), ("p-d", part.executor), ("p-o", part.database_cpu_beyond), ("p-r", part.rest)),
            quantity(part.response, "microseconds"),
        )
        for column, part in found.parts
    ]
    label = f"Where a mean response’s time goes, {found.title}: " + "; ".join(
        f"{column.name} {quantity(part.response, 'microseconds')}, of that service "
        f"{quantity(part.service_cpu, 'microseconds')}, database "
        f"{quantity(part.database, 'microseconds')}"
        for column, part in found.parts
    )
    return stacks(label, bars)


def bill(found: Bill, columns: tuple[Column, ...]) -> Markup:
    """The costs of a month, cheapest first."""
    names = {column.target: column.name for column in columns}
    bars = []
    for cost in found.costs:
        instances = f", {cost.instances} instances" if cost.instances > found.need.instances else ""
        bars.append(
            Stack(
                names[cost.target],
                (("p-c", cost.core_money), ("p-m", cost.memory_money), ("p-d", cost.database_money)),
                f"{found.currency}{few_digits(cost.total)}{instances}",
                cost.low,
                cost.high,
            )
        )
    label = "A month by language: " + ", ".join(f"{bar.name} {bar.words}" for bar in bars)
    return stacks(label, bars)


def claim(found: Decision) -> Markup:
    """A claim's bound, interval and value."""
    line = found.line
    if line is None:
        return Markup()
    return claim_line(f"v-{found.verdict}", line.at, line.low, line.high, WIDEST, upwards=line.upwards)
