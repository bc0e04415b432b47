"""The interactive page in headless Chromium: no request, no eval, no name that runs; filter, zoom, state in the address."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from browser import (
    FIRST_CHART,
    Pages,
    asked,
    background,
    console,
    drawing,
    forbidden,
    fragment,
    look_at,
    needs_chromium,
    of_page,
    scroll_width,
    type_into,
    wait_for,
    write_pages,
    zoom,
)
from report_records import PROFILES, make_record
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.record.reader import Record
from reports.analysis.cost_model import everyday
from reports.export.html import STATIC_POLICY

pytestmark = needs_chromium

HOSTILE = (
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "<!--<script>alert(1)//",
    "\u202eright-to-left \u05e9\u05dc\u05d5\u05dd",
    "long" * 75,
)


def test_from_disk_it_asks_for_nothing_and_says_nothing_while_it_is_used(
    browser: webdriver.Chrome, detailed_pages: Pages
) -> None:
    browser.execute_cdp_cmd("Log.enable", {})
    assert look_at(browser, detailed_pages.explore.as_uri()) == [detailed_pages.explore.as_uri()]
    for chart in (FIRST_CHART, "tradeoff-1-99", "time-1-3"):
        zoom(browser, chart)
    type_into(browser, "rps", "123")
    browser.execute_script("document.getElementById('cells').closest('details').open = true")
    browser.find_element(By.CSS_SELECTOR, "#cells th button").click()
    browser.find_element(By.CSS_SELECTOR, ".filter input").click()
    time.sleep(0.5)
    assert asked(browser) == []
    assert console(browser) == []
    assert forbidden(browser) == []


def test_no_text_can_run_but_its_two_scripts(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.explore.as_uri())
    policy = of_page(browser, "document.querySelector('meta[http-equiv=Content-Security-Policy]').content")
    assert re.fullmatch(rf"{re.escape(STATIC_POLICY)}; script-src 'sha256-[\w+/]+=' 'sha256-[\w+/]+='", policy)
    # In a turn of the page's own: the driver's scripts are above its policy.
    try_it = "try { done(String(eval('1'))) } catch (error) { done(error.name) }"
    assert browser.execute_async_script(f"const done = arguments[0]; setTimeout(() => {{ {try_it} }}, 0)") == "EvalError"
    browser.execute_script(
        "const made = document.createElement('script'); made.textContent = 'window.ran = 1'; document.body.append(made)"
    )
    assert of_page(browser, "window.ran") is None
    wait_for(lambda: forbidden(browser) == ["eval", "inline"])
    assert len(console(browser)) == 1


def columns(browser: webdriver.Chrome) -> list[str]:
    """The languages of the scorecard that are to be seen."""
    heads = browser.find_elements(By.CSS_SELECTOR, ".score thead th b")
    return sorted(each.text.lower() for each in heads if each.is_displayed())


def test_the_address_keeps_the_state(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.explore.as_uri())
    type_into(browser, "rps", "750")
    type_into(browser, "reference", "python")
    browser.find_element(By.XPATH, "//fieldset//label[contains(., 'kotlin')]/input").click()
    wait_for(lambda: fragment(browser) == "rps=750&on=python&hide=kotlin")
    browser.refresh()
    assert browser.find_element(By.ID, "need-rps").get_attribute("value") == "750"
    assert browser.find_element(By.ID, "need-reference").get_attribute("value") == "python"
    assert columns(browser) == ["go", "java", "python", "rust"]
    browser.execute_script("location.hash = '#queries=9&hide=go&hide=rust&hide=nobody&on=nobody&rps=%3Cb%3E'")
    wait_for(lambda: browser.find_element(By.ID, "need-queries").get_attribute("value") == "9")
    assert browser.find_element(By.ID, "need-reference").get_attribute("value") == everyday(pages.analysis).reference
    browser.execute_script("document.getElementById('need-wrong').closest('details').open = true")
    assert "“<b>” is not a number" in browser.find_element(By.ID, "need-wrong").text
    assert columns(browser) == ["java", "kotlin", "python"]


def test_anchors_work_beside_the_state(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, f"{pages.explore.as_uri()}#axes")
    top = "Math.abs(document.getElementById('{}').getBoundingClientRect().top) < 60"
    wait_for(lambda: of_page(browser, top.format("axes")))
    time.sleep(0.3)
    assert fragment(browser) == "axes"
    type_into(browser, "rps", "750")
    wait_for(lambda: fragment(browser) == "rps=750&at=axes")
    browser.find_element(By.CSS_SELECTOR, "nav a[href='#claims']").click()
    wait_for(lambda: of_page(browser, top.format("claims")))
    wait_for(lambda: fragment(browser) == "rps=750&at=claims")
    assert browser.find_element(By.ID, "need-rps").get_attribute("value") == "750"
    browser.refresh()
    wait_for(lambda: of_page(browser, top.format("claims")))


def test_a_hidden_target_is_out_of_columns_rows_sentences_and_zoomed_charts(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.explore.as_uri())
    zoom(browser)
    assert "python" in of_page(browser, "document.querySelector('.live').textContent")
    browser.find_element(By.XPATH, "//fieldset//label[contains(., 'python')]/input").click()
    shown = "[...document.querySelectorAll('[data-target=python]')].filter(each => each.checkVisibility()).length"
    assert of_page(browser, "document.querySelectorAll('[data-target=python]').length") > 10
    assert of_page(browser, shown) == 0
    wait_for(lambda: "rust" in of_page(browser, "document.querySelector('.live').textContent"))
    assert "python" not in of_page(browser, "document.querySelector('.live').textContent")
    # Those that span the table span what is left of it.
    spans = "[...new Set([...document.querySelectorAll('.matrix [colspan]')].map(each => each.colSpan))]"
    assert of_page(browser, spans) == [6]
    # And out of the advisor's answer, sentence and all, now and later.
    assert "python" not in of_page(browser, "document.querySelector('#advisor .answer').textContent")
    type_into(browser, "rps", "5")
    assert of_page(browser, shown) == 0
    assert "python" not in of_page(browser, "document.querySelector('#advisor .answer').textContent")
    browser.find_element(By.XPATH, "//fieldset//label[contains(., 'python')]/input").click()
    assert of_page(browser, shown) > 10
    assert of_page(browser, spans) == [7]


def test_a_chart_is_zoomed_moved_and_closed_by_pointer_and_by_keyboard(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.explore.as_uri())
    zoom(browser)
    live = browser.find_element(By.CSS_SELECTOR, ".live")
    whole = drawing(browser)
    frame = live.find_element(By.CSS_SELECTOR, ".background")

    def changes(act: Callable[[], Any]) -> None:
        before = drawing(browser)
        act()
        wait_for(lambda: drawing(browser) != before)

    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", live)
    changes(lambda: ActionChains(browser).drag_and_drop_by_offset(frame, 60, 20).perform())
    wheel = ScrollOrigin.from_element(live)
    changes(lambda: ActionChains(browser).scroll_from_origin(wheel, 0, -100).perform())
    live.send_keys("0")
    wait_for(lambda: drawing(browser) == whole)
    for key in ("+", Keys.ARROW_LEFT, Keys.ARROW_UP, "-"):
        changes(lambda key=key: live.send_keys(key))
    browser.find_element(By.CSS_SELECTOR, "button[title='Reset zoom']").click()
    wait_for(lambda: drawing(browser) == whole)
    changes(browser.find_element(By.CSS_SELECTOR, "button[title='Zoom in']").click)
    live.send_keys(Keys.ESCAPE)
    assert not browser.find_elements(By.CSS_SELECTOR, ".live, .zoomed")
    assert browser.find_element(By.CSS_SELECTOR, f"#{FIRST_CHART} .plot svg").is_displayed()
    assert browser.switch_to.active_element.get_attribute("aria-expanded") == "false"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_for(lambda: drawing(browser) == whole)
    assert console(browser) == []


def test_every_cell_can_be_sorted_and_searched(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.explore.as_uri())
    browser.execute_script("document.getElementById('cells').closest('details').open = true")
    rows = "[...document.querySelectorAll('#cells tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    wait_for(lambda: of_page(browser, "document.querySelectorAll('#cells tbody tr').length"))
    every = of_page(browser, rows)
    assert len(every) == sum(len(ranking.entries) for ranking in pages.analysis.rankings)
    browser.find_element(By.ID, "cells-search").send_keys("saturated cpu per request rust")
    found = of_page(browser, rows)
    assert 0 < len(found) < len(every) and all(row[2] == "rust" for row in found)
    browser.find_element(By.ID, "cells-search").clear()
    browser.find_element(By.ID, "cells-search").send_keys("CPU-bound, saturated Throughput")
    browser.find_element(By.XPATH, "//div[@id='cells']//th/button[.='Median']").click()

    def medians() -> list[float]:
        return [float(row[3].replace(",", "")) for row in of_page(browser, rows)]

    assert len(medians()) == 5 and medians() == sorted(medians())
    browser.find_element(By.XPATH, "//div[@id='cells']//th/button[.='Median']").click()
    assert medians() == sorted(medians(), reverse=True)


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_and_takes_the_theme(browser: webdriver.Chrome, pages: Pages, width: int, dark: bool) -> None:
    look_at(browser, pages.explore.as_uri(), width=width, dark=dark)
    zoom(browser)
    assert scroll_width(browser) <= width
    assert background(browser) == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    labels = "[...document.querySelectorAll('.live .role-axis-label text')]"
    fill = f"[...new Set({labels}.map(each => getComputedStyle(each).fill))].sort()"
    light = ["rgb(26, 29, 33)", "rgb(90, 99, 112)"]
    assert of_page(browser, fill) == (["rgb(163, 172, 184)", "rgb(232, 234, 237)"] if dark else light)


def renamed(record: Record, names: tuple[str, ...]) -> Record:
    """The record with other names of targets; trials keep their ids, which are names of files."""
    new = dict(zip(record.run.plan.targets, names, strict=True))
    replace = msgspec.structs.replace
    trials = tuple(replace(trial, target=new[trial.target]) for trial in record.run.plan.trials)
    run = replace(
        record.run,
        plan=replace(record.run.plan, targets=names, trials=trials),
        targets={new[name]: replace(target, name=new[name]) for name, target in record.run.targets.items()},
        images={new.get(name, name): image for name, image in record.run.images.items()},
    )
    results = tuple(replace(each, trial=replace(each.trial, target=new[each.trial.target])) for each in record.results)
    return replace(record, run=run, results=results)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    folder = tmp_path_factory.mktemp("hostile")
    record = make_record(folder, targets=tuple(f"t{i}" for i in range(len(HOSTILE))), blocks=2, profiles=PROFILES)
    return write_pages(renamed(record, HOSTILE))


def test_hostile_names_are_text_everywhere(browser: webdriver.Chrome, hostile: Pages) -> None:
    asked_for = look_at(
        browser, f"{hostile.explore.as_uri()}#hide=%3C%2Fscript%3E&on=%3Cimg%20src=x%3E&rps=%3Cimg%20src=x%3E"
    )
    assert len(asked_for) == 1
    zoom(browser)
    names = of_page(browser, "[...document.querySelectorAll('#need-reference option')].map(each => each.textContent)")
    assert names == list(HOSTILE)
    type_into(browser, "rps", "10")
    type_into(browser, "reference", HOSTILE[1])
    rows = of_page(browser, "[...document.querySelectorAll('#advisor tbody th')].map(each => each.textContent)")
    assert set(rows) == set(HOSTILE)
    assert "</script><scrip…" in of_page(browser, "document.querySelector('.live').textContent")
    browser.find_element(By.CSS_SELECTOR, ".filter input").click()
    wait_for(lambda: "hide=%3C%2Fscript%3E%3Cscript" in fragment(browser))
    browser.refresh()
    assert not browser.find_element(By.CSS_SELECTOR, ".filter input").is_selected()
    assert of_page(browser, "document.scripts.length") == 5
    assert of_page(browser, "document.querySelectorAll('img').length") == 0
    assert console(browser) == []
    assert asked(browser)[1:] == [], "one load more, and nothing else"
    assert scroll_width(browser) <= 1440
