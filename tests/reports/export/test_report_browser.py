"""The static page in headless Chromium, offline, under a strict security policy: no request, no complaint, legible."""

from __future__ import annotations

import base64
import http.server
import re
import threading
from pathlib import Path

import pytest
from browser import Pages, background, console, look_at, needs_chromium, screenshot, scroll_width, wait_for
from selenium import webdriver

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

pytestmark = needs_chromium


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_from_disk_it_asks_for_nothing_and_fits(
    browser: webdriver.Chrome, pages: Pages, tmp_path: Path, width: int, dark: bool
) -> None:
    assert look_at(browser, pages.report.as_uri(), width=width, dark=dark) == [pages.report.as_uri()]
    assert console(browser) == []
    assert scroll_width(browser) <= width
    assert background(browser) == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    picture = tmp_path / f"report-{width}-{'dark' if dark else 'light'}.png"
    screenshot(browser, picture, width)
    assert picture.stat().st_size > 20_000


def test_it_works_under_the_strict_policy(browser: webdriver.Chrome, pages: Pages) -> None:
    class Strict(http.server.BaseHTTPRequestHandler):
        asked: list[str] = []  # noqa: RUF012

        def do_GET(self) -> None:
            self.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(pages.report.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Strict)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        look_at(browser, f"http://127.0.0.1:{server.server_port}/report.html")
        assert console(browser) == []
        assert Strict.asked == ["/report.html"]
        # The style sheet took hold: the policy has not blocked it.
        assert browser.execute_script("return getComputedStyle(document.querySelector('.mrow')).display") == "grid"
    finally:
        server.shutdown()


SIZES = """
return [...document.querySelectorAll('main svg text, .score td, .score th, .meta, .cap, figcaption')]
  .filter(each => each.checkVisibility() && each.textContent.trim() && !each.closest('.deep'))
  .map(each => {
    const svg = each.closest('svg');
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    return [parseFloat(getComputedStyle(each).fontSize) * scale, each.textContent.trim().slice(0, 40)];
  })
"""


@pytest.mark.parametrize("width", [1440, 390])
def test_pictures_change_with_the_theme_and_no_text_is_too_small(
    browser: webdriver.Chrome, pages: Pages, width: int
) -> None:
    fill = "return getComputedStyle(document.querySelector('main svg text')).fill"
    look_at(browser, pages.report.as_uri(), dark=False)
    light = browser.execute_script(fill)
    look_at(browser, pages.report.as_uri(), dark=True)
    assert browser.execute_script(fill) != light
    look_at(browser, pages.report.as_uri(), width=width)
    small = [found for found in browser.execute_script(SIZES) if found[0] < 10.9]
    assert small == []


def test_the_whole_scorecard_is_on_the_first_screen(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.report.as_uri())
    bottom = (
        "return Math.max(...[...document.querySelectorAll('.score td')].map(each => each.getBoundingClientRect().bottom))"
    )
    assert browser.execute_script(bottom) <= 900


def test_a_link_to_a_folded_part_opens_it(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.report.as_uri())
    assert not browser.execute_script("return document.getElementById('validity').checkVisibility()")
    browser.execute_script("document.querySelector('.meta a').click()")
    wait_for(lambda: browser.execute_script("return document.getElementById('validity').checkVisibility()"))


def test_print_is_light_short_and_begins_with_the_scorecard(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.report.as_uri(), dark=True, media="print")
    assert background(browser) == "rgb(255, 255, 255)"
    assert browser.execute_script("return getComputedStyle(document.querySelector('svg .nm')).fill") == "rgb(22, 25, 29)"
    assert not browser.execute_script("return document.querySelector('.fold').checkVisibility()")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})["data"]
    pdf = base64.b64decode(printed)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) <= 6
