"""The commands report, advise and repeatability. They need no engine."""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import msgspec

from harness.cli.live_page import open_page
from harness.cli.terminal import Terminal
from harness.errors import UsageError
from harness.record.damage import DAMAGED
from harness.record.reader import Record, locate, read_record
from reports.analysis.analysis import analyse
from reports.analysis.cost_model import everyday
from reports.comparison.comparability import incomparable
from reports.export.citations import citations, cited_folders, refreshed
from reports.export.files import write_file, write_files
from reports.export.terminal import advice_text, between_text, repeatability_text
from reports.sections.cost import advise as advice_of


def write_report(record: Record, terminal: Terminal, baseline: Record | None = None) -> Path:
    """Writes all files that are made from a record. Returns the path of the report."""
    for warning in record.warnings:
        terminal.say(f"record: {warning}")
    return write_files(record, baseline)


def refuse_itself(one: Record, other: Record) -> None:
    """Raises UsageError if two records are of one run: nothing would differ, whatever the noise is."""
    if (one.run.id, one.run.started, one.run.host) == (other.run.id, other.run.started, other.run.host):
        raise UsageError(f"run {one.run.id} is compared with itself: name another record (`fitmap list` shows them)")


def advise(options: argparse.Namespace, _terminal: Terminal) -> int:
    """Prints the estimated cost of a service on each target of a record."""
    analysis = analyse(read_record(locate(options.runs, options.record)))
    standard = everyday(analysis)
    given = {
        "rps": options.rps,
        "cpu_ms": options.cpu_ms,
        "queries": options.queries,
        "wait_ms": options.wait_ms,
        "core_price": options.cpu_price,
        "memory_price": options.memory_price,
        "reference": options.reference,
        "utilisation": options.utilisation,
        "instances": options.instances,
    }
    need = msgspec.structs.replace(standard, **{name: value for name, value in given.items() if value is not None})
    for name in ("rps", "cpu_ms", "queries", "wait_ms", "cpu_price", "memory_price"):
        if getattr(options, name) is not None and not 0 <= getattr(options, name) < float("inf"):
            raise UsageError(f"--{name.replace('_', '-')} must be at least 0")
    if not 0 < need.utilisation <= 1 or need.instances < 1:
        raise UsageError("--utilisation must be above 0 and at most 1, --instances at least 1")
    targets = analysis.run.plan.targets
    if need.reference not in targets:
        raise UsageError(f'"{need.reference}" is no target of this record: it has {", ".join(targets)}')
    found = advice_of(analysis, need)
    print(msgspec.json.format(msgspec.json.encode(found.answer), indent=1).decode() if options.json else advice_text(found))
    return 0


def report(options: argparse.Namespace, terminal: Terminal) -> int:
    """Makes the report of a record again."""
    baseline = read_record(locate(options.runs, options.baseline)) if options.baseline else None
    record = read_record(locate(options.runs, options.record))
    if baseline:
        refuse_itself(baseline, record)
    page = write_report(record, terminal, baseline)
    print(page)
    if options.open:
        open_page(page, terminal)
    if options.cite:
        cite(record, options.cite)
    return 0


def cite(record: Record, page: Path) -> None:
    """Updates the figures that a page cites. Raises UsageError, RunError.

    A page may cite several records, each from a folder of its own. Then only the folder with this record's results counts.
    """
    try:
        # As it is: reading as text would change the ends of the lines.
        text = page.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{page} can't be read ({error}): give a Markdown file") from None
    folders = cited_folders(text)
    if len(folders) > 1:
        folders = frozenset(folder for folder in folders if _run_in(page.parent / folder) == record.run.id)
        if not folders:
            raise UsageError(f"{page} cites several records, and none of them is run {record.run.id}")
    now = refreshed(text, analyse(record), folders)
    write_file(page, now.encode())
    pairs = list(zip(citations(text), citations(now), strict=True))
    print(f"{page}: {len(pairs)} figures cited, {sum(old != new for old, new in pairs)} changed")


def _run_in(folder: Path) -> str:
    """The run whose results.json lies in a folder; empty if there is none."""
    try:
        return msgspec.json.decode((folder / "results.json").read_bytes(), type=_Results).run
    except (OSError, *DAMAGED):
        return ""


class _Results(msgspec.Struct, frozen=True):
    run: str


def repeatability(options: argparse.Namespace, _terminal: Terminal) -> int:
    """Prints the variation over trials, or between several records. Raises UsageError."""
    records = [read_record(locate(options.runs, given)) for given in options.records or [None]]
    for one, two in combinations(records, 2):
        refuse_itself(one, two)
    for other in records[1:]:
        if reasons := incomparable(records[0].run, other.run):
            raise UsageError(f"{records[0].run.id} and {other.run.id} can't be compared: {'; '.join(reasons)}")
    analyses = [analyse(record) for record in records]
    print(between_text(analyses) if len(analyses) > 1 else repeatability_text(*analyses))
    return 0
