"""The command gate: checks a run for performance regressions.

It screens the run against the history, and measures flagged cells again. harness/cli/looks.py measures against a revision.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import docker
import msgspec

from harness.cli.history import read_history
from harness.cli.looks import gate_revision
from harness.cli.report import write_report
from harness.cli.settings import configure, request
from harness.cli.terminal import Terminal
from harness.containers.engine import try_connect
from harness.containers.own_images import part_names
from harness.containers.versions import Version, built, keep, kept, revisions
from harness.errors import RunError, UsageError
from harness.host import machine
from harness.plan.selection import chosen_targets, only, paired_plan
from harness.plan.targets import with_twins
from harness.record.plan import image_of
from harness.record.reader import Record, locate, read_record
from harness.run.setup import measure_new, measure_pairs, ready_engine
from harness.wording import counted
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.cells import cells, parts_of
from reports.export.ci_files import intervals, write_gate_files
from reports.metrics.scopes import load_id
from reports.regression.confirmation import baseline, confirmed, settled
from reports.regression.gate import decide
from reports.regression.gate_result import EvaluatedCell, Gate, write_gate
from reports.regression.history import History, HistoryEntry, append, entry_of, series
from reports.regression.paired_gate import apart, gate_cells
from reports.regression.sanity_checks import noise_floors, speed_problem, twins_problem
from reports.regression.screening import MAX_RUNS, judge


def gate(options: argparse.Namespace, terminal: Terminal) -> int:
    """Checks a run against the history, or with --base against a revision.

    The exit status is that of the verdict.
    """
    # The gate's own preset is the default here.
    options.preset = options.preset or "gate"
    if options.base:
        return _gate_revision(options, terminal)
    history = read_history(options, terminal)
    record = read_record(locate(options.runs, options.record)) if options.record else _measured(options, terminal)
    write_report(record, terminal)
    analysis = analyse(record)
    entry = entry_of(analysis)
    past = series(history, entry.key, before=entry.started)
    found = _judged(options, record, analysis, past, _notes(history, entry), terminal)
    if options.add:
        append(options.history, [msgspec.structs.replace(entry, verdict=found.verdict)])
        client = try_connect()
        if client is not None:
            names = record.run.plan.targets
            parts = part_names({name: record.run.targets[name] for name in names if image_of(name) == name})
            own = {name: entry.images[name] for name in (*names, *parts) if name in entry.images}
            keep(client, own, {image for run in past[-MAX_RUNS:] for image in run.images.values()})
    return _told(found, analysis, record.folder, terminal)


def _notes(history: History, entry: HistoryEntry) -> tuple[str, ...]:
    """Why nothing is compared although there is a history: another series begins, perhaps without meaning to."""
    others = [each for each in history.entries if each.run != entry.run]
    if not others or any(each.key == entry.key for each in others):
        return ()
    first = "this run is the first of its series"
    mine = (entry.host, entry.image_set, entry.method)
    near = [each.run for each in others if (each.host, each.image_set, each.method) == mine]
    if not near:
        return (f"no earlier run is of this machine, image set and method: {first}",)
    what = "profiles, routes, levels, times, placement, limits, objective or data"
    return (f"no earlier run measured the same (run {near[-1]} had other {what}): {first}",)


def _measured(options: argparse.Namespace, terminal: Terminal) -> Record:
    targets = chosen_targets(configure(options))
    # The A/A test: one target is measured twice. Any difference between its twins is noise.
    external = next((name for name, target in targets.items() if target.external), None)
    if external and options.twin:
        raise UsageError(f"--twin {options.twin}: it is one process, which fitmap did not start: it has no twin")
    twin = () if options.no_twin or external else (options.twin or next(iter(targets)),)
    if unknown := [name for name in twin if name not in targets]:
        raise UsageError(f"--twin {unknown[0]}: it is not among the targets that are measured ({', '.join(targets)})")
    return measure_new(request(options), with_twins(targets, twin), terminal)


def _judged(
    options: argparse.Namespace,
    record: Record,
    analysis: Analysis,
    past: Sequence[HistoryEntry],
    notes: Sequence[str],
    terminal: Terminal,
) -> Gate:
    """Screens the cells of a run, and measures flagged ones again."""
    config = configure(options)
    now = {cell.name: cell.mean for cell in cells(analysis)}
    judged = judge(analysis, past, config.gate, noise_floors(now, past))
    invalid = [
        problem
        for problem in (speed_problem(now, past, config.gate), twins_problem(now, past, config.gate))
        if problem is not None
    ]
    images = _ids(record)
    judged = tuple(settled(cell, past, images) if cell.state == "flagged" else cell for cell in judged)
    flagged = [cell for cell in judged if cell.state == "flagged"]
    bases: dict[str, list[EvaluatedCell]] = {}
    # What fitmap did not start has no older version that could be measured beside it.
    confirm = options.confirm and not any(target.external for target in record.run.targets.values())
    if not invalid and confirm:
        for cell in flagged:
            if base := baseline(past, cell):
                bases.setdefault(base.run, []).append(cell)
    measured = []
    for run, mine in bases.items():
        look = "looks" if len(mine) == 1 else "look"
        why = f"{counted(len(mine), 'cell')} {look} worse than noise explains"
        terminal.say(f"{why}: measuring again, against run {run}")
        base = next(entry for entry in past if entry.run == run)
        again = analyse(_again(options, record, base, mine, terminal))
        measured.append((mine, again))
        if problem := apart(gate_cells(again, config.gate), looks=1):
            invalid.append(problem)
    found = {cell.cell: cell for cell in confirmed(measured)}
    judged = tuple(found.get(cell.cell, cell) for cell in judged)
    return decide(record.run, judged, invalid, ", ".join(bases) or None, notes)


def _again(
    options: argparse.Namespace, record: Record, base: HistoryEntry, flagged: Sequence[EvaluatedCell], terminal: Terminal
) -> Record:
    """Measures the flagged cells again, base against head in pairs."""
    run = record.run
    config = run.configuration
    first = run.plan.profiles[0].name
    flagged_loads = {(cell.target, *_load(parts_of(cell.cell)[1], first)) for cell in flagged}
    names = sorted({target for target, _, _ in flagged_loads})
    client = ready_engine(config, terminal)
    targets = {name: run.targets[name] for name in names}
    head = Version(run.id, targets, kept(client, _ids(record), (*names, *part_names(targets))) or {})
    if not head.images:
        raise RunError(
            f"the images of run {run.id} are gone, so nothing can be measured again: start `fitmap gate` without a record"
        )
    profiles = only(run.plan.profiles, {(profile, level) for _, profile, level in flagged_loads})
    pairs = sorted({(target, profile) for target, profile, _ in flagged_loads})
    count = configure(options).gate.pairs
    plan = paired_plan(config, run.plan.timing, count, pairs, profiles, machine.topology(), twins=True)
    wanted = msgspec.structs.replace(request(options), config=config)
    with revisions(client):
        old = _old(client, base, head, run.image_set, terminal)
        again = measure_pairs(client, wanted, plan, (old, head), run.image_set, terminal)
    write_report(again, terminal)
    return again


def _old(client: docker.DockerClient, base: HistoryEntry, head: Version, image_set: str, terminal: Terminal) -> Version:
    """The version of the baseline's run: its own images, or those of its revision. Raises RunError."""
    images = kept(client, base.images, head.images)
    if images is not None:
        return Version(base.run, head.targets, images)
    if not base.revision or base.revision.endswith("+"):
        raise RunError(
            f"the images of run {base.run} are gone, and it was built from uncommitted files: "
            "the flagged cells can't be measured again"
        )
    terminal.say(f"the images of run {base.run} are gone: building them again from revision {base.revision}")
    return built(client, base.revision, head.targets, image_set, terminal.say)


def _ids(record: Record) -> dict[str, str]:
    return {name: image.id for name, image in record.run.images.items()}


def _load(place: str, first: str) -> tuple[str, str]:
    """Profile and level of a scope, or of the load of a route.

    Without a level if the scope has none; the first profile if the scope is the whole run.
    """
    profile, _, level = load_id(place).partition("@")
    return profile or first, level


def _told(found: Gate, analysis: Analysis, folder: Path, terminal: Terminal) -> int:
    """Writes the gate's files into the record, prints the verdict, returns the status."""
    # gate.json is written last: if it exists, the other files exist too.
    write_gate_files(found, entry_of(analysis), folder, intervals(analysis))
    path = write_gate(found, folder)
    for reason in found.reasons:
        print(reason)
    counts = {state: len(found.in_state(state)) for state in dict.fromkeys(cell.state for cell in found.cells)}
    print(f"{found.verdict}: {', '.join(f'{count} {state}' for state, count in counts.items()) or 'no cell to evaluate'}")
    terminal.say(f"{path}")
    return found.exit_status


def _gate_revision(options: argparse.Namespace, terminal: Terminal) -> int:
    """Measures the working tree against a revision, without a history."""
    if options.record:
        raise UsageError("--base measures the working tree now: leave out the record")
    found = gate_revision(options, terminal)
    if found is None:
        return 0
    gate, look, record = found
    write_report(record, terminal)
    return _told(gate, look.analysis, record.folder, terminal)
