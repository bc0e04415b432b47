"""Report section for the environment: machine, run, settings and targets."""

from __future__ import annotations

import shlex

from msgspec import Struct, structs

from harness.record.external import NOT_STARTED, External
from harness.record.method import MAX_PROLONGED, SHORT_SECONDS
from harness.record.own import IMAGE_USER, Own
from harness.record.plan import Profile, Target, Variant
from harness.record.run import Run
from loadtests.protocol.capacity_search import CEILING_SHARE
from reports.analysis.analysis import Analysis
from reports.analysis.caveats import WINDOWS
from reports.analysis.reported import reported
from reports.sections.variants import changes_of
from reports.units import quantity

#: Of all that a service which fitmap did not start has.
UNKNOWN = f"not known: {NOT_STARTED.reason}"

Pairs = tuple[tuple[str, str], ...]


class TargetFacts(Struct, frozen=True):
    """The facts about a target: manifest, settings, deviations."""

    name: str
    facts: Pairs
    settings: tuple[tuple[str, str, str], ...]
    deviations: Pairs


def environment(analysis: Analysis) -> tuple[tuple[str, Pairs], ...]:
    """Titles with their facts: machine, placement, run, limits, database."""
    run = analysis.run
    return (
        ("Machine", _machine(run)),
        ("Placement", _placement(run)),
        ("Run", _run(analysis)),
        ("Limits of service and database", _limits(run)),
        (
            "Database",
            (
                ("Version", run.database_version),
                ("Checksum of the seed data", run.seed_checksum),
                *sorted(run.database_settings.items()),
            )
            if run.database_version
            else (
                ("Version", UNKNOWN if run.elsewhere else "none of fitmap's: the services bring their own, or have none"),
            ),
        ),
    )


def _limits(run: Run) -> Pairs:
    if run.elsewhere:
        return (("Service", UNKNOWN), ("Database", UNKNOWN))
    limits = structs.asdict(run.configuration.limits)
    if not any(level.kind == "held" for profile in run.plan.profiles for level in profile.levels):
        # Older runs did not limit open files, but their records read as if they had. With few connections it has no effect.
        del limits["open_files"]
    return tuple((name.replace("_", " "), str(value)) for name, value in limits.items())


def _machine(run: Run) -> Pairs:
    host, unknown = run.host, "not reported by the kernel"
    return (
        ("Host", host.name),
        ("System", f"{host.system}, kernel {host.kernel}"),
        ("Processor", f"{host.cpu_model}, {host.logical_cpus} logical CPUs on {host.physical_cores} cores"),
        ("Memory", f"{host.memory_bytes / 2**30:.1f} GiB"),
        ("Frequency governor", host.governor or unknown),
        ("Simultaneous multithreading", host.smt or unknown),
        ("Control groups", f"version {host.cgroup_version}" if host.cgroup_version else unknown),
        ("Engine", f"{run.engine.name} {run.engine.version}, API {run.engine.api_version}, {run.engine.storage_driver}"),
    )


def _placement(run: Run) -> Pairs:
    placement = run.plan.placement
    if run.elsewhere:
        return (("Service", UNKNOWN), ("Database", UNKNOWN), ("Load generator", f"CPUs {placement.generator}"))
    return (
        ("Service", f"CPUs {placement.service}"),
        ("Database", f"CPUs {placement.database}"),
        ("Load generator", f"CPUs {placement.generator}"),
        ("Roles that share cores", " and ".join(placement.shared) or "none"),
        ("Reason", placement.reason),
    )


def _run(analysis: Analysis) -> Pairs:
    run = analysis.run
    timing, objective = run.plan.timing, run.configuration.slo
    # One entry per trial: all levels of a trial carry the same measurement.
    trials = list({m.trial.id: m.whole for m in analysis.measured}.values())
    generator = trials[0].generator_versions if trials else {}
    harness = [trial.harness_cpu_seconds / trial.loaded_seconds for trial in trials if trial.loaded_seconds]
    return (
        ("Command", shlex.join(run.command)),
        ("Run", f"{run.id}, started {run.started}"),
        ("fitmap", f"{run.fitmap_version}, revision {run.revision or 'unknown (no checkout)'}"),
        ("Method", f"version {run.method}, record schema {run.schema}"),
        ("Preset", run.plan.preset),
        ("Blocks", f"{timing.blocks}, order random within each, seed {run.plan.seed}"),
        ("Warm-up", f"{timing.warmup_seconds:g} s, prolonged to {timing.warmup_limit_seconds:g} s at most"),
        ("Settling time before each further level", f"{timing.settle_seconds:g} s"),
        ("Starts", f"{timing.starts} with a warm and {timing.starts} with a cold page cache in each start-up trial"),
        (
            "Measured window",
            f"{timing.measure_seconds:g} s; at shares and single routes {min(timing.measure_seconds, SHORT_SECONDS):g} s; "
            f"at a rate up to {MAX_PROLONGED * timing.measure_seconds:g} s, if that gives a 99th percentile",
        ),
        *((f"Profile {p.name}", _profile(p, analysis)) for p in run.plan.profiles),
        ("Objective", f"{objective.percent:g} % of all requests answered as expected within {objective.milliseconds:g} ms"),
        ("Load generator", ", ".join(f"{k} {v}" for k, v in sorted(generator.items())) or "nothing measured"),
        ("CPU use of the harness itself", f"{max(harness):.3f} cores at most" if harness else "nothing measured"),
    )


def _profile(profile: Profile, analysis: Analysis) -> str:
    if profile.kind != "load":
        return f"{profile.title}: {profile.question}"
    levels = [load.level_title for load in analysis.loads if load.profile == profile.name]
    levels += ["search for capacity"] * any(level.kind == "capacity" for level in profile.levels)
    return f"{profile.title}: {', '.join(profile.routes)}; {profile.connections} connections; {', '.join(levels)}"


def calibration_facts(run: Run) -> Pairs:
    """The calibration: the load generator's highest rates, and how well it measured known delays."""
    made = run.calibration
    share = f"a level may use up to {CEILING_SHARE:.0%} of it"
    return (
        ("Calibrated", f"{made.made}, with {made.workers} worker{'' if made.workers == 1 else 's'}"),
        ("Valid for", f"{made.placement}; load image {made.load_image}"),
        (
            "Closed loop against a server with a fixed answer",
            f"{quantity(made.closed_ceiling, 'requests/s')}; {share}" if made.closed_ceiling else "not measured",
        ),
        (
            "Highest open rate that was sent on time",
            f"{quantity(made.open_ceiling, 'requests/s')}, 99 % of the requests sent at most "
            f"{quantity(made.open_lag_p99_microseconds, 'microseconds')} late; {share}"
            if made.open_ceiling
            else "none",
        ),
        (
            "Response time of the path itself",
            f"{quantity(made.path_p50_microseconds, 'microseconds')} (p50, one connection)",
        ),
        *(
            (
                f"A known delay of {check.injected:g} ms",
                f"measured as {check.p50:.2f} ms at p50, {check.p99:.2f} ms at p99; by the server's own clock it was "
                f"{check.injected_p50:.2f} and {check.injected_p99:.2f} ms (path without the delay: "
                f"{check.path:.2f} ms{f' and {check.path_p99:.2f} ms' if check.path_p99 else ''})",
            )
            for check in made.delays
        ),
        (
            f"A stall of {made.stall_milliseconds:g} ms under an open loop",
            f"measured as {made.stall_p95:.0f} ms at p95; expected in theory: {made.stall_p95_theory:.0f} ms",
        ),
        ("Problems", "; ".join(made.problems) or "none: the generator's measurements can be trusted"),
        *([("At the 99th percentile", "; ".join(made.tail_problems))] if made.tail_problems else []),
    )


def target_facts(analysis: Analysis, name: str) -> TargetFacts:
    """A target's manifest, and what the service reported about itself."""
    target = analysis.run.targets[name]
    meta = reported(analysis).get(name, {})
    said = "; ".join(f"{key} {value}" for key, value in sorted(meta.items()))
    if isinstance(target.external, External):
        return TargetFacts(name, _external_facts(target, target.external), (), ())
    if isinstance(target.own, Own):
        return TargetFacts(name, _own_facts(target, target.own), (), ())
    return TargetFacts(
        name,
        (
            ("Language", target.language),
            ("Class", target.target_class),
            ("Framework", target.framework),
            ("Database driver", target.driver),
            ("Reported by the service itself", said or "the service never answered"),
            *(_variant_facts(target.variant) if target.variant else ()),
        ),
        tuple((s.name, s.value, s.why) for s in target.settings),
        tuple((d.what, d.why) for d in target.deviations),
    )


def _own_facts(target: Target, own: Own) -> Pairs:
    """What the manifest of a team's own service says."""
    image = own.image.use or f"built from {own.image.build} ({own.image.dockerfile})"
    beside = ", ".join(f"{each.name} ({each.image})" for each in own.beside)
    return (
        ("Language", target.language),
        ("Class", "own: compared with nobody but its own variants and its other versions"),
        *((("Framework", target.framework),) if target.framework else ()),
        ("Image", image),
        ("Ready when it answers 200 on", own.health),
        ("User", "the image's own" if own.user == IMAGE_USER else own.user),
        ("Database", own.database.image if own.database else "none"),
        *((("Beside it", beside),) if beside else ()),
        ("Parts of the contract that it keeps", ", ".join(own.keeps) or "none"),
        *(_variant_facts(target.variant) if target.variant else ()),
    )


def _external_facts(target: Target, external: External) -> Pairs:
    return (
        ("Language", target.language),
        ("Class", "own: compared with nobody but itself at other times"),
        ("Address", external.url),
        ("Certificate", _certificate(external)),
        ("Most requests a second (fuse)", f"{external.most_requests_per_second:,}"),
        ("Most connections", f"{external.most_connections:,}" if external.most_connections else "not set"),
        ("Starts", f"none: each trial meets the same process. Of each figure {WINDOWS}"),
    )


def _certificate(external: External) -> str:
    if not external.secure:
        return "none: http"
    return f"verified, by {external.ca}" if external.ca else "verified"


def _variant_facts(variant: Variant) -> Pairs:
    departures = "; ".join(f"{each.name}: {each.value} ({each.why})" for each in variant.deviations)
    return (
        ("Variant of", variant.base),
        ("What is changed", changes_of(variant)),
        *((("Departures from the class of the base", departures),) if departures else ()),
    )
