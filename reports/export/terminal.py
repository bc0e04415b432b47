"""Results as plain text in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.analysis import Analysis
from reports.comparison.between_runs import between, cells_of, tried
from reports.comparison.repeatability import scatter, separations
from reports.sections.cost import Advice
from reports.units import clean, columns


def advice_text(advice: Advice) -> str:
    """The cost advisor's answer."""
    lines = [f"{advice.asked}.", f"Prices: {advice.source}.", ""]
    if advice.bills.rows:
        lines += [*columns([advice.bills.headers, *advice.bills.rows]), ""]
    lines += [f"{target} can't be priced: {reason}" for target, reason in advice.unpriced]
    lines += ["".join(span.text for span in advice.said)]
    lines += [f"Extrapolated: {warning}" for warning in advice.warnings]
    return clean("\n".join(lines))


def repeatability_text(analysis: Analysis) -> str:
    """Variation over trials and the A/A test, as two tables."""
    lines = [f"{'scope':<16}{'metric':<16}{'target':<16}{'trials':>7}{'variation':>11}{'unexplained':>13}"]
    for c in scatter(analysis):
        left = "-" if c.unexplained is None else f"{c.unexplained:.1%}"
        lines.append(f"{c.scope:<16}{c.metric:<16}{c.target:<16}{c.trials:>7}{c.variation:>11.1%}{left:>13}")
    pairs = separations(analysis)
    if not pairs:
        return "\n".join(
            [*lines, "", "This record has no twins. `fitmap bench --twins` measures each target twice, for an A/A test."]
        )
    lines += [
        "",
        f"{'scope':<16}{'metric':<16}{'target':<10}{'ratio to its twin':<20}{'blocks':>6}   groups of 3 that differ (won)",
    ]
    for pair in pairs:
        interval = f"{pair.low:.4f} to {pair.high:.4f}"
        groups = f"{pair.groups_apart} of {pair.groups} ({pair.groups_won})"
        mark = "   DIFFERENT" if pair.apart else ""
        lines.append(f"{pair.scope:<16}{pair.metric:<16}{pair.target:<10}{interval:<20}{pair.blocks:>6}   {groups}{mark}")
    level = analysis.run.configuration.report.confidence_percent
    apart, groups_apart = sum(p.apart for p in pairs), sum(p.groups_apart for p in pairs)
    total, won = sum(p.groups for p in pairs), sum(p.groups_won for p in pairs)
    lines += [
        "",
        f"{apart} of {len(pairs)} intervals over all blocks exclude 1 ({1 - level / 100:.0%} would by chance)",
        f"{groups_apart} of {total} intervals over 3 blocks (preset quick) exclude 1; {won} would have been called a win",
    ]
    return "\n".join(lines)


def between_text(analyses: Sequence[Analysis]) -> str:
    """The variation between whole runs as a table."""
    level = min(each.run.configuration.report.confidence_percent for each in analyses)
    cells = cells_of(analyses)
    rows = between(cells, level)
    lines = [
        "standard deviations of a run's value: by its own trials, and of whole runs beyond that",
        f"{'axis':<36}{'ratios':>7}{'trials':>9}{'runs':>9}{'without the machine':>21}{'two runs within':>17}",
    ]
    lines += [
        f"{row.title:<36}{row.cells:>7}{row.trials:>9.1%}{row.measured:>9.1%}{row.runs:>21.1%}"
        f"{'x ' + format(row.critical(level), '.2f'):>17}"
        for row in rows
    ]
    outside, count = sum(row.outside for row in rows), sum(row.cells for row in rows)
    lines += [
        "",
        f"{outside} of {count} ratios of a value in two runs have an interval, from their trials alone, that excludes 1 "
        f"({sum(row.outside_measured for row in rows)} as measured); {count * (1 - level / 100):.0f} would by chance",
    ]
    found = tried(cells, level)
    if found is None:
        return "\n".join([*lines, "a third run would tell whether intervals hold that know how far runs lie apart"])
    chance = found.intervals * (1 - level / 100)
    lines.append(
        f"each run set aside in turn: of {found.intervals} intervals {found.trials_alone} exclude 1 that know the trials "
        f"alone, {found.widened} that know how far the other runs lie apart as well; {chance:.0f} would by chance"
    )
    return "\n".join(lines)
