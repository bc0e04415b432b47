"""The scorecard: the state of each cell, its factor, its shade."""

from __future__ import annotations

import pytest
from small import around, card_of, scattered, small

from reports.metrics.catalogue import BY_ID
from reports.overview.cells import Cell
from reports.overview.rows import BILL, read_rows
from reports.overview.scorecard import Scorecard

CPU = "cpu@saturate cpu"


def cells(values: dict[str, tuple[float, ...] | str], row: str = CPU, blocks: int = 3) -> dict[str, Cell]:
    card, _ = card_of(small({row: values}, blocks=blocks))
    found = card.row(row.strip())
    assert found is not None
    return {cell.target: cell for cell in found.cells}


def test_a_winner_is_best_and_the_others_are_behind_by_paired_factors() -> None:
    found = cells({"go": around(130), "rust": around(63), "python": around(2000)})
    assert [found[t].state for t in ("rust", "go", "python")] == ["best", "behind", "behind"]
    assert found["go"].factor == pytest.approx(130 / 63, rel=1e-6)
    assert [found[t].words for t in ("rust", "go", "python")] == ["best", "×2.1", "×32"]
    assert [found[t].shade for t in ("rust", "go", "python")] == [0, 2, 5]
    assert [found[t].far for t in ("rust", "go", "python")] == [False, False, True]


def test_a_higher_value_is_better_where_the_metric_says_so() -> None:
    found = cells({"go": around(700), "rust": around(1400)}, "service@saturate throughput")
    assert (found["rust"].words, found["go"].words) == ("best", "×2.0")
    assert found["go"].at == pytest.approx(2) and found["go"].low == pytest.approx(1.96, abs=0.05)


def test_nobody_told_apart_is_grey_for_all() -> None:
    found = cells({"go": scattered(100, 0), "rust": scattered(110, 1), "python": scattered(105, 2)})
    assert {cell.state for cell in found.values()} == {"level"}
    assert {cell.words for cell in found.values()} == {"="}
    assert {cell.shade for cell in found.values()} == {None}


def test_a_tie_is_dark_only_where_the_medians_agree() -> None:
    wide = (60.0, 100.0, 160.0)
    found = cells({"rust": around(60, 0.05), "go": (57.0, 62.0, 66.0), "java": wide, "python": around(2000)})
    assert (found["rust"].state, found["go"].state, found["java"].state) == ("tied", "tied", "close")
    assert (found["go"].shade, found["java"].shade) == (0, 1)
    assert found["java"].words == "≈×1.7"
    assert found["python"].state == "behind"


def test_too_few_trials_are_dashed_and_do_not_keep_the_others_from_being_ranked() -> None:
    found = cells({"rust": around(63), "go": around(130), "python": (50.0, 51.0)})
    assert found["python"].state == "few" and found["python"].trials == 2
    assert found["python"].factor == pytest.approx(50.5 / 63)
    # Without the two trials of the fastest one, the others would be compared with nobody.
    assert (found["rust"].state, found["go"].state) == ("best", "behind")


def test_no_value_is_a_dash_with_its_reason() -> None:
    card, _ = card_of(small({CPU: {"rust": around(63), "go": around(130), "python": "no valid trial (failed)"}}))
    row = card.row(CPU)
    assert row is not None and row.cell("python").state == "none" and row.cell("python").words == "–"
    assert card.reasons == (("Python", "CPU per request, pure work", "no valid trial (failed)"),)


def test_exact_values_are_ranked_with_one_trial() -> None:
    found = cells({"rust": (3e6,), "go": (1e7,)}, " image")
    assert (found["rust"].state, found["go"].state) == ("best", "behind")


@pytest.mark.parametrize("blocks", [1, 2])
def test_under_three_blocks_there_are_values_and_no_marks(blocks: int) -> None:
    found = cells({"rust": around(63)[:blocks], "go": around(130)[:blocks]}, blocks=blocks)
    assert {cell.state for cell in found.values()} == {"plain"}
    assert {(cell.shade, cell.words, cell.far) for cell in found.values()} == {(None, "", False)}


def test_one_target_has_values_and_no_marks() -> None:
    assert cells({"go": around(130)})["go"].state == "plain"


@pytest.mark.parametrize(
    ("factor", "shade"), [(1.5, 1), (2.0, 1), (2.01, 2), (4.0, 2), (9.9, 3), (10.1, 4), (30.0, 4), (31.0, 5)]
)
def test_shades_end_at_two_four_ten_and_thirty(factor: float, shade: int) -> None:
    assert Cell("x", "behind", factor=factor).shade == shade


def test_rows_fall_back_where_a_record_lacks_the_everyday_service() -> None:
    card, _ = card_of(small({"db@1000/s GET /products/{id} p99": {"rust": around(3000), "go": around(3100)}}))
    (row,) = card.rows
    assert (row.row.place, row.row.title, row.row.subtitle) == (
        "db@1000/s GET /products/{id}",
        "99th percentile, at 1,000/s",
        "a product, database work",
    )


def test_a_row_without_any_value_and_its_group_vanish() -> None:
    card, _ = card_of(small({CPU: {"rust": around(63), "go": around(130)}, " start": {"rust": "x", "go": "x"}}))
    assert [title for title, _ in card.groups] == ["One machine, pushed hard"]


def test_classes_have_scorecards_of_their_own() -> None:
    analysis = small({CPU: {"rust": around(63), "go": around(130), "java": around(40)}}, classes={"java": "tuned"})

    def names(card: Scorecard) -> list[str]:
        return [column.target for column in card.columns]

    assert names(card_of(analysis)[0]) == ["rust", "go"]
    assert names(card_of(analysis, "tuned")[0]) == ["java"]


def test_every_declared_row_names_a_metric_and_says_its_price() -> None:
    rows = read_rows()
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert row.place == BILL or row.metric in BY_ID
        assert bool(row.noun) == bool(row.price)
        row.price.format(n="1", v="2", d="3")
    assert sum(bool(row.card) for row in rows) == 9
