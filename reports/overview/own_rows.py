"""The rows of the scorecard of a team's own services: its loads are not those that scorecard.toml knows."""

from __future__ import annotations

from reports.analysis.analysis import Analysis
from reports.metrics.catalogue import BY_ID
from reports.overview.rows import Row

#: What is shown of each load, as far as it is measured there.
METRICS = ("throughput", "p99", "cpu", "working-set")
#: The same of a service that fitmap did not start: nobody sees its CPU and memory, and a short run has no 99th percentile.
ELSEWHERE = ("throughput", "p50", "p99")


def own_rows(analysis: Analysis, target_class: str) -> tuple[Row, ...]:
    """A group of rows for each load of a class, in the order of the plan."""
    wanted = ELSEWHERE if analysis.run.elsewhere else METRICS
    found = [
        (analysis.scope(ranking), BY_ID[ranking.metric])
        for ranking in analysis.rankings
        if ranking.target_class == target_class and ranking.metric in wanted
    ]
    loads = [load.id for load in analysis.loads]
    ordered = sorted(
        ((scope, metric) for scope, metric in found if scope.load),
        key=lambda each: (loads.index(each[0].load.id) if each[0].load else 0, wanted.index(each[1].id)),
    )
    return tuple(
        Row(
            group=scope.load.title if scope.load else "",
            title=metric.title,
            subtitle=scope.route or (scope.load.level_title if scope.load else ""),
            place=scope.id,
            metric=metric.id,
            family=metric.id,
            noun=metric.title,
            price="{v}",
        )
        for scope, metric in ordered
    )
