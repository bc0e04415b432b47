"""Both pages against axe-core's rules, and by the keyboard alone."""

from __future__ import annotations

import pytest
from axe import violations
from browser import Pages, look_at, needs_chromium, out_of_reach, type_into, unfold, zoom
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = needs_chromium


def test_whatever_opens_or_scrolls_is_reached_by_keyboard(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.report.as_uri())
    assert out_of_reach(browser) == []
    first = browser.find_element(By.CSS_SELECTOR, "summary")
    first.send_keys(Keys.ENTER)
    assert first.find_element(By.XPATH, "..").get_attribute("open")


def test_whatever_the_interactive_page_adds_is_reached_too(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.explore.as_uri())
    zoom(browser)
    browser.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    assert out_of_reach(browser) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["report", "explore"])
def test_axe_finds_no_serious_barrier(browser: webdriver.Chrome, pages: Pages, name: str, dark: bool) -> None:
    look_at(browser, getattr(pages, name).as_uri(), dark=dark)
    if name == "report":
        unfold(browser)
    else:
        zoom(browser)
        type_into(browser, "rps", "none")
    # Of the rules, only that of contrast knows colours.
    assert violations(browser, *(["color-contrast"] if dark else [])) == []
