"""The fit map and whether the language matters: places follow from measured axes by the written formulas."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from report_records import PROFILES, SYNTHETIC, make_record

from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.charts.fit_map_chart import Point, fit_map
from reports.charts.palette import styles
from reports.sections.fit_map import ARTICLE, INDICES, fit_figures, positions
from reports.sections.language_effect import language_effects


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyse(make_record(tmp_path_factory.mktemp("fit"), blocks=3, noise=0.002))


def test_indices_are_the_formulas_over_their_mean(clear: Analysis) -> None:
    found = {p.target: p.indices for p in positions(clear)}
    for index in INDICES:
        assert math.prod(indices[index].value for indices in found.values()) == pytest.approx(1, rel=1e-6)
    # Requests per core-second on cpu: 5,200 and 90 requests/s of the one core.
    assert found["rust"]["scale-up"].value / found["python"]["scale-up"].value == pytest.approx(5200 / 90, rel=0.02)
    # sqrt(requests per core-second x requests/s per GiB).
    rust, java = (SYNTHETIC[t][2] / math.sqrt(SYNTHETIC[t][3]) for t in ("rust", "java"))
    assert found["rust"]["scale-out"].value / found["java"]["scale-out"].value == pytest.approx(rust / java, rel=0.02)


def test_every_index_has_an_interval_around_it(clear: Analysis) -> None:
    for position in positions(clear):
        for index in position.indices.values():
            assert index.low is not None and index.high is not None
            assert index.low < index.value < index.high


def test_what_is_missing_is_said_and_never_placed(tmp_path: Path) -> None:
    analysis = analyse(make_record(tmp_path, profiles=PROFILES[:1]))
    (figure,) = fit_figures(analysis)
    assert figure.svg is None
    assert all("scale-out: db@saturate is not in this record" in row[-1] for row in figure.rows)


def test_the_map_has_every_target_and_the_article_behind(clear: Analysis) -> None:
    (figure,) = fit_figures(clear)
    assert figure.svg is not None
    for target in clear.run.plan.targets:
        assert f">{target}<" in figure.svg
    for name, _, _ in ARTICLE:
        assert f">{name}<" in figure.svg


def test_right_is_scale_up_and_down_is_velocity() -> None:
    spec = fit_map((Point("a", 1.0, 2.0, 0.1, 0.1), Point("b", -1.0, -2.0, 9.0, 9.0)), ARTICLE, styles(("a", "b")))
    a, b = spec["datasets"]["spots"]
    assert a["x"] > 0 > a["y"]
    assert b["x"] < 0 < b["y"]
    # An interval wider than the map ends at its frame.
    assert b["right"] - b["left"] < 9


def test_a_wide_spread_matters_and_a_tie_does_not(clear: Analysis, tmp_path: Path) -> None:
    found = {m.title: m for m in language_effects(clear)}
    pure = found["CPU-bound, saturated"]
    assert pure.answer == "yes"
    assert pure.gaps[0].apart == pytest.approx(5200 / 90, rel=0.02)
    text = "".join(span.text for span in pure.sentence)
    assert "rust" in text and "python" in text and "service CPU for 5 of 5 targets" in text
    equal = analyse(make_record(tmp_path, targets=("a", "b", "c"), noise=0.02))
    assert {m.answer for m in language_effects(equal) if "saturated" in m.title} == {"no"}


def test_a_load_limited_by_its_database_says_so(clear: Analysis) -> None:
    text = "".join(s.text for m in language_effects(clear) if m.title == "Database-bound, saturated" for s in m.sentence)
    assert "PostgreSQL CPU for 5 of 5 targets" in text
    assert "of the work of a request" in text


def test_the_page_has_both(mixed: Record, page: str) -> None:
    assert 'id="matter"' in page and 'id="fit"' in page
    assert "Does the language matter here?" in page
