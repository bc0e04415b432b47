"""The command bench: builds what is needed, measures, writes the report."""

from __future__ import annotations

import argparse
import re
import sys
import time

import docker

from harness.cli.live_page import LivePage
from harness.cli.prepare import others_words
from harness.cli.report import write_report
from harness.cli.settings import request
from harness.cli.terminal import Terminal
from harness.containers.builder import Image
from harness.plan.schedule import further_group
from harness.plan.selection import chosen_targets, planned_profiles, unasked
from harness.plan.targets import with_default_twin
from harness.record.measurement import Missing
from harness.record.reader import Record, check_space, locate, read_record
from harness.run.runner import check_resumable, extended, further_seconds, measure
from harness.run.setup import helpers_of, made_images, measure_new, ready_engine
from harness.wording import counted
from reports.analysis.analysis import analyse
from reports.analysis.precision import widths

EXIT_INCOMPLETE = 3


def bench(options: argparse.Namespace, terminal: Terminal) -> int:
    """Measures a new run, or the pending trials of an interrupted one."""
    begun = time.monotonic()
    wanted = request(options)
    check_space(options.runs)
    listener = LivePage(terminal, opens=options.open)
    if options.resume is not None:
        record = read_record(locate(options.runs, None if options.resume is True else options.resume))
        if not record.pending():
            terminal.say(f"run {record.run.id} is complete: nothing to resume")
            return _finish(record, listener, terminal)
        client = ready_engine(record.run.configuration, terminal)
        check_resumable(record, _images_of(client, record, terminal))
        return _finish(measure(client, record, begun, listener), listener, terminal)
    targets = chosen_targets(wanted.config)
    if others := unasked(wanted.config):
        terminal.say(others_words(others))
    record = measure_new(wanted, with_default_twin(targets, wanted.config.run.preset, every=options.twins), listener)
    if options.precision is not None:
        record = _until_precise(record, options.precision, begun + options.minutes * 60, listener, terminal)
    return _finish(record, listener, terminal)


def _until_precise(record: Record, percent: float, deadline: float, listener: LivePage, terminal: Terminal) -> Record:
    """Measures further blocks until the ratios are as precise as was asked, or the time is up."""
    begun = time.monotonic()
    while True:
        found = widths(analyse(record))
        wide = [width for width in found if width.percent is None or width.percent > percent]
        if not wide:
            terminal.say(f"all {counted(len(found), 'ratio')} of CPU per request are within ±{percent:g} %")
            return record
        terminal.say(
            f"{len(wide)} of {counted(len(found), 'ratio')} are not within ±{percent:g} %; widest: {wide[-1].words}"
        )
        plan = further_group(record.run.plan)
        if time.monotonic() + further_seconds(record, plan) > deadline:
            terminal.say("the time is up (--minutes): no further blocks are measured")
            return record
        client = ready_engine(record.run.configuration, terminal)
        record = measure(client, extended(record, plan), begun, listener)


def _images_of(client: docker.DockerClient, record: Record, terminal: Terminal) -> dict[str, Image]:
    plan, targets = record.run.plan, record.run.targets
    profiles = planned_profiles(plan, targets)
    return made_images(client, helpers_of(plan, targets), targets, record.run.image_set, terminal, profiles)


def _finish(record: Record, listener: LivePage, terminal: Terminal) -> int:
    """Writes the report, and says what came out and where it is. Returns the exit status."""
    page = write_report(record, terminal)
    listener.open(page)
    status = _outcome(record, terminal)
    valid = sum(result.verdict == "valid" for result in record.results)
    terminal.say(f"{valid} of {len(record.run.plan.trials)} trials valid")
    terminal.say(f"report: {page}")
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        # For scripts: the bare path.
        print(page)
    return status


def _outcome(record: Record, terminal: Terminal) -> int:
    """Says what is not valid and what to do. Returns the exit status."""
    if record.run.plan.preset == "smoke":
        terminal.say("smoke only checks that everything works: its figures are too short to compare")
    cells = {(trial.target, trial.profile) for trial in record.run.plan.trials}
    valid = {(r.trial.target, r.trial.profile) for r in record.results if r.verdict == "valid"}
    lost = sorted(cells - valid)
    if not lost:
        return 0
    for target, profile in lost:
        reason = _main_reason(record, target, profile)
        terminal.say(f"{target} on {profile}: no trial is valid at every level (most often: {reason})")
    terminal.say(
        "what to do: `.venv/bin/fitmap doctor` shows what disturbs this machine, docs/guide/benchmark-machine.md how to "
        "prepare it; then measure again. The report names every trial that is not valid, under Validity"
    )
    terminal.say(f"the report is complete; exit status {EXIT_INCOMPLETE}: a target has no valid trial")
    return EXIT_INCOMPLETE


def _main_reason(record: Record, target: str, profile: str) -> str:
    """The most frequent reason why trials of a cell are not valid, as first given."""
    found: dict[str, list[str]] = {}
    for result in record.results:
        if (result.trial.target, result.trial.profile) == (target, profile):
            failed = result.measurement
            reasons = result.problems or ((failed.reason,) if isinstance(failed, Missing) else ())
            for reason in reasons:
                # Figures differ from trial to trial, the reason is the same.
                found.setdefault(re.sub(r"[\d.,]+", "#", reason), []).append(reason)
    return max(found.values(), key=len)[0] if found else "it was not measured"
