"""The commands that need the engine or plan for it: bench, plan, build, selftest, loadgen, doctor, clean. They print."""

from __future__ import annotations

import argparse
import time

import docker

from harness.calibration import doctor
from harness.calibration.generator_comparison import WITNESS, agree, compare
from harness.calibration.reference_servers import Bench
from harness.calibration.self_test import selftest
from harness.cli.report import write_report
from harness.cli.terminal import Terminal
from harness.containers.builder import Image, build_all, choose_set
from harness.containers.engine import connect, try_connect
from harness.containers.images import ROOT, graph
from harness.containers.lifecycle import clean
from harness.host import machine
from harness.plan.config_file import Config, choose, override, read_config
from harness.plan.placement import cpu_list, place
from harness.plan.schedule import trials_seconds
from harness.plan.targets import find_targets, with_twins
from harness.record.writer import Record, read_record
from harness.run.runner import check_resumable, check_space, locate
from harness.run.setup import chosen_targets, helpers_of, made_images, measure, measure_new, planned, ready_engine

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


def bench(options: argparse.Namespace, terminal: Terminal) -> int:
    """Build what is needed, measure, write the report."""
    begun = time.monotonic()
    config = configure(options)
    check_space(options.runs)
    if options.resume is not None:
        record = read_record(locate(options.runs, options.resume))
        if not record.pending():
            terminal.say(f"run {record.run.id} is complete: nothing to resume")
            return _finish(record, terminal)
        client = ready_engine(record.run.configuration, terminal)
        check_resumable(record, _images_of(client, record, terminal))
        return _finish(measure(client, record, begun, terminal), terminal)
    targets = chosen_targets(config)
    record = measure_new(config, options, with_twins(targets, targets) if options.twins else targets, terminal)
    return _finish(record, terminal)


def _images_of(client: docker.DockerClient, record: Record, terminal: Terminal) -> dict[str, Image]:
    plan = record.run.plan
    return made_images(client, helpers_of(plan), plan.targets, record.run.image_set, terminal)


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
    config = configure(options)
    targets = chosen_targets(config)
    if options.twins:
        targets = with_twins(targets, targets)
    plan = planned(config, options.route, targets)
    print(
        f"preset {plan.preset}, seed {plan.seed}: {len(plan.trials)} trials, "
        f"{sum(trials_seconds(plan, targets).values()) / 60:.0f} min in all, images and calibration not counted"
    )
    print(
        f"CPUs: service {plan.placement.service}, database {plan.placement.database}, "
        f"generator {plan.placement.generator} ({plan.placement.reason})"
    )
    for profile in plan.profiles:
        levels = ", ".join(level.name for level in profile.levels)
        load = (
            f" {profile.connections} connections; levels {levels}" if profile.kind == "load" else f" (kind {profile.kind})"
        )
        print(f"profile {profile.name}: {profile.question}{load}")
    for trial in plan.trials:
        print(f"  block {trial.block}  {trial.id}")
    return 0


def build(options: argparse.Namespace, terminal: Terminal) -> int:
    """Build images without measuring."""
    config = configure(options)
    extra = ("database", "load", "proxy", "load-comparison")
    targets = find_targets(ROOT / "services")
    wanted = choose(tuple(options.names), {**targets, **dict.fromkeys(extra)}, "target") if options.names else tuple(targets)
    client = connect(config.engine.install, terminal.say)
    # Without names all that a full run needs.
    names = tuple(dict.fromkeys(("database", "load", *(() if options.names else ("proxy",)), *wanted)))
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
    status = compare(client, images["load-comparison"], cpu_list([cpu.number for cpu in machine.topology()]), print)
    placement = place(machine.topology(), config.run.service_cores)
    return max(status, agree(client, images, placement, config, print))


def self_test(options: argparse.Namespace, terminal: Terminal) -> int:
    """Inject what is known and measure it."""
    config = configure(options)
    client = connect(config.engine.install, terminal.say)
    clean(client)
    image = build_all(client, graph(("load",), choose_set(config.engine.image_set, terminal.say)), terminal.say)["load"]
    bench = Bench(image.id, place(machine.topology(), config.run.service_cores), config)
    return selftest(client, bench, terminal.say, print)


def sweep(_options: argparse.Namespace, terminal: Terminal) -> int:
    """Remove what a killed run left."""
    client = try_connect()
    if client is None:
        terminal.say("no engine answers: nothing can be running")
        return 0
    print(f"removed {clean(client)} containers")
    return 0
