"""The command history: runs over time in one file."""

from __future__ import annotations

import argparse
import getpass
import os
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.terminal import Terminal
from harness.errors import UsageError
from harness.host.git import git
from harness.record.reader import locate, read_record
from harness.wording import counted
from reports.analysis.analysis import analyse
from reports.analysis.cells import metric_info, parts_of
from reports.comparison.comparability import Key
from reports.regression.gate_result import read_gate
from reports.regression.history import SCHEMA, Accept, History, HistoryEntry, append, entry_of, parse, read, series, table
from reports.regression.screening import screen_cell
from reports.units import columns, quantity


def history_add(options: argparse.Namespace, terminal: Terminal) -> int:
    """Adds records, folders of records, other histories, or a branch's history."""
    lines: list[HistoryEntry | Accept] = []
    for given in options.sources or ([] if options.branch else [None]):
        path = Path(given) if given else None
        if path and path.is_file():
            other = read(path)
            for warning in other.warnings:
                terminal.say(f"history: {warning}")
            lines += [*other.entries, *other.accepts]
            continue
        folders = sorted(p.parent for p in path.rglob("run.json")) if path and path.is_dir() else []
        for folder in folders or [locate(options.runs, given)]:
            try:
                found = read_gate(folder)
                lines.append(entry_of(analyse(read_record(folder)), found.verdict if found else ""))
            except UsageError as error:
                if len(folders) < 2:
                    raise
                terminal.say(f"history: {error}")
    if options.branch:
        shown = git("show", f"{options.branch}:{options.history.name}", folder=Path.cwd())
        if shown.reason is not None:
            raise UsageError(f"branch {options.branch} has no {options.history.name}: {shown.reason}")
        other = parse(shown.output, f"{options.branch}:{options.history.name}")
        for warning in other.warnings:
            terminal.say(f"history: {warning}")
        lines += [*other.entries, *other.accepts]
    added = append(options.history, lines)
    print(f"{len(added)} of {len(lines)} lines were new; {options.history}")
    return 0


def read_history(options: argparse.Namespace, terminal: Terminal) -> History:
    """Reads the history that the options name, and prints its warnings."""
    history = read(options.history)
    for warning in history.warnings:
        terminal.say(f"history: {warning}")
    return history


def history_list(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints one line per run, with the series that it belongs to."""
    history = read_history(options, terminal)
    keys: dict[Key, int] = {}
    accepted = {accept.run: accept for accept in history.accepts}
    for entry in history.entries:
        number = keys.setdefault(entry.key, len(keys) + 1)
        mark = f"  accepted: {accepted[entry.run].reason}" if entry.run in accepted else ""
        verdict = f"  {entry.verdict}" if entry.verdict else ""
        valid = f"{entry.planned - entry.invalid} of {counted(entry.planned, 'trial')} valid"
        print(
            f"{entry.run}  series {number}  {valid}  {counted(len(entry.cells), 'cell')}  "
            f"{(entry.revision or '-')[:12]}{verdict}{mark}"
        )
    for key, number in keys.items():
        print(f"series {number}: host {key.host}, image set {key.image_set}, method {key.method}, content {key.content}")
    if not history.entries:
        print(f"no run in {options.history}: `fitmap history add` adds one")
    return 0


def history_show(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the cells of a run, compared with the runs before it."""
    history = read_history(options, terminal)
    entry = next((e for e in reversed(history.entries) if options.run_id in (None, e.run)), None)
    if entry is None:
        raise UsageError(f"no run {options.run_id or ''} in {options.history}: `fitmap history list` shows what is there")
    past = [run.cells for run in series(history, entry.key, before=entry.started)]
    rows = [("cell", "value", "trials", "runs before", "worse by", "noise explains")]
    for cell, value in entry.cells.items():
        figure = metric_info(parts_of(cell)[2])
        if figure is None:
            continue
        found = screen_cell(cell, figure, entry.cells, past, 0.0)
        rows.append(
            (
                cell,
                quantity(value, figure.unit),
                str(entry.trials.get(cell, 0)),
                str(found.runs),
                f"{found.change:+.1%}" if found.runs else "-",
                "learning" if found.learning else f"{found.limit:.1%}",
            )
        )
    print("\n".join(columns(rows)))
    return 0


def history_export(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints every value as CSV: one row per run and cell."""
    print(table(read_history(options, terminal)).to_csv(index=False, lineterminator="\n"), end="")
    return 0


def _user() -> str:
    """The user's name; the number where it has none, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def history_accept(options: argparse.Namespace, terminal: Terminal) -> int:
    """Accepts a change: runs from this one on are the new baseline."""
    if options.run_id not in {entry.run for entry in read_history(options, terminal).entries}:
        raise UsageError(f"no run {options.run_id} in {options.history}: `fitmap history list` shows what is there")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    append(options.history, [Accept(SCHEMA, options.run_id, now, options.by or _user(), options.reason.strip())])
    print(f"{options.run_id} and later runs are the baseline now")
    return 0
