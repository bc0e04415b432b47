"""The commands that need the engine or plan for it: bench, plan, build, selftest, loadgen, doctor, clean. They print."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime

from harness import doctor, host
from harness.build import build_all, choose_set
from harness.calibrate import calibrate
from harness.config import PRESET_LEVELS, Config, choose, override, read_config, timing
from harness.containers import clean
from harness.engine import connect, try_connect
from harness.images import ROOT, graph
from harness.instruments import Bench
from harness.loadgen import WITNESS, agree, compare
from harness.model import Plan, Profile, Target
from harness.placement import cpu_list, place
from harness.plan import make_plan, plan_seconds
from harness.profiles import find_profiles, narrow, relevel
from harness.reading import write_report
from harness.record import Record, read_record
from harness.run import begin_record, check_resumable, check_space, describe_run, loaded_share, locate, new_id, run_trials
from harness.selftest import selftest
from harness.targets import find_targets, image_of, with_twins
from harness.terminal import Terminal

EXIT_INCOMPLETE = 3


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else None


def configure(options: argparse.Namespace) -> Config:
    """The configuration of a command line."""
    config = read_config(options.config)
    given = vars(options)
    if "preset" in given:
        config = override(
            config,
            "run",
            preset=options.preset,
            targets=_names(options.targets),
            profiles=_names(options.profiles),
            levels=_names(options.levels),
            seed=options.seed,
        )
        config = override(
            config, "timing", blocks=options.blocks, warmup_seconds=options.warmup, measure_seconds=options.measure
        )
    if "image_set" in given:
        config = override(config, "engine", image_set=options.image_set, install=options.install_engine)
    return config


def _planned(config: Config, route: str | None, twins: bool) -> tuple[Plan, dict[str, Target]]:
    known = find_targets(ROOT / "services")
    profiles: dict[str, Profile] = find_profiles(ROOT / "loadtests")
    targets = {name: known[name] for name in choose(config.run.targets, known, "target")}
    if twins:
        targets = with_twins(targets)
    unasked = tuple(name for name, profile in profiles.items() if profile.default)
    wanted = choose(config.run.profiles or unasked, profiles, "profile")
    # Levels that were asked for are all that is wanted; a preset adds to a profile's own.
    more = () if config.run.levels else PRESET_LEVELS[config.run.preset]
    levelled = relevel(tuple(profiles[name] for name in wanted), config.run.levels, more)
    plan = make_plan(
        seed=config.run.seed,
        preset=config.run.preset,
        timing=timing(config),
        targets=tuple(targets),
        profiles=narrow(levelled, route),
        placement=place(host.topology(), config.run.service_cores),
    )
    return plan, targets


def bench(options: argparse.Namespace, terminal: Terminal) -> int:
    """Build what is needed, measure, write the report."""
    begun = time.monotonic()
    config = configure(options)
    check_space(options.runs)
    if options.resume is not None:
        record = read_record(locate(options.runs, options.resume))
        config, plan, image_set = record.run.configuration, record.run.plan, record.run.image_set
        targets = dict(record.run.targets)
        if not record.pending():
            terminal.say(f"run {record.run.id} is complete: nothing to resume")
            return _finish(record, terminal)
    else:
        plan, targets = _planned(config, options.route, options.twins)
        record, image_set = None, config.engine.image_set
    client = connect(config.engine.install, terminal.say)
    removed = clean(client)
    if removed:
        terminal.say(f"removed {removed} containers that a killed run had left")
    image_set = choose_set(image_set, terminal.say)
    needed = tuple(dict.fromkeys(("database", "load", *(image_of(target) for target in plan.targets))))
    builds = graph(needed, image_set)
    terminal.say(f"images: {len(builds)} needed for {', '.join(plan.targets)}")
    made = build_all(client, builds, terminal.say)
    images = {name: made[image_of(name)] for name in ("database", "load", *plan.targets)}
    if record is None:
        bench = Bench(images["load"].id, plan.placement, config)
        calibration = calibrate(client, bench, terminal.say)
        record = begin_record(
            options.runs,
            describe_run(
                client,
                run_id=new_id(datetime.now(UTC), options.runs),
                config=config,
                configuration_text=options.config.read_text() if options.config.exists() else "",
                command=("fitmap", *sys.argv[1:]),
                plan=plan,
                targets=targets,
                images=images,
                image_set=image_set,
                calibration=calibration,
            ),
        )
    else:
        check_resumable(record, images)
    terminal.say(
        f"set up in {time.monotonic() - begun:.0f} s; {len(record.pending())} trials, "
        f"{plan_seconds(plan) * len(record.pending()) / len(plan.trials) / 60:.0f} min, record in {record.folder}"
    )
    record = run_trials(client, record, terminal.say, terminal.progress)
    terminal.say(f"{loaded_share(record):.0%} of the trials' wall time was warm-up or measured window")
    return _finish(record, terminal)


def _finish(record: Record, terminal: Terminal) -> int:
    """Write the report and say where it is; the exit status."""
    print(write_report(record, terminal))
    cells = {(trial.target, trial.profile) for trial in record.run.plan.trials}
    valid = {(r.trial.target, r.trial.profile) for r in record.results if r.verdict == "valid"}
    for target, profile in sorted(cells - valid):
        terminal.say(f"no valid trial of {target} on {profile}: the report says why")
    return EXIT_INCOMPLETE if cells - valid else 0


def plan_only(options: argparse.Namespace, _terminal: Terminal) -> int:
    """Show what bench would do."""
    plan, _ = _planned(configure(options), options.route, options.twins)
    print(
        f"preset {plan.preset}, seed {plan.seed}: {len(plan.trials)} trials, "
        f"{plan_seconds(plan) / 60:.0f} min in all, images and calibration not counted"
    )
    print(
        f"CPUs: service {plan.placement.service}, database {plan.placement.database}, "
        f"generator {plan.placement.generator} ({plan.placement.reason})"
    )
    for profile in plan.profiles:
        levels = ", ".join(level.name for level in profile.levels)
        print(f"profile {profile.name}: {profile.question} {profile.connections} connections; levels {levels}")
    for trial in plan.trials:
        print(f"  block {trial.block}  {trial.id}")
    return 0


def build(options: argparse.Namespace, terminal: Terminal) -> int:
    """Build images without measuring."""
    config = configure(options)
    extra = ("database", "load", "load-comparison")
    targets = find_targets(ROOT / "services")
    wanted = choose(tuple(options.names), {**targets, **dict.fromkeys(extra)}, "target") if options.names else tuple(targets)
    client = connect(config.engine.install, terminal.say)
    names = tuple(dict.fromkeys(("database", "load", *wanted)))
    images = build_all(client, graph(names, choose_set(config.engine.image_set, terminal.say)), terminal.say)
    for name in names:
        print(f"{name}  {images[name].size_bytes / 1e6:.1f} MB  {images[name].id}")
    return 0


def examine(_options: argparse.Namespace, _terminal: Terminal) -> int:
    """Whether this machine can measure."""
    findings = doctor.examine(try_connect())
    for finding in findings:
        print(f"{finding.grade:<5} {finding.text}")
    return 4 if any(finding.grade == "bad" for finding in findings) else 0


def compare_generators(options: argparse.Namespace, terminal: Terminal) -> int:
    """The load generator against public ones."""
    config = configure(options)
    client = connect(config.engine.install, terminal.say)
    clean(client)
    image_set = choose_set(config.engine.image_set, terminal.say)
    names = ("load-comparison", "database", WITNESS)
    made = build_all(client, graph(names, image_set), terminal.say)
    images = {name: made[name].id for name in names}
    status = compare(client, images["load-comparison"], cpu_list([cpu.number for cpu in host.topology()]), print)
    placement = place(host.topology(), config.run.service_cores)
    return max(status, agree(client, images, placement, config, print))


def self_test(options: argparse.Namespace, terminal: Terminal) -> int:
    """Inject what is known and measure it."""
    config = configure(options)
    client = connect(config.engine.install, terminal.say)
    clean(client)
    image = build_all(client, graph(("load",), choose_set(config.engine.image_set, terminal.say)), terminal.say)["load"]
    bench = Bench(image.id, place(host.topology(), config.run.service_cores), config)
    return selftest(client, bench, terminal.say, print)


def sweep(_options: argparse.Namespace, terminal: Terminal) -> int:
    """Remove what a killed run left."""
    client = try_connect()
    if client is None:
        terminal.say("no engine answers: nothing can be running")
        return 0
    print(f"removed {clean(client)} containers")
    return 0
