"""The command line. Only this module and harness/terminal.py print; only this one exits."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from docker.errors import DockerException

from harness import doctor, host
from harness.build import build_all, choose_set
from harness.calibrate import calibrate
from harness.config import PRESET_LEVELS, PRESETS, Config, choose, override, read_config, timing
from harness.containers import clean
from harness.engine import connect, try_connect
from harness.errors import EngineError, FitmapError, UsageError
from harness.images import ROOT, graph
from harness.instruments import Bench
from harness.loadgen import WITNESS, agree, compare
from harness.measurement import Missing
from harness.model import Plan, Profile, Target
from harness.placement import cpu_list, place
from harness.plan import make_plan, plan_seconds
from harness.profiles import find_profiles, narrow, relevel
from harness.record import Record, read_record
from harness.run import (
    begin_record,
    check_resumable,
    check_space,
    describe_run,
    find_records,
    loaded_share,
    locate,
    new_id,
    run_trials,
)
from harness.selftest import selftest
from harness.targets import find_targets, image_of, with_twins
from harness.terminal import Terminal

EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130

DESCRIPTION = """\
fitmap measures where each language wins: identical tiny services in containers, each with its own PostgreSQL,
driven by Locust, rendered into one HTML report.

  fitmap bench                       all targets, all profiles, preset quick (about twenty minutes)
  fitmap bench --preset smoke        the same in two minutes: does everything work?
  fitmap bench --target go,rust --profile db
  fitmap bench --resume              go on with the newest run that was interrupted
  fitmap plan                        what bench would do, and how long it would take; touches nothing
  fitmap selftest                    can this machine measure? (some minutes: what is injected against what is measured)
  fitmap report runs/<id>            make the report anew from a record, anywhere, without Docker
"""

EPILOG = """\
Settings live in fitmap.toml (all of them: docs/configuration.md); the command line wins over it.
Exit status: 0 done, 2 wrong usage, 3 a target has no valid trial, 4 the engine or the disk failed, 130 interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `fitmap`; exits with the status that EPILOG names."""
    options = _parser().parse_args(arguments)
    # A cancelled CI job gets SIGTERM: it must clean up as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    terminal = Terminal()
    try:
        status = options.run(options, terminal)
    except FitmapError as error:
        terminal.say(f"fitmap: {error}")
        status = error.exit_status
    except DockerException as error:
        # An engine that is lost in the middle of things; whatever could be told apart has been.
        terminal.say(f"fitmap: the Docker Engine failed ({error}): see that it runs, `fitmap doctor` looks")
        status = EngineError.exit_status
    except KeyboardInterrupt:
        terminal.say("fitmap: interrupted; finished trials are kept, `fitmap bench --resume` goes on")
        status = EXIT_INTERRUPTED
    raise SystemExit(status)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fitmap", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=ROOT / "fitmap.toml", help="settings (default: fitmap.toml)")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="where records are kept (default: runs/)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    bench = commands.add_parser("bench", help="build what is needed, measure, write the report")
    _add_selection(bench)
    _add_engine(bench)
    bench.add_argument("--resume", nargs="?", const="", metavar="ID", help="go on with an interrupted run (default: newest)")
    bench.set_defaults(run=_bench)

    plan = commands.add_parser("plan", help="show the trials that bench would run, and how long they take")
    _add_selection(plan)
    plan.set_defaults(run=_plan)

    build = commands.add_parser("build", help="build images without measuring")
    build.add_argument("names", nargs="*", metavar="TARGET", help="targets (default: all), or load-comparison")
    _add_engine(build)
    build.set_defaults(run=_build)

    report = commands.add_parser("report", help="make a record's report anew; needs no engine")
    report.add_argument("record", nargs="?", help="a record's folder or id (default: the newest)")
    report.set_defaults(run=_report)

    repeat = commands.add_parser("repeatability", help="how a record scatters over trials, and whether twins differ")
    repeat.add_argument("record", nargs="?", help="a record's folder or id (default: the newest)")
    repeat.set_defaults(run=_repeatability)

    listing = commands.add_parser("list", help="list targets, profiles, presets and records")
    listing.set_defaults(run=_list)

    test = commands.add_parser("selftest", help="inject what is known, measure it, and say whether this machine can measure")
    _add_engine(test)
    test.set_defaults(run=_selftest)

    examine = commands.add_parser("doctor", help="check whether this machine can measure; changes nothing")
    examine.set_defaults(run=_doctor)

    loadgen = commands.add_parser("loadgen", help="compare the load generator with wrk and FastHttpUser on this machine")
    _add_engine(loadgen)
    loadgen.set_defaults(run=_loadgen)

    sweep = commands.add_parser("clean", help="remove the containers that a killed run left behind")
    sweep.set_defaults(run=_clean)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", help=f"how long and how often: {', '.join(PRESETS)} (default: quick)")
    parser.add_argument("--target", "--targets", dest="targets", metavar="A,B", help="only these targets")
    parser.add_argument("--profile", "--profiles", dest="profiles", metavar="A,B", help="only these profiles")
    parser.add_argument(
        "--level",
        "--levels",
        dest="levels",
        metavar="A,B",
        help="instead of the profiles' own: saturate, a rate such as 500/s, a share such as 50%%, curve, routes, capacity",
    )
    parser.add_argument("--route", metavar="ROUTE", help='only this route of the profiles, such as "GET /products/{id}"')
    parser.add_argument("--twins", action="store_true", help="each target twice (A/A): what differs then is noise")
    parser.add_argument("--blocks", type=int, help="repetitions of everything, each in random order")
    parser.add_argument("--warmup", type=float, metavar="SECONDS", help="least warm-up of a trial")
    parser.add_argument("--measure", type=float, metavar="SECONDS", help="measured window of a trial")
    parser.add_argument("--seed", type=int, help="seed of the order of trials and of the requests (default: 1)")


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image-set", choices=("auto", "official", "local"), help="where base images come from")
    parser.add_argument(
        "--install-engine",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="install and start Debian's Docker Engine where none answers (root on Debian; default: yes)",
    )


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else None


def _configure(options: argparse.Namespace) -> Config:
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


def _bench(options: argparse.Namespace, terminal: Terminal) -> int:
    begun = time.monotonic()
    config = _configure(options)
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
    print(_write_report(record, terminal))
    cells = {(trial.target, trial.profile) for trial in record.run.plan.trials}
    valid = {(r.trial.target, r.trial.profile) for r in record.results if r.verdict == "valid"}
    for target, profile in sorted(cells - valid):
        terminal.say(f"no valid trial of {target} on {profile}: the report says why")
    return EXIT_INCOMPLETE if cells - valid else 0


def _write_report(record: Record, terminal: Terminal) -> Path:
    # Here, because the report's libraries take a second to load and only these commands need them.
    from reports.html import write_report
    from reports.markdown import write_summary

    for complaint in record.complaints:
        terminal.say(f"record: {complaint}")
    write_summary(record)
    return write_report(record)


def _plan(options: argparse.Namespace, _terminal: Terminal) -> int:
    plan, _ = _planned(_configure(options), options.route, options.twins)
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


def _build(options: argparse.Namespace, terminal: Terminal) -> int:
    config = _configure(options)
    extra = ("database", "load", "load-comparison")
    targets = find_targets(ROOT / "services")
    wanted = choose(tuple(options.names), {**targets, **dict.fromkeys(extra)}, "target") if options.names else tuple(targets)
    client = connect(config.engine.install, terminal.say)
    names = tuple(dict.fromkeys(("database", "load", *wanted)))
    images = build_all(client, graph(names, choose_set(config.engine.image_set, terminal.say)), terminal.say)
    for name in names:
        print(f"{name}  {images[name].size_bytes / 1e6:.1f} MB  {images[name].id}")
    return 0


def _report(options: argparse.Namespace, terminal: Terminal) -> int:
    print(_write_report(read_record(locate(options.runs, options.record)), terminal))
    return 0


def _repeatability(options: argparse.Namespace, _terminal: Terminal) -> int:
    from reports.analysis import analyse
    from reports.repeatability import repeatability_text

    print(repeatability_text(analyse(read_record(locate(options.runs, options.record)))))
    return 0


def _list(options: argparse.Namespace, _terminal: Terminal) -> int:
    print("targets")
    for target in find_targets(ROOT / "services").values():
        print(f"  {target.name}: {target.language}, {target.framework}, {target.driver} ({target.target_class})")
    print("profiles")
    for profile in find_profiles(ROOT / "loadtests").values():
        print(f"  {profile.name}: {profile.question}{'' if profile.default else ' (only by name)'}")
    print("presets")
    for name, preset in PRESETS.items():
        print(
            f"  {name}: {preset.blocks} blocks, {preset.warmup_seconds:g} s warm-up, {preset.measure_seconds:g} s measured"
            f"{' and ' + ', '.join(PRESET_LEVELS[name]) if PRESET_LEVELS[name] else ''}"
        )
    print("records")
    for folder in find_records(options.runs):
        try:
            record = read_record(folder)
        except UsageError as error:
            print(f"  {folder.name}: {error}")
            continue
        valid = sum(result.verdict == "valid" for result in record.results)
        missing = sum(isinstance(result.measurement, Missing) for result in record.results)
        print(
            f"  {record.run.id}: preset {record.run.plan.preset}, {len(record.results)} of {len(record.run.plan.trials)} "
            f"trials, {valid} valid, {missing} without a measurement"
        )
    return 0


def _doctor(_options: argparse.Namespace, _terminal: Terminal) -> int:
    findings = doctor.examine(try_connect())
    for finding in findings:
        print(f"{finding.grade:<5} {finding.text}")
    return 4 if any(finding.grade == "bad" for finding in findings) else 0


def _loadgen(options: argparse.Namespace, terminal: Terminal) -> int:
    config = _configure(options)
    client = connect(config.engine.install, terminal.say)
    clean(client)
    image_set = choose_set(config.engine.image_set, terminal.say)
    names = ("load-comparison", "database", WITNESS)
    made = build_all(client, graph(names, image_set), terminal.say)
    images = {name: made[name].id for name in names}
    status = compare(client, images["load-comparison"], cpu_list([cpu.number for cpu in host.topology()]), print)
    placement = place(host.topology(), config.run.service_cores)
    return max(status, agree(client, images, placement, config, print))


def _selftest(options: argparse.Namespace, terminal: Terminal) -> int:
    config = _configure(options)
    client = connect(config.engine.install, terminal.say)
    clean(client)
    image = build_all(client, graph(("load",), choose_set(config.engine.image_set, terminal.say)), terminal.say)["load"]
    bench = Bench(image.id, place(host.topology(), config.run.service_cores), config)
    return selftest(client, bench, terminal.say, print)


def _clean(_options: argparse.Namespace, terminal: Terminal) -> int:
    client = try_connect()
    if client is None:
        terminal.say("no engine answers: nothing can be running")
        return 0
    print(f"removed {clean(client)} containers")
    return 0


if __name__ == "__main__":
    main()
