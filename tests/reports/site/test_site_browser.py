"""The site's pages in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from browser import background, console, forbidden, look_at, needs_chromium, out_of_reach, screenshot, scroll_width
from selenium import webdriver
from selenium.webdriver.common.by import By
from site_desk import Desk


def pages_of(desk: Desk) -> Iterator[Path]:
    yield desk.site / "index.html"
    yield from desk.site.glob("trends/*/python.html")


@needs_chromium
# How wide a page is does not depend on its colours, nor its contrast on its width.
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_from_disk_the_pages_ask_for_nothing_fit_and_hinder_nobody(
    browser: webdriver.Chrome, big: tuple[Desk, float], tmp_path: Path, width: int, dark: bool
) -> None:
    for page in pages_of(big[0]):
        assert look_at(browser, page.as_uri(), width=width, dark=dark) == [page.as_uri()]
        assert (console(browser), forbidden(browser)) == ([], [])
        assert scroll_width(browser) <= width
        assert background(browser) == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
        assert violations(browser, *(["color-contrast"] if dark else [])) == []
        screenshot(browser, tmp_path / f"{page.stem}.png", width)


@needs_chromium
def test_by_keyboard_alone_and_from_page_to_page(browser: webdriver.Chrome, big: tuple[Desk, float]) -> None:
    for page in pages_of(big[0]):
        look_at(browser, page.as_uri())
        assert out_of_reach(browser) == []
    look_at(browser, (big[0].site / "index.html").as_uri())
    browser.find_element(By.CSS_SELECTOR, ".cards a").click()
    assert "/trends/" in browser.current_url
    anchor = browser.current_url.partition("#")[2]
    assert browser.find_element(By.ID, anchor).find_elements(By.CSS_SELECTOR, "svg[role=img]")


@needs_chromium
def test_print_shows_every_table_in_light(browser: webdriver.Chrome, big: tuple[Desk, float]) -> None:
    *_, page = pages_of(big[0])
    look_at(browser, page.as_uri(), dark=True, media="print")
    assert background(browser) == "rgb(255, 255, 255)"
    assert browser.execute_script("return document.querySelector('figure details table').getBoundingClientRect().height") > 0
