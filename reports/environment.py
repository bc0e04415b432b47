"""What a report says of its machine, its run and its targets. Pure."""

from __future__ import annotations

import shlex

from msgspec import Struct, structs

from reports.analysis import Analysis

Pairs = tuple[tuple[str, str], ...]


class TargetFacts(Struct, frozen=True):
    """What is known of a target."""

    name: str
    facts: Pairs
    settings: tuple[tuple[str, str, str], ...]
    deviations: Pairs


def environment(analysis: Analysis) -> tuple[tuple[str, Pairs], ...]:
    """Title and facts: machine, placement, run, limits, database."""
    run = analysis.run
    host, placement, timing = run.host, run.plan.placement, run.plan.timing
    unknown = "the kernel does not say"
    generator = next((m.measurement.generator_versions for m in analysis.measured), {})
    harness = [m.measurement.harness_cpu_seconds / m.measurement.window_seconds for m in analysis.measured]
    return (
        (
            "Machine",
            (
                ("Host", host.name),
                ("System", f"{host.system}, kernel {host.kernel}"),
                ("Processor", f"{host.cpu_model}, {host.logical_cpus} logical CPUs on {host.physical_cores} cores"),
                ("Memory", f"{host.memory_bytes / 2**30:.1f} GiB"),
                ("Frequency governor", host.governor or unknown),
                ("Simultaneous multithreading", host.smt or unknown),
                ("Control groups", f"version {host.cgroup_version}" if host.cgroup_version else unknown),
                (
                    "Engine",
                    f"{run.engine.name} {run.engine.version}, API {run.engine.api_version}, {run.engine.storage_driver}",
                ),
            ),
        ),
        (
            "Placement",
            (
                ("Service", f"CPUs {placement.service}"),
                ("Database", f"CPUs {placement.database}"),
                ("Load generator", f"CPUs {placement.generator}"),
                ("Roles that share cores", " and ".join(placement.shared) or "none"),
                ("Why so", placement.reason),
            ),
        ),
        (
            "Run",
            (
                ("Command", shlex.join(run.command)),
                ("Run", f"{run.id}, started {run.started}"),
                ("fitmap", f"{run.fitmap_version}, revision {run.revision or 'unknown (no checkout)'}"),
                ("Method", f"version {run.method}, record schema {run.schema}"),
                ("Preset", run.plan.preset),
                ("Blocks", f"{timing.blocks}, order random within each, seed {run.plan.seed}"),
                ("Warm-up", f"{timing.warmup_seconds:g} s, prolonged to {timing.warmup_limit_seconds:g} s at most"),
                ("Measured window", f"{timing.measure_seconds:g} s"),
                *(
                    (
                        f"Profile {p.name}",
                        f"{p.title}: {', '.join(p.routes)}; {p.level.connections} connections, {p.level.kind} loop",
                    )
                    for p in run.plan.profiles
                ),
                ("Load generator", ", ".join(f"{k} {v}" for k, v in sorted(generator.items())) or "nothing measured"),
                ("The harness's own CPU use", f"{max(harness):.3f} cores at most" if harness else "nothing measured"),
            ),
        ),
        (
            "Limits of service and database",
            tuple((name.replace("_", " "), str(value)) for name, value in structs.asdict(run.configuration.limits).items()),
        ),
        (
            "Database",
            (
                ("Version", run.database_version),
                ("Checksum of the seed data", run.seed_checksum),
                *sorted(run.database_settings.items()),
            ),
        ),
    )


def target_facts(analysis: Analysis, name: str) -> TargetFacts:
    """A target's manifest, and what the service said of itself."""
    target = analysis.run.targets[name]
    meta = next((m.measurement.meta for m in analysis.measured if m.trial.target == name), {})
    reported = "; ".join(f"{key} {value}" for key, value in sorted(meta.items()))
    return TargetFacts(
        name,
        (
            ("Language", target.language),
            ("Class", target.target_class),
            ("Framework", target.framework),
            ("Database driver", target.driver),
            ("As the service itself reported", reported or "it never answered"),
        ),
        tuple((s.name, s.value, s.why) for s in target.settings),
        tuple((d.what, d.why) for d in target.deviations),
    )
