"""The commands, their own options and help texts."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from msgspec import Struct

from harness.cli.argument_types import StrictParser, above_zero, names, path, percent
from harness.cli.options import (
    add_classes,
    add_engine,
    add_history_file,
    add_open,
    add_selection,
    add_services,
    add_twins,
    add_variants,
)
from harness.files import HOME

#: Help is written for a terminal of this many columns.
WIDTH = 80

Adder = Callable[[argparse.ArgumentParser], None]


class Command(Struct, frozen=True):
    """One command. `run`: module:function of this package. `add`: adds its options."""

    name: str
    summary: str
    run: str
    add: Adder
    examples: tuple[str, ...]
    #: Its positional arguments, as its usage line shows them.
    words: str = ""


def _nothing(_parser: argparse.ArgumentParser) -> None:
    pass


def _add_bench(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_twins(parser)
    add_engine(parser)
    parser.add_argument(
        "--resume", nargs="?", const=True, metavar="ID", help="measure what an interrupted run (default: the newest) lacks"
    )
    parser.add_argument(
        "--precision",
        type=percent,
        metavar="PERCENT",
        help="measure further blocks until each ratio of CPU per request at full load is this precise (such as 2%%)",
    )
    parser.add_argument(
        "--minutes",
        type=above_zero,
        default=60.0,
        help="with --precision: begin no further blocks after so long (default: 60)",
    )
    add_open(parser, "show the report in a browser as soon as the first trial is done")


def _add_plan(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_twins(parser)


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="TARGET",
        help="targets (default: those that bench measures; all: each), or load-comparison",
    )
    add_classes(parser)
    add_variants(parser)
    add_services(parser)
    add_engine(parser)


def _add_clean(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force",
        action="store_true",
        help="also those of a run that may go on: on another machine, or in another PID namespace",
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", nargs="?", help="a record's folder or id (default: the newest)")
    add_open(parser, "show it in a browser")
    parser.add_argument("--baseline", metavar="RECORD", help="also show every change since this record, with its interval")
    parser.add_argument(
        "--cite", type=path, metavar="PAGE", help="update the figures that this Markdown page cites from results.csv"
    )


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("base", help="a record's folder or id, or a git revision")
    parser.add_argument("head", nargs="?", help="another one (default: the newest record, or . for the working tree)")
    add_selection(parser)
    add_engine(parser)
    parser.add_argument("--all", action="store_true", help="show every cell, not only those that changed")
    parser.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="form of the output (default: text)"
    )


def _add_repeatability(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("records", nargs="*", help="records' folders or ids (default: the newest)")


def _add_gate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", nargs="?", help="a record to screen (default: measure one now, preset gate)")
    parser.add_argument(
        "--base", metavar="REVISION", help="measure the working tree against this git revision, without a history"
    )
    parser.add_argument(
        "--minutes", type=above_zero, default=60.0, help="with --base: begin no further blocks after so long (default: 60)"
    )
    parser.add_argument(
        "--twin", metavar="TARGET", help="the target that is measured twice, as an A/A test (default: the first)"
    )
    parser.add_argument("--no-twin", action="store_true", help="no A/A test")
    parser.add_argument(
        "--confirm", action=argparse.BooleanOptionalAction, default=True, help="measure flagged cells again (default: yes)"
    )
    parser.add_argument(
        "--add", action=argparse.BooleanOptionalAction, default=True, help="add the run to the history (default: yes)"
    )
    add_history_file(parser)
    add_selection(parser, "gate")
    add_engine(parser)


def _add_history(parser: argparse.ArgumentParser) -> None:
    add_history_file(parser)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add records, folders of records (a CI artifact), or other histories")
    add.add_argument("sources", nargs="*", metavar="SOURCE", help="default: the newest record")
    add.add_argument("--branch", metavar="REF", help="the history of a git branch, under the same name at its top level")
    add.set_defaults(run="history:history_add")
    listing = actions.add_parser("list", help="list every run, by what it can be compared with")
    listing.set_defaults(run="history:history_list")
    show = actions.add_parser("show", help="show the cells of a run against the runs before it")
    show.add_argument("run_id", nargs="?", metavar="RUN", help="default: the newest")
    show.set_defaults(run="history:history_show")
    actions.add_parser("export", help="print every value as CSV").set_defaults(run="history:history_export")
    accept = actions.add_parser("accept", help="accept a change: this run starts a new baseline")
    accept.add_argument("run_id", metavar="RUN")
    accept.add_argument("--reason", required=True, help="why the change is accepted, for later readers")
    accept.add_argument("--by", help="who accepts it (default: the user's name)")
    accept.set_defaults(run="history:history_accept")


def _add_publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=path, metavar="DIR", help="a new folder, or one that publish wrote before")
    add_history_file(parser)
    parser.add_argument("--url", help="where the site will be: makes the feed's links absolute")
    parser.add_argument(
        "--megabytes",
        type=above_zero,
        default=20.0,
        metavar="MB",
        help="size limit of the site; the newest reports are kept as far as they fit (default: 20)",
    )


def _add_advise(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", nargs="?", help="a record's folder or id (default: the newest)")
    parser.add_argument("--rps", type=float, help="requests/s (default: 500)")
    parser.add_argument("--cpu-ms", type=float, help="CPU time of a request's own work, in milliseconds (default: 0.2)")
    parser.add_argument(
        "--on", dest="reference", metavar="TARGET", help="the target on which --cpu-ms was measured (default: the fastest)"
    )
    parser.add_argument("--queries", type=float, help="database statements per request (default: 2)")
    parser.add_argument("--wait-ms", type=float, help="wait for other services per request, in milliseconds (default: 0)")
    parser.add_argument("--cpu-price", type=float, help="price of a core per month (default: [prices] of the record)")
    parser.add_argument(
        "--memory-price", type=float, help="price of a GiB of memory per month (default: [prices] of the record)"
    )
    parser.add_argument("--utilisation", type=float, help="share of its cores that the service may use (default: 0.6)")
    parser.add_argument("--instances", type=int, help="minimum number of instances (default: 2)")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", metavar="DIR", help="a folder with a service.toml of class own, or with several of these"
    )
    parser.add_argument(
        "--target", dest="targets", type=names, metavar="NAME", help="a service of [targets] in fitmap.toml instead"
    )
    add_engine(parser)


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the folder to write to; its name is the target's")
    parser.add_argument("--image", help="an image that exists (default: the Dockerfile in the folder or above it)")
    parser.add_argument("--url", help="a service that runs already, which fitmap does not start: writes a fitmap.toml")
    parser.add_argument(
        "--openapi", type=path, metavar="FILE", help="an OpenAPI file, in JSON or YAML: its GET requests are written"
    )


#: Commands by purpose.
GROUPS: dict[str, tuple[Command, ...]] = {
    "Measure": (
        Command("bench", "build what is needed, measure, write the report", "bench:bench", _add_bench, (
            "fitmap bench                     the default targets, preset quick (15 minutes)",
            "fitmap bench --preset smoke      does everything work? (two minutes)",
            "fitmap bench --target go,rust --profile db",
            "fitmap bench --target all        every target",
            "fitmap bench --target python --variants",
            "fitmap bench --services ../shop/perf",
            "fitmap bench --resume            finish an interrupted run",
        )),
        Command("init", "write the first files for a service of your own", "own:write_first", _add_init, (
            "fitmap init perf/checkout --openapi openapi.yaml",
            "fitmap init perf/checkout --image shop/checkout:1.42",
            "fitmap init perf/staging --url https://staging.example.org",
        ), "DIR"),
        Command("check", "start a service of your own once: what holds, what fails", "own:check_services", _add_check, (
            "fitmap check ../shop/perf        about a minute, beside the build of its image",
            "fitmap check --target staging    a service that fitmap did not start",
        ), "[DIR]"),
        Command("plan", "show the trials that bench would run, and their time", "prepare:plan_only", _add_plan, (
            "fitmap plan --preset full",
        )),
        Command("build", "build images without measuring", "prepare:build", _add_build, ("fitmap build go rust",),
                "[TARGET ...]"),
        Command("clean", "remove the containers that a killed run left", "prepare:clean_up", _add_clean, ("fitmap clean",)),
    ),
    "Look at results": (
        Command("report", "make the report of a record; needs no Docker", "report:report", _add_report, (
            "fitmap report",
            "fitmap report runs/20260101T120000Z --baseline 20251201T120000Z",
        ), "[RECORD]"),
        Command("compare", "compare two records, or measure two git revisions", "compare:compare", _add_compare, (
            "fitmap compare main .            the working tree against main, measured now",
            "fitmap compare 20251201T120000Z  the newest record against an older one",
        ), "BASE [HEAD]"),
        Command("advise", "estimate what your service would cost per language", "report:advise", _add_advise, (
            "fitmap advise --rps 500 --cpu-ms 0.2 --queries 2",
        ), "[RECORD]"),
        Command("list", "list targets, profiles, presets and records", "prepare:list_all", add_services, ("fitmap list",)),
    ),
    "Track over time": (
        Command("gate", "check for performance regressions; fails in CI", "gate:gate", _add_gate, (
            "fitmap gate                      measure now, screen against the history",
            "fitmap gate --base main          the working tree against main",
        ), "[RECORD]"),
        Command("history", "keep runs in one file: add, list, show, export, accept", "", _add_history, (
            "fitmap history add runs/20260101T120000Z",
            'fitmap history accept 20260101T120000Z --reason "new driver"',
        ), "ACTION ..."),
        Command("publish", "write the history and its reports as a static site", "publish:publish", _add_publish, (
            "fitmap publish site --url https://example.org/fitmap/",
        ), "DIR"),
    ),
    "Trust the numbers": (
        Command("doctor", "check whether this machine can measure", "checks:examine", _nothing, ("fitmap doctor",)),
        Command("selftest", "inject known delays and loads, and measure them", "checks:self_test", add_engine, (
            "fitmap selftest                  four minutes",
        )),
        Command("repeatability", "show how trials scatter, and runs among each other", "report:repeatability",
                _add_repeatability, ("fitmap repeatability",), "[RECORD ...]"),
        Command("loadgen", "compare the load generator with wrk and FastHttpUser", "checks:compare_generators", add_engine,
                ("fitmap loadgen",)),
    ),
}  # fmt: skip
COMMANDS = tuple(command for commands in GROUPS.values() for command in commands)

EPILOG = """\
Start with `fitmap bench --preset smoke`. `fitmap COMMAND --help` has examples.
Settings: fitmap.toml (docs/reference/configuration.md); options override it.

exit status:
  0    done
  1    the gate confirmed a regression
  2    wrong usage
  3    a target has no valid trial, or the gate is inconclusive or invalid
  4    the Docker Engine or the disk failed, or fitmap itself
  130  interrupted (129: the terminal was closed, 143: SIGTERM)
  141  the reader of the output is gone
"""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: docs/reference/cli.md is the same from every terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=WIDTH)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands. `run` of its result names module and function."""
    overview = "\n\n".join(
        f"{title}:\n" + "\n".join(f"  {command.name:<15}{command.summary}" for command in commands)
        for title, commands in GROUPS.items()
    )
    made = StrictParser(
        prog="fitmap",
        usage="fitmap [--config FILE] [--runs DIR] COMMAND ...",
        description="fitmap benchmarks the same small HTTP service in several languages and shows\n"
        f"which differences are real, how large they are, and whether they matter.\n\n{overview}",
        epilog=EPILOG,
        formatter_class=_Help,
    )
    made.add_argument("--config", type=path, metavar="FILE", help="settings (default: fitmap.toml)")
    made.add_argument(
        "--runs", type=path, default=HOME / "runs", metavar="DIR", help="folder of the records (default: runs/)"
    )
    commands = made.add_subparsers(prog="fitmap", required=True, metavar="COMMAND", help=argparse.SUPPRESS)
    for command in COMMANDS:
        examples = "examples:\n" + "\n".join(f"  {example}" for example in command.examples)
        sub = commands.add_parser(
            command.name, description=command.summary.capitalize() + ".", epilog=examples, formatter_class=_Help
        )
        if command.run:
            sub.set_defaults(run=command.run)
        command.add(sub)
        sub.usage = f"fitmap {command.name} [options] {command.words}".rstrip()
    return made
