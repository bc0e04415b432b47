"""The command bench: builds what is needed, measures, writes the report."""

from __future__ import annotations

import argparse
import time

import docker

from harness.cli.arguments import request
from harness.cli.live_page import LivePage
from harness.cli.report import write_report
from harness.cli.terminal import Terminal
from harness.containers.builder import Image
from harness.plan.selection import chosen_targets
from harness.plan.targets import with_twins
from harness.record.reader import Record, check_space, locate, read_record
from harness.run.runner import check_resumable, measure
from harness.run.setup import helpers_of, made_images, measure_new, ready_engine

EXIT_INCOMPLETE = 3


def bench(options: argparse.Namespace, terminal: Terminal) -> int:
    """Measures a new run, or the pending trials of an interrupted one."""
    begun = time.monotonic()
    wanted = request(options)
    check_space(options.runs)
    listener = LivePage(terminal, opens=options.open)
    if options.resume is not None:
        record = read_record(locate(options.runs, options.resume))
        if not record.pending():
            terminal.say(f"run {record.run.id} is complete: nothing to resume")
            return _finish(record, listener, terminal)
        client = ready_engine(record.run.configuration, terminal)
        check_resumable(record, _images_of(client, record, terminal))
        return _finish(measure(client, record, begun, listener), listener, terminal)
    targets = chosen_targets(wanted.config)
    record = measure_new(wanted, with_twins(targets, targets) if options.twins else targets, listener)
    return _finish(record, listener, terminal)


def _images_of(client: docker.DockerClient, record: Record, terminal: Terminal) -> dict[str, Image]:
    plan = record.run.plan
    return made_images(client, helpers_of(plan), plan.targets, record.run.image_set, terminal)


def _finish(record: Record, listener: LivePage, terminal: Terminal) -> int:
    """Writes the report and prints its path. Returns the exit status."""
    page = write_report(record, terminal)
    print(page)
    listener.open(page)
    cells = {(trial.target, trial.profile) for trial in record.run.plan.trials}
    valid = {(r.trial.target, r.trial.profile) for r in record.results if r.verdict == "valid"}
    for target, profile in sorted(cells - valid):
        terminal.say(f"no valid trial of {target} on {profile}: the report says why")
    return EXIT_INCOMPLETE if cells - valid else 0
