"""fitmap gate --base: measures the working tree against a revision, block after block, until each cell is clear."""

from __future__ import annotations

import argparse
import time

import msgspec
from msgspec import Struct

from harness.cli.compare import Sides, built_sides
from harness.cli.terminal import Terminal
from harness.containers.versions import WORKING_TREE
from harness.host import machine
from harness.plan.config_file import timing
from harness.plan.schedule import further_pairs
from harness.plan.selection import paired_plan
from harness.record.reader import Record
from harness.run.runner import extended, further_seconds, measure
from harness.run.setup import measure_pairs
from harness.wording import counted
from reports.analysis.analysis import Analysis, analyse
from reports.regression.gate import decide
from reports.regression.gate_result import EvaluatedCell, Gate
from reports.regression.looks import LOOKS
from reports.regression.paired_gate import apart, evaluated, gate_cells, look_words, unclear

#: Slices of each start. Starts differ more than slices do, so the time is spent on starts.
ROUNDS = 10


class Look(Struct, frozen=True):
    """What is known after some blocks. `further`: the targets and profiles that go on. `invalid`: why none may."""

    blocks: int
    analysis: Analysis
    judged: tuple[EvaluatedCell, ...]
    further: tuple[tuple[str, str], ...]
    invalid: str | None


def look_at(record: Record, blocks: int, looks: tuple[int, ...]) -> Look:
    """Decides each cell on the blocks that were measured so far."""
    analysis = analyse(record)
    config = record.run.configuration
    found = gate_cells(analysis, config.gate)
    judged = evaluated(analysis, found, blocks, looks)
    invalid = apart(found, len(looks))
    further = () if invalid else unclear(judged, found, record.run.plan.profiles)
    return Look(blocks, analysis, judged, further, invalid)


def gate_revision(options: argparse.Namespace, terminal: Terminal) -> tuple[Gate, Look, Record] | None:
    """Measures and judges. None: base and head have the same images, and nothing can differ."""
    deadline = time.monotonic() + options.minutes * 60
    with built_sides(options, options.base, WORKING_TREE, terminal) as sides:
        return _decided(sides, deadline, terminal)


def _decided(sides: Sides, deadline: float, terminal: Terminal) -> tuple[Gate, Look, Record] | None:
    """Measures block after block until each cell is clear, or the time is up."""
    if not sides.cells:
        print(f"fine: the images of {', '.join(sides.same)} are the same as in {sides.names[0]}: nothing can differ")
        return None
    # --blocks asks for so many starts, and one look.
    blocks = sides.request.config.timing.blocks
    looks = (blocks,) if blocks else LOOKS
    record = _first(sides, looks[0], terminal)
    look = look_at(record, looks[0], looks)
    for coming in looks[1:]:
        terminal.say(look_words(look.judged, look.blocks))
        if not look.further:
            break
        plan = further_pairs(record.run.plan, look.further, coming - look.blocks)
        if time.monotonic() + further_seconds(record, plan) > deadline:
            terminal.say("the time is up (--minutes): no further blocks are measured")
            break
        record = measure(sides.client, extended(record, plan), time.monotonic(), terminal)
        look = look_at(record, coming, looks)
    else:
        terminal.say(look_words(look.judged, look.blocks))
    invalid = [look.invalid] if look.invalid else []
    return decide(record.run, look.judged, invalid, sides.names[0]), look, record


def _first(sides: Sides, blocks: int, terminal: Terminal) -> Record:
    """The blocks before the first look."""
    config = sides.request.config
    times = msgspec.structs.replace(timing(config), rounds=config.timing.rounds or ROUNDS)
    plan = paired_plan(config, times, blocks, sides.cells, sides.profiles, machine.topology(), twins=True)
    terminal.say(
        f"base, a twin of base and head are measured at once: {counted(blocks, 'start')} of each, then the first look"
    )
    return measure_pairs(sides.client, sides.request, plan, sides.versions, sides.image_set, terminal)
