"""What the cost model takes from a record. Pure."""

from __future__ import annotations

from statistics import median

from harness.record.cpus import parse_cpu_list
from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.cost_model import Band, Basis, Rates
from reports.metrics.scopes import Load


def basis_of(analysis: Analysis) -> Basis:
    """Each target's rates at the saturated level of profiles `cpu`, `db` and `ping`, and what a held request takes, as far
    as they are in the record.
    """
    loads = {load.profile: load for load in reversed(analysis.loads) if load.kind == "closed" and not load.alone}
    db = loads.get("db")
    return Basis(
        rates=tuple(_rates(analysis, target, loads) for target in analysis.run.plan.targets),
        statements=_statements(analysis, db) if db else None,
        cores=len(parse_cpu_list(analysis.run.plan.placement.service)),
        connections=next((loads[profile].connections for profile in ("db", "cpu") if profile in loads), 0),
    )


def _rates(analysis: Analysis, target: str, loads: dict[str, Load]) -> Rates:
    def band(metric: str, profile: str) -> Band | None:
        return at(metric, loads.get(profile))

    def at(metric: str, load: Load | None) -> Band | None:
        found = analysis.estimate(metric, load.id, target) if load else None
        if found is None or isinstance(found, Missing):
            return None
        low, high = (found.median if bound is None else bound for bound in (found.low, found.high))
        return Band(low, found.median, high)

    # Where most are held, the base that is taken off counts least.
    held = sorted((load for load in analysis.loads if load.held), key=lambda load: -load.connections)
    return Rates(
        target=target,
        cpu=band("cpu", "cpu"),
        db=band("cpu", "db"),
        base=band("cpu", "ping"),
        database=band("database-cpu", "db"),
        memory=band("working-set", "db") or band("working-set", "cpu"),
        waiter=next((found for load in held if (found := at("waiter-memory", load))), None),
    )


def _statements(analysis: Analysis, load: Load) -> float | None:
    """Statements of a mean request: all that the database counted / all that was answered, warm-up included."""
    found = [
        sum(statement.executed for statement in m.level.statements) / requests
        for m in analysis.measured
        if m.load.id == load.id and m.valid and (requests := sum(window.requests for window in m.level.windows))
    ]
    return median(found) if found else None
