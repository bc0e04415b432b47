"""A value of 0, or below, is missing with its reason. It never takes the rest of the report with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from non_load_records import BUILD, STARTUP
from report_records import ASKING, DETAILED, make_record
from scale_records import FLOOR, OUT, UP

from harness.record.measurement import Missing
from harness.record.reader import Record
from harness.record.trial_result import TrialResult
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.cells import cells
from reports.regression.history import entry_of

#: A path into a measurement. `[]` stands for each element of a list.
Path_ = tuple[str, ...]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Two targets under every kind of profile."""
    held = msgspec.structs.replace(ASKING[2], levels=ASKING[2].levels[:2])
    folder = tmp_path_factory.mktemp("values") / "record"
    profiles = (*DETAILED, *ASKING[:2], held, STARTUP, BUILD, FLOOR, UP, OUT)
    return make_record(folder, targets=("rust", "go"), profiles=profiles)


def numbers(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The paths of all numbers in a measurement."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from numbers(each, (*path, key))
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each, (*path, "[]"))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def put(value: Any, path: Path_, number: float) -> Any:
    """The same measurement with a number in the place of those at a path."""
    if not path:
        return type(value)(number) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if isinstance(value, list) and path[0] == "[]":
        return [put(each, path[1:], number) for each in value]
    if isinstance(value, dict) and path[0] in value:
        return {**value, path[0]: put(value[path[0]], path[1:], number)}
    return value


def spoilt(record: Record, kind: str, path: Path_, number: float, *, blocks: tuple[int, ...]) -> Record:
    """The record with a number at a path in go's trials of a kind, in some blocks."""

    def changed(result: TrialResult) -> TrialResult:
        raw = msgspec.to_builtins(result)
        hit = raw["measurement"]["type"] == kind and result.trial.target == "go" and result.trial.block in blocks
        return msgspec.convert({**raw, "measurement": put(raw["measurement"], path, number)}, TrialResult) if hit else result

    return msgspec.structs.replace(record, results=tuple(changed(result) for result in record.results))


def paths_of(record: Record) -> list[tuple[str, Path_]]:
    raw = [msgspec.to_builtins(result)["measurement"] for result in record.results]
    return sorted({(each["type"], path) for each in raw for path in numbers(each)})


def usable(record: Record) -> Analysis:
    """The analysis, of which every ranked value and every cell is a number above 0."""
    analysis = analyse(record)
    assert all(cell.mean > 0 for cell in cells(analysis))
    for ranking in analysis.rankings:
        assert all(isinstance(e.estimate, Missing) or e.estimate.median > 0 for e in ranking.entries)
    assert all(value > 0 for value in entry_of(analysis).cells.values())
    return analysis


@pytest.mark.parametrize("number", [0, -1])
def test_no_number_of_a_trial_keeps_the_others_from_being_analysed(whole: Record, number: float) -> None:
    for kind, path in paths_of(whole):
        usable(spoilt(whole, kind, path, number, blocks=(1,)))
