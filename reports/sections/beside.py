"""Report section for what stands beside a team's own services: their databases, and companions such as a cache."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.metrics.level_stats import cpu_per_request_microseconds
from reports.sections.elements import Row, Section, Table
from reports.units import quantity

#: The roles that every trial has.
USUAL = ("service", "generator", "proxy")


def beside_sections(analysis: Analysis) -> tuple[Section, ...]:
    """One section, if an own service has anything beside it: CPU time per request and memory of each such container."""
    rows = tuple(_rows(analysis))
    if not rows:
        return ()
    headers = ("Target", "Load", "Container", "CPU time per request", "Memory")
    note = "All of them run on the database's CPUs. Their work is no part of the service's CPU per request."
    return (Section("Beside the service", (), note, tables=(Table("Medians over valid trials", headers, rows),)),)


def _rows(analysis: Analysis) -> Iterator[Row]:
    own = [name for name in (*analysis.run.plan.targets, *analysis.unranked) if analysis.run.targets[name].own]
    for target in own:
        for load in analysis.loads:
            levels = [m.level for m in analysis.cell(target, load)]
            for role in dict.fromkeys(role for level in levels for role in level.usage if role not in USUAL):
                cpu = [cpu_per_request_microseconds(role, level) for level in levels]
                known = [each for each in cpu if not isinstance(each, Missing)]
                memory = [u.working_set_bytes for level in levels if (u := level.usage.get(role))]
                sizes = [each for each in memory if not isinstance(each, Missing)]
                yield (
                    target,
                    load.title,
                    role,
                    quantity(median(known), "microseconds") if known else "not known",
                    quantity(median(sizes), "bytes") if sizes else "not known",
                )
