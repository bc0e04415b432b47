"""Finds the routes by which the tail of a load is ranked and shown.

The 99th percentile of a mix is that of its dearest statement. It tells nothing about the other requests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.metrics.scopes import Load, Scope, route_scopes
from reports.stats.intervals import Estimate

TAIL = "p99"


def told_routes(analysis: Analysis, load: Load) -> tuple[Scope, ...]:
    """The routes of a mix of which at least one target has a 99th percentile."""
    return tuple(s for s in route_scopes(load) if any(isinstance(found, Estimate) for found in _found(analysis, s)))


def untold_routes(analysis: Analysis, load: Load) -> dict[str, list[str]]:
    """Reason -> the other routes of a mix. The reason is that of the first target that has one."""
    told, found = told_routes(analysis, load), defaultdict(list)
    for scope in route_scopes(load):
        if scope not in told:
            reasons = (each.reason for each in _found(analysis, scope) if isinstance(each, Missing))
            found[next(reasons, "not measured")].append(scope.route)
    return dict(found)


def tail_route(analysis: Analysis, load: Load) -> str:
    """The route whose tail stands for that of a mix: the first one that has any. Empty: the tail is that of the load."""
    return next((scope.route for scope in told_routes(analysis, load)), "")


def _found(analysis: Analysis, scope: Scope) -> Iterator[Estimate | Missing | None]:
    return (analysis.estimate(TAIL, scope.id, target) for target in analysis.run.plan.targets)
