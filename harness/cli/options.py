"""Options that several commands have."""

from __future__ import annotations

import argparse
from typing import get_args

from harness.cli.argument_types import names, path
from harness.files import HOME
from harness.plan.config_file import PRESETS
from harness.plan.variants import ALL
from harness.record.plan import TargetClass


def add_open(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--open", action="store_true", help=what)


def add_selection(parser: argparse.ArgumentParser, preset: str = "quick") -> None:
    parser.add_argument("--preset", help=f"how long and how often: {', '.join(PRESETS)} (default: {preset})")
    parser.add_argument(
        "--target",
        "--targets",
        dest="targets",
        type=names,
        metavar="A,B",
        help="only these targets, such as rust,rust.tuned; all: each, without variants (default: those without "
        "`default = false`)",
    )
    add_classes(parser)
    add_variants(parser)
    add_services(parser)
    parser.add_argument("--profile", "--profiles", dest="profiles", type=names, metavar="A,B", help="only these profiles")
    parser.add_argument(
        "--level",
        "--levels",
        dest="levels",
        type=names,
        metavar="A,B",
        help="these levels in place of the profiles' own: saturate, a rate such as 500/s, a share such as 50%%, curve, "
        "routes, capacity, 1000/held",
    )
    parser.add_argument("--route", metavar="ROUTE", help='only this route of the profiles, such as "GET /products/{id}"')
    parser.add_argument("--blocks", type=int, help="number of blocks; a block is one start of each target")
    parser.add_argument("--together", type=int, metavar="BLOCKS", help="how many blocks are alive at once (1 to 4)")
    parser.add_argument("--rounds", type=int, help="slices of each start at a saturated level, a quarter of a second each")
    parser.add_argument("--warmup", type=float, metavar="SECONDS", help="minimum warm-up of what is not measured in slices")
    parser.add_argument("--measure", type=float, metavar="SECONDS", help="window of what is not measured in slices")
    parser.add_argument("--seed", type=int, help="seed of the order of trials and of the requests (default: 1)")


def add_classes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--class",
        "--classes",
        dest="classes",
        type=names,
        metavar="A,B",
        help=f"only targets of these classes ({', '.join(get_args(TargetClass))}); without --target each that there is",
    )


def add_services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--services",
        action="append",
        metavar="DIR",
        help="a folder with a service of your own, or with several (repeatable; docs/guide/your-own-service.md)",
    )


def add_variants(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--variants",
        nargs="?",
        const=(ALL,),
        type=names,
        metavar="NAME",
        help="also the variants of these targets, or those of this name",
    )


def add_twins(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--twins", action="store_true", help="measure each target twice (A/A test): any difference is noise")


def add_history_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--history", type=path, default=HOME / "history.jsonl", help="the file (default: history.jsonl)")


def add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image-set", choices=("auto", "official", "local"), help="where base images come from")
    parser.add_argument(
        "--install-engine",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="install and start Debian's Docker Engine if none answers (needs root on Debian; default: yes)",
    )
