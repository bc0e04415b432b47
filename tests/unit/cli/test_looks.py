"""The loop of `fitmap gate --base`: it goes on where a cell is not clear, and ends when all are, or when the time is up."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest
from synthetic import run

import harness.cli.looks
from harness.cli.compare import Sides
from harness.cli.looks import Look, gate_revision
from harness.cli.terminal import Terminal
from harness.containers.versions import Version
from harness.plan.schedule import make_pairs
from harness.record.reader import Record
from harness.run.setup import Request
from reports.regression.gate_result import EvaluatedCell, State
from reports.regression.looks import LOOKS

HEADER = run()
VERSIONS = (Version("main", {}, {}), Version("the working tree", {}, {}))
CELLS = (("go", "db"),)


def judged(state: State) -> EvaluatedCell:
    name = "go|db@saturate|cpu"
    return EvaluatedCell(name, "go", "Database", "CPU per request", "microseconds", 1, 1, 0.01, None, 0.02, 1, state)


def gated(monkeypatch: pytest.MonkeyPatch, states: Iterator[State], minutes: float = 60.0) -> tuple[str, Record, int]:
    """The verdict of a gate whose looks come out as `states`, its record, and how many blocks its last look knew."""
    plan = make_pairs(
        seed=1,
        preset="gate",
        timing=msgspec.structs.replace(HEADER.plan.timing, blocks=LOOKS[0]),
        cells=CELLS,
        profiles=HEADER.plan.profiles,
        placement=HEADER.plan.placement,
        twins=True,
    )
    first = Record(Path("runs/1"), msgspec.structs.replace(HEADER, plan=plan), (), ())
    request = Request(HEADER.configuration, Path("runs"), "", ())
    sides = Sides(None, request, "local", VERSIONS, (), HEADER.plan.profiles, CELLS)  # type: ignore[arg-type]

    def look(record: Record, blocks: int, looks: tuple[int, ...]) -> Look:
        assert (looks, record.run.plan.timing.blocks) == (LOOKS, blocks)
        state = next(states)
        return Look(blocks, None, (judged(state),), CELLS if state == "inconclusive" else (), None)  # type: ignore[arg-type]

    def extended(record: Record, plan: Any) -> Record:
        return msgspec.structs.replace(record, run=msgspec.structs.replace(record.run, plan=plan))

    monkeypatch.setattr(harness.cli.looks, "built_sides", lambda *_: nullcontext(sides))
    monkeypatch.setattr(harness.cli.looks, "measure_pairs", lambda *_: first)
    monkeypatch.setattr(harness.cli.looks, "measure", lambda _client, record, _begun, _listener: record)
    monkeypatch.setattr(harness.cli.looks, "extended", extended)
    monkeypatch.setattr(harness.cli.looks, "look_at", look)
    options = argparse.Namespace(base="main", minutes=minutes)
    with Terminal() as terminal:
        found = gate_revision(options, terminal)
    assert found is not None
    gate, last, record = found
    assert gate.base == "main"
    return gate.verdict, record, last.blocks


def test_it_goes_on_until_all_cells_are_clear(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, record, blocks = gated(monkeypatch, iter(("inconclusive", "inconclusive", "fine")))
    assert (verdict, blocks, record.run.plan.timing.blocks) == ("fine", LOOKS[2], LOOKS[2])
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()[1:]] == [
        f"after {look} starts" for look in LOOKS[:3]
    ]


def test_it_ends_at_the_first_look_if_nothing_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict, _, blocks = gated(monkeypatch, iter(("regressed",)))
    assert (verdict, blocks) == ("regressed", LOOKS[0])


def test_what_is_not_clear_after_the_last_look_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict, _, blocks = gated(monkeypatch, iter(("inconclusive",) * len(LOOKS)))
    assert (verdict, blocks) == ("inconclusive", LOOKS[-1])


def test_no_further_blocks_are_begun_when_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict, record, blocks = gated(monkeypatch, iter(("inconclusive",)), minutes=0.1)
    assert (verdict, blocks, record.run.plan.timing.blocks) == ("inconclusive", LOOKS[0], LOOKS[0])
    assert "the time is up" in capsys.readouterr().err
