"""The commands that compare versions: gate and compare. They print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.cli.bench import configure
from harness.cli.history import compare_records, read_history
from harness.cli.report import write_report
from harness.cli.terminal import Terminal
from harness.containers.builder import choose_set
from harness.containers.engine import try_connect
from harness.containers.versions import WORKING_TREE, Side, built, keep, kept
from harness.errors import FitmapError, RunError, UsageError
from harness.plan.config_file import timing
from harness.plan.targets import with_twins
from harness.record.writer import Record, read_record
from harness.run.paired import measure_pairs, only, paired_plan, same_images
from harness.run.runner import locate
from harness.run.setup import chosen_profiles, chosen_targets, measure_new, ready_engine

if TYPE_CHECKING:
    from reports.analysis.analysis import Analysis
    from reports.regression.gate_result import Gate, Judged
    from reports.regression.history import Entry

# As in harness/cli/report.py, the reports are imported inside the commands.


def gate(options: argparse.Namespace, terminal: Terminal) -> int:
    """Did it get slower? Against the history, or with --base against a revision. The exit status is the verdict's."""
    # What a gate measures unasked has its own lengths and levels.
    options.preset = options.preset or "gate"
    if options.base:
        return _gate_revision(options, terminal)
    from reports.analysis.analysis import analyse
    from reports.regression.history import append, entry_of, series
    from reports.regression.screening import MOST_RUNS

    history = read_history(options, terminal)
    record = read_record(locate(options.runs, options.record)) if options.record else _measured(options, terminal)
    write_report(record, terminal)
    analysis = analyse(record)
    entry = entry_of(analysis)
    past = series(history, entry.key, before=entry.started)
    found = _judged(options, record, analysis, past, terminal)
    if options.add:
        append(options.history, [msgspec.structs.replace(entry, verdict=found.verdict)])
        client = try_connect()
        if client is not None:
            own = {name: entry.images[name] for name in record.run.plan.targets}
            keep(client, own, {image for run in past[-MOST_RUNS:] for image in run.images.values()})
    return _told(found, analysis, record.folder, terminal)


def _measured(options: argparse.Namespace, terminal: Terminal) -> Record:
    config = configure(options)
    targets = chosen_targets(config)
    # The A/A arm: one target twice. What its twins differ by is what nothing differs by.
    twin = () if options.no_twin else (options.twin or next(iter(targets)),)
    if unknown := [name for name in twin if name not in targets]:
        raise UsageError(f"--twin {unknown[0]}: it is not among the targets that are measured ({', '.join(targets)})")
    return measure_new(config, options, with_twins(targets, twin), terminal)


def _judged(
    options: argparse.Namespace, record: Record, analysis: Analysis, past: Sequence[Entry], terminal: Terminal
) -> Gate:
    """Screen, and measure again what is flagged."""
    from reports.analysis.analysis import analyse
    from reports.analysis.cells import cells
    from reports.regression.gate import baseline, confirmed, decide, neighbours_problem, settled
    from reports.regression.sanity_checks import canary_problem, floors, judge, twins_problem

    config = configure(options)
    now = {cell.name: cell.mean for cell in cells(analysis)}
    judged = judge(analysis, past, config.gate, floors(now, past))
    invalid = [
        problem
        for problem in (canary_problem(now, past, config.gate), twins_problem(now, past, config.gate))
        if problem is not None
    ]
    base = baseline(past)
    if base is not None:
        images = {name: image.id for name, image in record.run.images.items()}
        judged = tuple(settled(cell, past, images) if cell.state == "flagged" else cell for cell in judged)
    flagged = [cell for cell in judged if cell.state == "flagged"]
    if flagged and base is not None and not invalid and options.confirm:
        terminal.say(f"{len(flagged)} cells look worse than noise explains: measuring them again against run {base.run}")
        again = analyse(_again(options, record, base, flagged, terminal))
        found = {cell.cell: cell for cell in confirmed(flagged, again)}
        judged = tuple(found.get(cell.cell, cell) for cell in judged)
        if problem := neighbours_problem(again, config.gate):
            invalid.append(problem)
    return decide(record.run, judged, invalid, base.run if base else None)


def _again(
    options: argparse.Namespace, record: Record, base: Entry, flagged: Sequence[Judged], terminal: Terminal
) -> Record:
    """The flagged cells, base against head, in pairs."""
    from reports.analysis.cells import parts_of

    run = record.run
    config = run.configuration
    first = run.plan.profiles[0].name
    wanted = {(cell.target, *_load(parts_of(cell.cell)[1], first)) for cell in flagged}
    names = sorted({target for target, _, _ in wanted})
    client = ready_engine(config, terminal)
    head = Side(run.id, {n: run.targets[n] for n in names}, kept(client, _ids(record), names) or {})
    if not head.images:
        raise RunError(f"the engine has the images of run {run.id} no more: nothing can be measured again; gate a new run")
    images = kept(client, base.images, names)
    if images is not None:
        old = Side(base.run, head.targets, images)
    elif base.revision and not base.revision.endswith("+"):
        terminal.say(f"the engine has the images of run {base.run} no more: building them from {base.revision}")
        old = built(client, base.revision, names, run.image_set, terminal.say)
    else:
        raise RunError(
            f"the engine has the images of run {base.run} no more, and it was measured from files that no revision has: "
            "the flagged cells can't be measured again"
        )
    profiles = only(run.plan.profiles, {(profile, level) for _, profile, level in wanted})
    pairs = sorted({(target, profile) for target, profile, _ in wanted})
    plan = paired_plan(config, run.plan.timing, configure(options).gate.pairs, pairs, profiles)
    again = measure_pairs(client, options, config, plan, (old, head), run.image_set, terminal)
    write_report(again, terminal)
    return again


def _ids(record: Record) -> dict[str, str]:
    return {name: image.id for name, image in record.run.images.items()}


def _load(place: str, first: str) -> tuple[str, str]:
    """Profile and level of a place; no level where it spans levels, the first profile where it spans profiles."""
    profile, _, level = place.partition("@")
    return profile or first, level


def _told(found: Gate, analysis: Analysis, folder: Path, terminal: Terminal) -> int:
    """Write what a gate found beside its record, say it, and the exit status."""
    from reports.export.ci_files import write_gate_files
    from reports.export.trackers import intervals
    from reports.regression.gate_result import write_gate
    from reports.regression.history import entry_of

    # Last: where it is, all the others are.
    write_gate_files(found, entry_of(analysis), folder, intervals(analysis))
    path = write_gate(found, folder)
    for reason in found.reasons:
        print(reason)
    counts = {state: len(found.in_state(state)) for state in dict.fromkeys(cell.state for cell in found.cells)}
    print(f"{found.verdict}: {', '.join(f'{count} {state}' for state, count in counts.items()) or 'no cell to judge'}")
    terminal.say(f"{path}")
    return found.exit_status


def _gate_revision(options: argparse.Namespace, terminal: Terminal) -> int:
    """Head against a revision in pairs, with no history: what a pull request needs."""
    from reports.analysis.analysis import analyse
    from reports.regression.gate import compared, decide, neighbours_problem

    if options.record:
        raise UsageError("--base measures the working tree now: it takes no record")
    record, sides, same = _paired(options, options.base, WORKING_TREE, terminal)
    if record is None:
        print(f"fine: the images of {', '.join(same)} are the same as in {sides[0].name}: nothing can differ")
        return 0
    write_report(record, terminal)
    analysis = analyse(record)
    config = record.run.configuration
    problem = neighbours_problem(analysis, config.gate)
    found = decide(record.run, compared(analysis, config.gate), [problem] if problem else [], sides[0].name)
    return _told(found, analysis, record.folder, terminal)


def _paired(
    options: argparse.Namespace, base: str, head: str, terminal: Terminal
) -> tuple[Record | None, tuple[Side, Side], tuple[str, ...]]:
    """The record of two versions in pairs, the versions, and the targets that are the same in both and so not measured.

    No record where all are the same.
    """
    config = configure(options)
    names = tuple(chosen_targets(config))
    client = ready_engine(config, terminal)
    image_set = choose_set(config.engine.image_set, terminal.say)
    sides = (
        built(client, base, names, image_set, terminal.say),
        built(client, head, names, image_set, terminal.say),
    )
    same = tuple(same_images(sides, names))
    different = [name for name in names if name not in same]
    if same and different:
        terminal.say(f"the same image on both sides, not measured: {', '.join(same)}")
    if not different:
        return None, sides, same
    profiles = chosen_profiles(config, options.route)
    # Blocks that were asked for are pairs.
    pairs = config.timing.blocks or config.gate.pairs
    cells = [(name, profile.name) for name in different for profile in profiles]
    plan = paired_plan(config, timing(config), pairs, cells, profiles)
    return measure_pairs(client, options, config, plan, sides, image_set, terminal), sides, same


def compare(options: argparse.Namespace, terminal: Terminal) -> int:
    """Two records; or two versions, measured now."""
    measured = [_record(options.runs, word) for word in (options.base, options.head) if word]
    if all(measured):
        return compare_records(options, terminal)
    if any(measured):
        raise UsageError(
            f"{options.base} and {options.head} are a record and no record: compare two records, or two git revisions "
            f"({WORKING_TREE} is the working tree)"
        )
    from reports.analysis.analysis import analyse
    from reports.comparison.changes import paired_changes
    from reports.export.changes import WRITERS

    record, sides, same = _paired(options, options.base, options.head or WORKING_TREE, terminal)
    if record is None:
        print(f"the images of {', '.join(same)} are the same in {sides[0].name} and {sides[1].name}: nothing can differ")
        return 0
    print(write_report(record, terminal), file=sys.stderr)
    print(WRITERS[options.format](paired_changes(analyse(record)), every=options.all))
    return 0


def _record(runs: Path, word: str) -> bool:
    try:
        locate(runs, word)
    except FitmapError:
        return False
    return True
