"""The page of many targets, of several classes, of one: it stays readable, within its budget, and soon made."""

from __future__ import annotations

import re
import time
from pathlib import Path

import msgspec
import pytest
from browser import look_at, needs_chromium, scroll_width
from report_records import ASKING, PROFILES, make_record
from selenium import webdriver

from harness.record.reader import Record
from reports.analysis.analysis import analyse
from reports.export.card import card_svg
from reports.export.html import render_page
from reports.export.view import Running, View, make_view

TEN = ("rust", "go", "java", "kotlin", "python", "t5", "t6", "t7", "t8", "t9")


@pytest.fixture(scope="module")
def record_of_ten(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make_record(tmp_path_factory.mktemp("ten"), targets=TEN, profiles=(*PROFILES, *ASKING))


@pytest.fixture(scope="module")
def ten(record_of_ten: Record) -> View:
    return make_view(analyse(record_of_ten), record_of_ten.folder)


def test_ten_targets_keep_the_budget(ten: View) -> None:
    page = render_page(ten)
    above = page[: page.index('<h2 id="more">')]
    assert len(above.encode()) <= 200_000
    assert len(page.encode()) <= 900_000
    assert 'class="score many n10"' in page


@pytest.mark.flaky(reruns=1)  # other processes on the same core cost it CPU time
def test_ten_targets_are_soon_made(record_of_ten: Record) -> None:
    begun = time.process_time()
    render_page(make_view(analyse(record_of_ten), record_of_ten.folder))
    assert time.process_time() - begun < 3


@needs_chromium
@pytest.mark.parametrize("width", [1440, 390])
def test_ten_targets_fit(browser: webdriver.Chrome, ten: View, tmp_path: Path, width: int) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_page(ten), encoding="utf-8")
    look_at(browser, page.as_uri(), width=width)
    assert scroll_width(browser) <= width
    words = "[...document.querySelectorAll('.score td .f')]"
    cut = f"return {words}.filter(each => each.scrollWidth > each.closest('td').clientWidth).length"
    assert browser.execute_script(cut) == 0


def test_beyond_twelve_targets_the_page_says_how_to_choose(tmp_path: Path) -> None:
    targets = tuple(f"t{i:02}" for i in range(14))
    view = make_view(analyse(make_record(tmp_path, targets=targets, blocks=3, profiles=PROFILES[:1])), tmp_path)
    page = render_page(view)
    assert len(view.overview.card.columns) == 12 and "2 more targets are in the tables below." in page
    assert all(target in page for target in targets)


def test_each_class_has_a_scorecard_and_standard_comes_first(tmp_path: Path) -> None:
    classes = {"rust": "tuned", "java": "tuned"}
    record = make_record(tmp_path, targets=("rust", "go", "java", "python"), classes=classes)
    view = make_view(analyse(record), tmp_path)
    assert [card.target_class for card in view.overview.cards] == ["standard", "tuned"]
    assert "Rust" not in view.overview.headline.text
    assert re.findall(r'<h3 id="class-\d" class="class">Class: (\w+)</h3>', render_page(view)) == ["standard", "tuned"]


def test_one_target_has_values_and_no_ranking(tmp_path: Path) -> None:
    view = make_view(analyse(make_record(tmp_path, targets=("go",), blocks=3)), tmp_path)
    page = render_page(view)
    assert view.overview.fit is None and "best, or tied with it" not in page
    assert "1 language, 4 loads." in page
    assert "The language decides" not in page[: page.index('<h2 id="more">')]
    assert "Go" in card_svg(view.overview)


def test_a_record_without_a_valid_trial_says_so_and_still_is_a_page(tmp_path: Path) -> None:
    verdicts = {f"-{target}-{profile}": "failed" for target in ("go", "rust") for profile in ("cpu", "db")}
    record = make_record(tmp_path, targets=("go", "rust"), verdicts=verdicts)  # type: ignore[arg-type]
    page = render_page(make_view(analyse(record), tmp_path))
    assert "Don’t compare these numbers yet." in page and "Only 0 of 12 trials are valid." in page
    assert "2 languages, 4 loads." in page


@pytest.mark.parametrize("done", [1, 2, 3, 7, 15, 29])
def test_after_any_trial_of_a_real_run_there_is_a_page(real: Record, done: int) -> None:
    """A page that can't be made would end the measurement that it shows."""
    part = msgspec.structs.replace(real, results=real.results[:done])
    running = Running(f"{done} of 30 trials are done", "About 3 minutes are left.", 15)
    page = render_page(make_view(analyse(part), real.folder, running=running))
    assert f"{done} of 30 trials are done" in page


def test_a_run_that_goes_on_says_so_and_loads_itself_again(tmp_path: Path) -> None:
    record = make_record(tmp_path, targets=("go", "rust"), leave_out=5)
    running = Running("7 of 12 trials are done", "About 3 minutes are left.", 15)
    page = render_page(make_view(analyse(record), tmp_path, running=running))
    assert '<meta http-equiv="refresh" content="15">' in page
    assert "Still running: <bdi>7 of 12 trials are done</bdi>. About 3 minutes are left." in page
    assert "Don’t compare these numbers yet." not in page
