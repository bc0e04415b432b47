"""The cost model: what a service would cost on each target, for `fitmap advise` and the report's advisor.

For one request, from the record's measurements:

    service CPU  = cpu_ms x (CPU per request of the target on `cpu` / the same of the reference target)
                 + base + queries x (CPU per request on `db` - base) / statements of a mean `db` request
    database CPU = queries x database CPU per request on `db` / statements of a mean `db` request

    cores     = requests/s x service CPU / utilisation
    instances = max(least instances, cores / cores that an instance was measured on, rounded up)
    memory    = instances x headroom x (working set on `db` + waiters beyond the measured connections x memory per waiter)
    a month   = billed cores x price of a core + memory x price of a GiB + cores of the database x price of a core

`base` is the CPU per request on `ping`, the profile of an answer without work. If it was not measured, it is 0, with a
warning. Waiters are requests/s x wait_ms (Little's law), spread over the instances. An instance is billed at least
SMALLEST_CORES; the smallest sizes that a provider sells are not considered. Each cost includes the database: the same
queries for all, at the CPU time that they took with the target's driver.
reports/templates/advisor.js does the same calculation in the page, and a test compares the results of both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Literal

from msgspec import Struct

from harness.record.cpus import parse_cpu_list
from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.metrics.scopes import Load
from reports.stats.intervals import Estimate

HEADROOM = 1.5
SMALLEST_CORES = 0.1
#: Beyond this multiple of what was measured, linear extrapolation is a guess.
STRETCH = 10.0

#: The service that the page shows first: requests/s, ms of CPU, queries and ms of waiting per request.
EVERYDAY = (500.0, 0.2, 2.0, 0.0)

Bound = Literal["low", "mid", "high"]


class Interval(Struct, frozen=True):
    """A median with its interval. Both ends are the median if there is no interval."""

    low: float
    mid: float
    high: float

    def at(self, bound: Bound) -> float:
        """The value at one of the three bounds."""
        value: float = getattr(self, bound)
        return value


class Rates(Struct, frozen=True):
    """What a request and an instance of a target need. CPU in microseconds, memory in bytes. None: not in the record."""

    target: str
    cpu: Interval | None
    db: Interval | None
    base: Interval | None
    database: Interval | None
    memory: Interval | None
    waiter: Interval | None


class CostInputs(Struct, frozen=True):
    """The measurements that the model uses. `statements`: of a mean `db` request. `cores`: of a measured instance.
    `connections`: concurrent requests while memory was measured.
    """

    rates: tuple[Rates, ...]
    statements: float | None
    cores: int
    connections: int


class Requirements(Struct, frozen=True):
    """A service as the reader describes it. `rps`: requests/s. Per request: `cpu_ms` of pure work on the target `reference`,
    `queries`, and `wait_ms` of waiting for other services. Prices are per month, of a core and of a GiB. `utilisation`: the
    share of its cores that the service may use. `instances`: the least number of them.
    """

    rps: float
    cpu_ms: float
    queries: float
    wait_ms: float
    core_price: float
    memory_price: float
    reference: str
    utilisation: float = 0.6
    instances: int = 2


class CostEstimate(Struct, frozen=True):
    """The cost of a target per month, in the currency of the prices. `low` and `high` come from the measured intervals."""

    target: str
    cores: float
    instances: int
    memory_gib: float
    core_money: float
    memory_money: float
    database_money: float
    total: float
    low: float
    high: float


class CostAnswer(Struct, frozen=True):
    """Cost estimates, cheapest first; targets that can't be priced, with the reason; warnings. `decided`: the share of the
    highest cost that the cheapest target saves (0 to 1); None with fewer than two estimates.
    """

    bills: tuple[CostEstimate, ...]
    unpriced: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    decided: float | None


def answer(basis: CostInputs, need: Requirements) -> CostAnswer:
    """What a service with these requirements costs on each target."""
    reference = next((r.cpu.mid for r in basis.rates if r.target == need.reference and r.cpu), None)
    bills: list[CostEstimate] = []
    unpriced: list[tuple[str, str]] = []
    for rates in basis.rates:
        reason = _unmeasured(basis, rates, need, reference)
        if reason:
            unpriced.append((rates.target, reason))
        else:
            bills.append(_bill(basis, rates, need, reference or 1.0))
    bills.sort(key=lambda bill: (bill.total, bill.target))
    decided = 1 - bills[0].total / bills[-1].total if len(bills) > 1 and bills[-1].total > 0 else None
    return CostAnswer(tuple(bills), tuple(unpriced), warnings(basis, need, reference), decided)


def _unmeasured(basis: CostInputs, rates: Rates, need: Requirements, reference: float | None) -> str | None:
    """Why a target can't be priced."""
    if need.cpu_ms and rates.cpu is None:
        return "no valid trial of profile cpu, saturated"
    if need.cpu_ms and reference is None:
        return f"the reference {need.reference} has no valid trial of profile cpu, saturated"
    if need.queries and (rates.db is None or basis.statements is None):
        return "no valid trial of profile db, saturated"
    if rates.memory is None:
        return "its memory was not measured (profile db or cpu, saturated)"
    return None


def _bill(basis: CostInputs, rates: Rates, need: Requirements, reference: float) -> CostEstimate:
    low, mid, high = (_sums(basis, rates, need, reference, bound) for bound in ("low", "mid", "high"))
    cores, instances, memory, core_money, memory_money, database_money = mid
    return CostEstimate(
        target=rates.target,
        cores=cores,
        instances=int(instances),
        memory_gib=memory,
        core_money=core_money,
        memory_money=memory_money,
        database_money=database_money,
        total=sum(mid[3:]),
        low=sum(low[3:]),
        high=sum(high[3:]),
    )


def _sums(
    basis: CostInputs, rates: Rates, need: Requirements, reference: float, bound: Bound
) -> tuple[float, float, float, float, float, float]:
    """Cores, instances, GiB; and the money for cores, memory and database."""

    def of(band: Interval | None) -> float:
        return band.at(bound) if band else 0.0

    statements = basis.statements or 1.0
    base = of(rates.base)
    a_query = max(of(rates.db) - base, 0.0) / statements if rates.db else 0.0
    # The reader gave the work as measured on the reference target, so its own interval does not apply.
    scale = 1.0 if rates.target == need.reference else of(rates.cpu) / reference
    service = need.cpu_ms * 1000 * scale + base + need.queries * a_query
    cores = need.rps * service / 1e6 / need.utilisation
    instances = max(need.instances, math.ceil(cores / basis.cores))
    waiters = need.rps * need.wait_ms / 1000 / instances
    beyond = max(waiters - basis.connections, 0.0)
    memory = instances * HEADROOM * (of(rates.memory) + beyond * of(rates.waiter)) / 2**30
    database = need.rps * need.queries * of(rates.database) / statements / 1e6 / need.utilisation
    billed = max(cores, instances * SMALLEST_CORES)
    return cores, instances, memory, billed * need.core_price, memory * need.memory_price, database * need.core_price


def warnings(basis: CostInputs, need: Requirements, reference: float | None) -> tuple[str, ...]:
    """Warnings where the answer goes beyond what was measured."""
    found = []
    if all(rates.base is None for rates in basis.rates):
        found.append(
            "What a request costs apart from its work and its queries was not measured (profile ping): it is counted with "
            "the queries, and as nothing in a request without any."
        )
    if reference and need.cpu_ms * 1000 > STRETCH * reference:
        found.append(
            f"The measured requests of pure work take {reference / 1000:.2f} ms on {need.reference}: so much more work is "
            "extrapolated in a straight line."
        )
    if basis.statements and need.queries > STRETCH * basis.statements:
        found.append(
            f"The measured database requests have {basis.statements:.1f} statements: so many more are extrapolated in a "
            "straight line."
        )
    waiters = need.rps * need.wait_ms / 1000 / need.instances
    if waiters > basis.connections and any(rates.waiter is None for rates in basis.rates):
        found.append(
            f"Memory was measured with {basis.connections} requests under way, and here up to {waiters:,.0f} wait in an "
            "instance: what one more waiter takes was not measured (profile waiters), and is counted as nothing."
        )
    return tuple(found)


def cheapest_reference(rates: Sequence[Rates]) -> str:
    """The target with the least CPU per request of pure work; the first target if none was measured."""
    measured = [(r.cpu.mid, r.target) for r in rates if r.cpu]
    return min(measured)[1] if measured else rates[0].target


def cost_inputs(analysis: Analysis) -> CostInputs:
    """Each target's rates at the saturated level of profiles `cpu`, `db` and `ping`, and the memory of a held request, as
    far as the record has them.
    """
    loads = _saturated(analysis)
    db = loads.get("db")
    return CostInputs(
        rates=tuple(_rates(analysis, target, loads) for target in analysis.run.plan.targets),
        statements=_statements(analysis, db) if db else None,
        cores=len(parse_cpu_list(analysis.run.plan.placement.service)),
        connections=next((loads[profile].connections for profile in ("db", "cpu") if profile in loads), 0),
    )


def everyday(analysis: Analysis) -> Requirements:
    """The requirements that the page shows first."""
    basis, prices = cost_inputs(analysis), analysis.run.configuration.prices
    rps, cpu_ms, queries, wait_ms = EVERYDAY
    # The page does not ask for what the record can't price.
    if all(rates.cpu is None for rates in basis.rates):
        cpu_ms = 0.0
    if all(rates.db is None for rates in basis.rates) or basis.statements is None:
        queries = 0.0
    return Requirements(rps, cpu_ms, queries, wait_ms, prices.core_month, prices.gib_month, cheapest_reference(basis.rates))


def _rates(analysis: Analysis, target: str, loads: dict[str, Load]) -> Rates:
    def band(metric: str, profile: str) -> Interval | None:
        return at(metric, loads.get(profile))

    def at(metric: str, load: Load | None) -> Interval | None:
        found = analysis.estimate(metric, load.id, target) if load else None
        if found is None or isinstance(found, Missing):
            return None
        low, high = (found.median if bound is None else bound for bound in (found.low, found.high))
        return Interval(low, found.median, high)

    # The more requests are held, the less the subtracted base matters.
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


def estimates_used(analysis: Analysis, target: str, need: Requirements) -> tuple[Estimate, ...]:
    """The estimates from which a target's cost is computed, as far as the record has them."""
    loads = _saturated(analysis)
    memory = "db" if "db" in loads else "cpu"
    wanted = [("cpu", "ping"), ("working-set", memory)]
    wanted += [("cpu", "cpu")] if need.cpu_ms else []
    wanted += [("cpu", "db"), ("database-cpu", "db")] if need.queries else []
    found = [analysis.estimate(metric, loads[profile].id, target) for metric, profile in wanted if profile in loads]
    return tuple(each for each in found if each is not None and not isinstance(each, Missing))


def _saturated(analysis: Analysis) -> dict[str, Load]:
    """Profile -> its first saturated load."""
    return {load.profile: load for load in reversed(analysis.loads) if load.kind == "closed" and not load.alone}


def _statements(analysis: Analysis, load: Load) -> float | None:
    """Statements per mean request: all that the database counted / all answered requests, including warm-up."""
    found = [
        sum(statement.executed for statement in m.level.statements) / requests
        for m in analysis.measured
        if m.load.id == load.id
        and m.valid
        and not isinstance(m.level.statements, Missing)
        and m.trial.target not in analysis.unranked
        and (requests := sum(window.requests for window in m.level.windows))
    ]
    return median(found) if found else None
