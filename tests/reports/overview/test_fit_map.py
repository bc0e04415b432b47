"""The fit map: places are shares of the best, by the written formula, and do not move with targets that are behind."""

from __future__ import annotations

import re

import pytest
from small import Values, around, card_of, small

from reports.overview.fit_map import FitMap, Share, caption, durations, make_map
from reports.overview.pictures import article, edits, fit_map

CPU, MEMORY, START = "cpu@saturate cpu", "service@500/s working-set", " start"
WAITER, BUILD, EDIT = "waiters@4000/held waiter-memory", "build rebuild", "build edit"


def row(**values: float) -> dict[str, tuple[float, ...]]:
    return {target: around(value) for target, value in values.items()}


ALL: Values = {
    CPU: row(rust=63, go=130, python=2000),
    MEMORY: row(rust=2.5e6, go=9e6, python=25e6),
    START: row(rust=0.1, go=0.07, python=0.2),
    WAITER: row(rust=22e3, go=33e3, python=11e3),
}


def made(values: Values) -> FitMap | None:
    return make_map(card_of(small(values))[0])


def place(found: FitMap | None, target: str) -> tuple[Share, Share]:
    assert found is not None
    return next((each.across, each.up) for each in found.places if each.column.target == target)


def test_across_is_work_per_core_and_up_the_mean_of_three_shares() -> None:
    across, up = place(made(ALL), "go")
    assert across.mid == pytest.approx(63 / 130)
    assert up.mid == pytest.approx((2.5 / 9 * 1.0 * 11 / 33) ** (1 / 3))
    assert across.low < across.mid < across.high and up.low < up.mid < up.high
    assert place(made(ALL), "rust")[0].mid == 1.0


def test_a_target_that_is_behind_moves_nobody() -> None:
    values = {name: dict(cells) for name, cells in ALL.items()}
    for cells in values.values():
        del cells["python"]
    values[WAITER]["rust"] = around(22e3)
    with_it, without = place(made(ALL | {WAITER: row(rust=22e3, go=33e3, python=99e3)}), "go"), place(made(values), "go")
    assert with_it[0].mid == pytest.approx(without[0].mid) and with_it[1].mid == pytest.approx(without[1].mid)


def test_of_two_parts_the_caption_says_which() -> None:
    found = made({name: cells for name, cells in ALL.items() if name != WAITER})
    assert found is not None
    assert caption(found)[1] == (
        "Up: the same for memory of an instance and start to first answer, as one mean (geometric, equal weights). "
        "The record lacks the others that belong to it."
    )


@pytest.mark.parametrize("gone", [(CPU,), (WAITER, START), (MEMORY, START, WAITER)])
def test_without_pure_work_or_with_one_part_there_is_no_map(gone: tuple[str, ...]) -> None:
    assert made({name: cells for name, cells in ALL.items() if name not in gone}) is None


def test_a_target_without_a_value_is_left_out_and_named() -> None:
    values = ALL | {CPU: {**row(rust=63, go=130), "python": "no valid trial"}}
    found = made(values)
    assert found is not None and found.left_out == ("Python",)
    assert "Python can’t be placed: a value is missing." in caption(found)[1]


def test_the_picture_places_more_to_the_right_and_up_and_labels_everybody() -> None:
    found = made(ALL)
    assert found is not None
    text = fit_map(found)
    for name in ("Rust", "Go", "Python"):
        assert f">{name}</text>" in text
    assert 'aria-label="Fit map' in text and "Python: 3% and" in text
    circle = re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)"', text)
    assert circle is not None and 300 < float(circle[1]) < 614


def test_an_edit_that_runs_sooner_is_further_right() -> None:
    analysis = small({BUILD: row(rust=34, go=4, python=1.3)})
    found = durations(analysis, card_of(analysis)[0].columns)
    assert [each.column.name for each in found] == ["Python", "Go", "Rust"]
    assert "Python 1.30\u00a0s" in edits(found) and "1 min" not in edits(found)


def test_the_edit_in_development_is_shown_where_a_record_has_it() -> None:
    analysis = small({BUILD: row(rust=34, go=4), EDIT: row(rust=9, go=3)})
    assert [each.mid for each in durations(analysis, card_of(analysis)[0].columns)] == [3, 9]


def test_the_articles_map_is_opinion_and_has_names_alone() -> None:
    text = article()
    assert "an opinion" in text and ">Python, Ruby</text>" in text and "<circle" not in text
