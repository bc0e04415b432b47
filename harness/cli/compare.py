"""The command compare: changes between two records or two git revisions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from msgspec import Struct

from harness.cli.report import refuse_itself, write_report
from harness.cli.settings import request
from harness.cli.terminal import Terminal
from harness.containers.builder import choose_set
from harness.containers.versions import WORKING_TREE, Version, built, check_version, repository_of, revisions
from harness.errors import FitmapError, UsageError
from harness.host import machine
from harness.plan.config_file import timing
from harness.plan.schedule import cells_of
from harness.plan.selection import chosen_profiles, chosen_targets, paired_plan
from harness.plan.sources import count_sources
from harness.record.plan import Profile
from harness.record.reader import locate, read_record
from harness.run.setup import Request, measure_pairs, ready_engine, same_images
from reports.analysis.analysis import analyse
from reports.comparison.changes import changes, paired_changes
from reports.comparison.comparability import incomparable
from reports.export.changes import WRITERS


def compare(options: argparse.Namespace, terminal: Terminal) -> int:
    """Compares two records, or measures two versions now."""
    measured = [_record(options.runs, word) for word in (options.base, options.head) if word]
    if all(measured):
        return _compare_records(options, terminal)
    if any(measured):
        raise UsageError(
            f"one of {options.base} and {options.head} is a record, the other is not: compare two records, or "
            f"two git revisions ({WORKING_TREE} is the working tree)"
        )
    with built_sides(options, options.base, options.head or WORKING_TREE, terminal) as sides:
        return _measured(options, sides, terminal)


def _measured(options: argparse.Namespace, sides: Sides, terminal: Terminal) -> int:
    """Measures two versions, and prints what changed."""
    if not sides.cells:
        print(f"the images of {', '.join(sides.same)} are the same in {' and '.join(sides.names)}: nothing can differ")
        return 0
    config = sides.request.config
    # --blocks is the number of pairs.
    pairs = config.timing.blocks or config.gate.pairs
    plan = paired_plan(config, timing(config), pairs, sides.cells, sides.profiles, machine.topology(), twins=False)
    record = measure_pairs(sides.client, sides.request, plan, sides.versions, sides.image_set, terminal)
    print(write_report(record, terminal), file=sys.stderr)
    print(WRITERS[options.format](paired_changes(analyse(record)), every=options.all))
    return 0


def _compare_records(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the changes from one record to another. Raises UsageError."""
    base, head = (read_record(locate(options.runs, given)) for given in (options.base, options.head))
    for record in (base, head):
        for warning in record.warnings:
            terminal.say(f"record {record.run.id}: {warning}")
    refuse_itself(base, head)
    reasons = incomparable(base.run, head.run)
    if reasons:
        raise UsageError(f"{base.run.id} and {head.run.id} can't be compared: {'; '.join(reasons)}")
    print(WRITERS[options.format](changes(analyse(head), analyse(base)), every=options.all))
    return 0


class Sides(Struct, frozen=True):
    """Two versions that are ready to be measured. `same`: the targets whose images are equal in both; they are left out."""

    client: docker.DockerClient
    request: Request
    image_set: str
    versions: tuple[Version, Version]
    same: tuple[str, ...]
    profiles: tuple[Profile, ...]
    #: What is measured: pairs of target and profile.
    cells: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, str]:
        return self.versions[0].name, self.versions[1].name


@contextmanager
def built_sides(options: argparse.Namespace, base: str, head: str, terminal: Terminal) -> Iterator[Sides]:
    """Builds two versions of the chosen targets. The images of revisions are kept as long as the context lasts."""
    wanted = request(options)
    config = wanted.config
    targets = chosen_targets(config)
    repository = repository_of(targets)
    for word in (base, head):
        check_version(word, repository)
    # Fails here rather than after the builds.
    count_sources(targets)
    names = tuple(targets)
    client = ready_engine(config, terminal)
    image_set = choose_set(config.engine.image_set, terminal.say)
    with revisions(client):
        versions = (
            built(client, base, targets, image_set, terminal.say),
            built(client, head, targets, image_set, terminal.say),
        )
        same = tuple(same_images(versions, names))
        different = [name for name in names if name not in same]
        if same and different:
            terminal.say(f"not measured, because base and head are the same image: {', '.join(same)}")
        profiles = chosen_profiles(config, options.route, targets)
        cells = cells_of({name: targets[name] for name in different}, profiles)
        yield Sides(client, wanted, image_set, versions, same, profiles, cells)


def _record(runs: Path, word: str) -> bool:
    try:
        locate(runs, word)
    except FitmapError:
        return False
    return True
