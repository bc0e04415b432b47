"""A value of 0, or below, is missing with its reason. It never takes the rest of the report with it."""

from __future__ import annotations

import math
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
from reports.export.html import render_page
from reports.export.interactive import begin_bundle, render_explore
from reports.export.markdown import summary
from reports.export.view import make_view
from reports.metrics.metric import comparable
from reports.regression.history import entry_of

#: Stands for each element of a list, and for each route.
EACH = "*"
#: A path into a measurement.
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
            # Routes and statements are alike.
            yield from numbers(each, (*path, EACH if " " in key else key))
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each, (*path, EACH))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def put(value: Any, path: Path_, number: float) -> Any:
    """The same measurement with a number in the place of those at a path."""
    if not path:
        return type(value)(number) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if isinstance(value, list) and path[0] == EACH:
        return [put(each, path[1:], number) for each in value]
    if isinstance(value, dict):
        return {key: put(each, path[1:], number) if path[0] in (EACH, key) else each for key, each in value.items()}
    return value


def spoilt(record: Record, kind: str, path: Path_, number: float, *, blocks: tuple[int, ...]) -> Record:
    """The record with a number at a path in go's trials of a kind, in some blocks."""

    def changed(result: TrialResult) -> TrialResult:
        raw = msgspec.json.decode(msgspec.json.encode(result))
        hit = raw["measurement"]["type"] == kind and result.trial.target == "go" and result.trial.block in blocks
        return msgspec.convert({**raw, "measurement": put(raw["measurement"], path, number)}, TrialResult) if hit else result

    return msgspec.structs.replace(record, results=tuple(changed(result) for result in record.results))


def paths_of(record: Record) -> list[tuple[str, Path_]]:
    raw = [msgspec.json.decode(msgspec.json.encode(result))["measurement"] for result in record.results]
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
        try:
            usable(spoilt(whole, kind, path, number, blocks=(1,)))
        except Exception as error:
            raise AssertionError(f"{number} in {kind} {'.'.join(path)}") from error


#: So many numbers are 0 at once where whole pages are made. They are of different kinds of trial, or far apart in one.
AT_ONCE = 4


def test_no_number_of_a_target_keeps_a_report_from_being_made(whole: Record) -> None:
    begin_bundle()
    paths = paths_of(whole)
    step = math.ceil(len(paths) / AT_ONCE)
    for together in (paths[first::step] for first in range(step)):
        record = whole
        for kind, path in together:
            record = spoilt(record, kind, path, 0, blocks=(1, 2, 3))
        try:
            analysis = usable(record)
            view = make_view(analysis, whole.folder, interactive=True)
            page = render_page(view)
            render_explore(view)
            summary(view)
        except Exception as error:
            names = ", ".join(f"{kind} {'.'.join(path)}" for kind, path in together)
            raise AssertionError(f"0 in {names}") from error
        assert "rust" in page


def test_a_window_of_no_length_is_a_failed_level_with_its_reason(whole: Record) -> None:
    analysis = analyse(spoilt(whole, "measured", ("levels", EACH, "window_seconds"), 0, blocks=(1,)))
    lost = {result.trial.target for result in analysis.not_valid}
    assert lost == {"go"}
    assert all("its window has no length" in problem for result in analysis.not_valid for problem in result.problems)
    estimate = analysis.estimate("throughput", "cpu@saturate", "go")
    assert not isinstance(estimate, Missing) and estimate is not None and estimate.trials == 2


def test_an_image_of_no_bytes_and_sources_without_lines_are_missing_with_their_reasons(whole: Record) -> None:
    """An engine with another image store may report no size, and a language may be one that nobody can count."""
    run = whole.run
    images = {**run.images, "go": msgspec.structs.replace(run.images["go"], size_bytes=0)}
    run = msgspec.structs.replace(run, images=images, source_lines={**run.source_lines, "go": 0})
    analysis = usable(msgspec.structs.replace(whole, run=run))
    assert analysis.estimate("image", "", "go") == Missing("the engine reported an image of 0 bytes")
    assert analysis.estimate("source-lines", "", "go") == Missing("no line of code was counted in its sources")
    for metric in ("image", "source-lines"):
        assert not isinstance(analysis.estimate(metric, "", "rust"), Missing)
    begin_bundle()
    page = render_page(make_view(analysis, whole.folder))
    assert "the engine reported an image of 0 bytes" in page


def test_free_cores_and_memory_keep_no_report_from_being_made(whole: Record) -> None:
    """Older configurations could hold such prices."""
    configuration = whole.run.configuration
    prices = msgspec.structs.replace(configuration.prices, core_month=0.0, gib_month=0.0)
    run = msgspec.structs.replace(whole.run, configuration=msgspec.structs.replace(configuration, prices=prices))
    begin_bundle()
    render_page(make_view(analyse(msgspec.structs.replace(whole, run=run)), whole.folder))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_only_finite_numbers_above_zero_can_be_compared(value: float) -> None:
    found = comparable(value)
    assert isinstance(found, Missing) and f"its value is {value:g}" in found.reason
    assert comparable(1e-9) == 1e-9
