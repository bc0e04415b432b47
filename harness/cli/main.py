"""The command line: options and exit status. The commands: measuring, reading, tracking, gating, publishing (.py)."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from docker.errors import DockerException

from harness.cli import bench as bench_commands
from harness.cli import gate as gate_commands
from harness.cli import history as history_commands
from harness.cli import publish as publish_commands
from harness.cli import report as report_commands
from harness.cli.terminal import Terminal
from harness.containers.images import ROOT
from harness.errors import EngineError, FitmapError
from harness.plan.config_file import PRESETS

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

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
  fitmap report --baseline <id>      ... and show what changed since another record
  fitmap gate                        did it get slower than in the runs before? measures again what looks so
  fitmap compare main .              two git revisions (or two records): what changed, cell by cell
  fitmap advise --rps 500 --cpu-ms 0.2 --queries 2     what would that service cost in each language?
"""

EPILOG = """\
Settings live in fitmap.toml (all of them: docs/reference/configuration.md); the command line wins over it.
Exit status: 0 done, 1 a confirmed regression (gate), 2 wrong usage, 3 a target has no valid trial, or a gate is inconclusive
or invalid, 4 the engine or the disk failed, 130 interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `fitmap`; exits with the status that EPILOG names."""
    options = _parser().parse_args(arguments)
    # A cancelled CI job gets SIGTERM: it must clean up as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    terminal = Terminal()
    try:
        status = options.run(options, terminal)
        # Here, where a reader that went away is told from a fault: at exit it would be a complaint of Python's.
        sys.stdout.flush()
    except FitmapError as error:
        terminal.say(f"fitmap: {error}")
        status = error.exit_status
    except DockerException as error:
        # An engine that is lost in the middle of things; whatever could be told apart has been.
        terminal.say(f"fitmap: the Docker Engine failed ({error}): see that it runs, `fitmap doctor` looks")
        status = EngineError.exit_status
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = EXIT_BROKEN_PIPE
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
    _add_twins(bench)
    _add_engine(bench)
    bench.add_argument("--resume", nargs="?", const="", metavar="ID", help="go on with an interrupted run (default: newest)")
    bench.set_defaults(run=bench_commands.bench)

    plan = commands.add_parser("plan", help="show the trials that bench would run, and how long they take")
    _add_selection(plan)
    _add_twins(plan)
    plan.set_defaults(run=bench_commands.plan_only)

    build = commands.add_parser("build", help="build images without measuring")
    build.add_argument("names", nargs="*", metavar="TARGET", help="targets (default: all), or load-comparison")
    _add_engine(build)
    build.set_defaults(run=bench_commands.build)

    report = commands.add_parser("report", help="make a record's report anew; needs no engine")
    report.add_argument("record", nargs="?", help="a record's folder or id (default: the newest)")
    report.add_argument("--baseline", metavar="RECORD", help="a record to compare with: every change, with its interval")
    report.add_argument(
        "--cite", type=Path, metavar="PAGE", help="bring the figures that a Markdown page cites from results.csv up to date"
    )
    report.set_defaults(run=report_commands.report)

    _add_advise(commands.add_parser("advise", help="what a service of yours would cost on each target of a record"))

    _add_history(commands.add_parser("history", help="runs over time: add, list, show, accept, export"))

    _add_gate(
        commands.add_parser("gate", help="did it get slower? screens a run against the history, confirms what it flags")
    )

    _add_publish(commands.add_parser("publish", help="a static site of the history and the records: trends, runs, a feed"))

    compare = commands.add_parser("compare", help="two records, or two git revisions measured now in pairs: what changed")
    compare.add_argument("base", help="a record's folder or id; or a git revision")
    compare.add_argument("head", nargs="?", help="another one (default: the newest record; or . for the working tree)")
    _add_selection(compare)
    _add_engine(compare)
    compare.add_argument("--all", action="store_true", help="every cell, not only those that changed")
    compare.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="how to print it (default: text)"
    )
    compare.set_defaults(run=gate_commands.compare)

    repeat = commands.add_parser(
        "repeatability", help="how a record scatters over trials, and whether twins differ; or several over runs"
    )
    repeat.add_argument("records", nargs="*", help="a record's folder or id (default: the newest); or several")
    repeat.set_defaults(run=report_commands.repeatability)

    listing = commands.add_parser("list", help="list targets, profiles, presets and records")
    listing.set_defaults(run=report_commands.list_all)

    test = commands.add_parser("selftest", help="inject what is known, measure it, and say whether this machine can measure")
    _add_engine(test)
    test.set_defaults(run=bench_commands.self_test)

    examine = commands.add_parser("doctor", help="check whether this machine can measure; changes nothing")
    examine.set_defaults(run=bench_commands.examine)

    loadgen = commands.add_parser("loadgen", help="compare the load generator with wrk and FastHttpUser on this machine")
    _add_engine(loadgen)
    loadgen.set_defaults(run=bench_commands.compare_generators)

    sweep = commands.add_parser("clean", help="remove the containers that a killed run left behind")
    sweep.set_defaults(run=bench_commands.sweep)
    return parser


def _add_selection(parser: argparse.ArgumentParser, preset: str = "quick") -> None:
    parser.add_argument("--preset", help=f"how long and how often: {', '.join(PRESETS)} (default: {preset})")
    parser.add_argument("--target", "--targets", dest="targets", metavar="A,B", help="only these targets")
    parser.add_argument("--profile", "--profiles", dest="profiles", metavar="A,B", help="only these profiles")
    parser.add_argument(
        "--level",
        "--levels",
        dest="levels",
        metavar="A,B",
        help="instead of the profiles' own: saturate, a rate such as 500/s, a share such as 50%%, curve, routes, capacity, "
        "1000/held",
    )
    parser.add_argument("--route", metavar="ROUTE", help='only this route of the profiles, such as "GET /products/{id}"')
    parser.add_argument("--blocks", type=int, help="repetitions of everything, each in random order")
    parser.add_argument("--warmup", type=float, metavar="SECONDS", help="least warm-up of a trial")
    parser.add_argument("--measure", type=float, metavar="SECONDS", help="measured window of a trial")
    parser.add_argument("--seed", type=int, help="seed of the order of trials and of the requests (default: 1)")


def _add_twins(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--twins", action="store_true", help="each target twice (A/A): what differs then is noise")


def _add_gate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", nargs="?", help="a record to judge (default: measure one now, preset gate)")
    parser.add_argument(
        "--base", metavar="REVISION", help="measure the working tree against a git revision, with no history"
    )
    parser.add_argument("--twin", metavar="TARGET", help="which target is measured twice, the A/A arm (default: the first)")
    parser.add_argument("--no-twin", action="store_true", help="no A/A arm")
    parser.add_argument(
        "--confirm", action=argparse.BooleanOptionalAction, default=True, help="measure flagged cells again (default: yes)"
    )
    parser.add_argument(
        "--add", action=argparse.BooleanOptionalAction, default=True, help="put the run into the history (default: yes)"
    )
    _add_history_file(parser)
    _add_selection(parser, "gate")
    _add_engine(parser)
    parser.set_defaults(run=gate_commands.gate)


def _add_history_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--history", type=Path, default=ROOT / "history.jsonl", help="the file (default: history.jsonl)")


def _add_history(parser: argparse.ArgumentParser) -> None:
    _add_history_file(parser)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add records, folders of records (a CI artifact), or other histories")
    add.add_argument("sources", nargs="*", metavar="SOURCE", help="default: the newest record")
    add.add_argument("--branch", metavar="REF", help="the history of a git branch, under the same name at its top level")
    add.set_defaults(run=history_commands.history_add)
    actions.add_parser("list", help="every run, by what it can be compared with").set_defaults(
        run=history_commands.history_list
    )
    show = actions.add_parser("show", help="the cells of a run against the runs before it")
    show.add_argument("run_id", nargs="?", metavar="RUN", help="default: the newest")
    show.set_defaults(run=history_commands.history_show)
    actions.add_parser("export", help="every value as CSV").set_defaults(run=history_commands.history_export)
    accept = actions.add_parser("accept", help="acknowledge a change: from this run on, the baseline is new")
    accept.add_argument("run_id", metavar="RUN")
    accept.add_argument("--reason", required=True, help="why it is fine, for those who read it next year")
    accept.add_argument("--by", help="who says so (default: the user's name)")
    accept.set_defaults(run=history_commands.history_accept)


def _add_publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder, or one that publish wrote before")
    parser.add_argument("--history", type=Path, default=ROOT / "history.jsonl", help="the file (default: history.jsonl)")
    parser.add_argument("--url", help="where the site will be: makes the feed's links absolute")
    parser.add_argument(
        "--megabytes",
        type=float,
        default=20.0,
        metavar="MB",
        help="the site's bound: what trends leave of it, reports get (default: 20)",
    )
    parser.set_defaults(run=publish_commands.publish)


def _add_advise(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", nargs="?", help="a record's folder or id (default: the newest)")
    parser.add_argument("--rps", type=float, help="requests/s (default: 500)")
    parser.add_argument("--cpu-ms", type=float, help="pure work in a request, milliseconds of CPU (default: 0.2)")
    parser.add_argument(
        "--on", dest="reference", metavar="TARGET", help="where --cpu-ms was measured (default: the fastest)"
    )
    parser.add_argument("--queries", type=float, help="database statements in a request (default: 2)")
    parser.add_argument("--wait-ms", type=float, help="waiting for other services in a request, milliseconds (default: 0)")
    parser.add_argument("--cpu-price", type=float, help="a core for a month (default: [prices] of the record)")
    parser.add_argument("--memory-price", type=float, help="a GiB of memory for a month (default: [prices] of the record)")
    parser.add_argument("--utilisation", type=float, help="share of its cores that the service may use (default: 0.6)")
    parser.add_argument("--instances", type=int, help="least number of instances (default: 2)")
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.set_defaults(run=report_commands.advise)


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image-set", choices=("auto", "official", "local"), help="where base images come from")
    parser.add_argument(
        "--install-engine",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="install and start Debian's Docker Engine where none answers (root on Debian; default: yes)",
    )


if __name__ == "__main__":
    main()
