"""Report section for memory-floor trials: the least memory for a modest load, its price, and all probes."""

from __future__ import annotations

from harness.record.measurement import Missing
from harness.record.plan import Profile
from harness.record.trial_result import FloorMeasurement, FloorProbe
from reports.analysis.analysis import Analysis
from reports.sections.elements import Row, Section, Table
from reports.sections.metric_figures import scope_figures
from reports.units import number, quantity

NONE = "–"
MIB = 2.0**20
#: The load that a memory floor is scaled to, requests/s.
SCALED_TO = 1000.0


def floor_section(analysis: Analysis, profile: Profile, name: str) -> Section:
    """The section: memory floors, why the next lower limit failed, and all probes."""
    scope = next(scope for scope in analysis.scopes if scope.id == profile.name)
    rows: list[Row] = []
    probes: list[Row] = []
    for single in (single for single in analysis.singles if single.trial.target not in analysis.unranked):
        if single.trial.profile == profile.name and isinstance(single.whole, FloorMeasurement):
            rows.append(_row(analysis, single.trial.target, single.whole))
            probes += [_probe_row(single.trial.target, probe) for probe in single.whole.probes]
    objective = analysis.run.configuration.slo
    headers = (
        "Target", "Memory floor", "Next lower limit", "Why that fails", "Working set at the floor",
        "CPU per request at the floor",
        "CPU per request with most memory", f"GiB for {SCALED_TO:,.0f} requests/s", "Its price per month", "Probes",
    )  # fmt: skip
    rate = profile.levels[0].rate if profile.levels else 0.0
    return Section(
        profile.title,
        scope_figures(analysis, scope, name),
        f"Each probe is a fresh container with its own memory limit, at {rate:g} requests/s. It passes if "
        f"{objective.percent:g} % of the scheduled requests are answered within "
        f"{objective.milliseconds:g} ms, no request fails and nothing is killed. "
        "The floor passed three times, and the next lower limit failed twice. Runtimes are sized by their own "
        f"documented settings. {SCALED_TO:,.0f} requests/s are shared out to instances of that size and rate.",
        tables=(
            Table("Memory floors", headers, tuple(rows)),
            Table(
                "Probes in their order",
                ("Target", "Limit", "Passed", "In time", "Working set", "CPU per request", "Reason"),
                tuple(probes),
            ),
        ),
    )


def _held(found: FloorMeasurement, limit: int) -> list[FloorProbe]:
    return [probe for probe in found.probes if probe.memory_mib == limit and probe.passed]


def _row(analysis: Analysis, target: str, found: FloorMeasurement) -> Row:
    floor = found.floor_mib
    count = str(len(found.probes))
    if isinstance(floor, Missing):
        return (target, NONE, NONE, floor.reason, NONE, NONE, NONE, NONE, NONE, count)
    below = [probe for probe in found.probes if probe.memory_mib == floor - found.step_mib and not probe.passed]
    gib = floor * MIB / 2**30 * SCALED_TO / found.rate
    prices = analysis.run.configuration.prices
    most = max(probe.memory_mib for probe in found.probes if probe.passed)
    at, wide = _held(found, floor), _held(found, most)
    return (
        target,
        quantity(floor * MIB, "bytes") if found.step_mib else f"{floor} MiB or less",
        quantity((floor - found.step_mib) * MIB, "bytes") if found.step_mib else "no lower limit is possible",
        below[-1].reason if below else NONE,
        _bytes(at[-1].working_set_bytes),
        _microseconds(at[-1].cpu_microseconds),
        f"{_microseconds(wide[-1].cpu_microseconds)} ({most} MiB)",
        f"{number(gib)}\u00a0GiB",
        f"{number(gib * prices.gib_month)}\u00a0{prices.currency}",
        count,
    )


def _probe_row(target: str, probe: FloorProbe) -> Row:
    return (
        target,
        f"{probe.memory_mib}\u00a0MiB",
        "yes" if probe.passed else "no",
        NONE if probe.working_set_bytes is probe.cpu_microseconds is None else f"{probe.in_time:.1%}",
        _bytes(probe.working_set_bytes),
        _microseconds(probe.cpu_microseconds),
        probe.reason,
    )


def _bytes(value: float | None) -> str:
    return NONE if value is None else quantity(value, "bytes")


def _microseconds(value: float | None) -> str:
    return NONE if value is None else quantity(value, "microseconds")
