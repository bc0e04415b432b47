"""The static page in headless Chromium, offline, under a strict security policy: no request, no complaint, legible."""

from __future__ import annotations

import base64
import http.server
import threading
from pathlib import Path

import pytest
from browser import Pages, background, console, look_at, needs_chromium, screenshot, scroll_width
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
        assert browser.execute_script("return getComputedStyle(document.querySelector('.grid')).display") == "grid"
    finally:
        server.shutdown()


def test_charts_change_with_the_theme_and_stay_legible_on_a_telephone(browser: webdriver.Chrome, pages: Pages) -> None:
    script = "return getComputedStyle(document.querySelector('.chart svg text')).fill"
    look_at(browser, pages.report.as_uri(), dark=False)
    light = browser.execute_script(script)
    look_at(browser, pages.report.as_uri(), dark=True)
    assert browser.execute_script(script) != light
    look_at(browser, pages.report.as_uri(), width=390)
    heights = browser.execute_script(
        "return [...document.querySelectorAll('.chart svg text')].filter(t => t.textContent.trim())"
        ".map(t => Math.max(t.getBoundingClientRect().height, t.getBoundingClientRect().width))"
    )
    assert min(heights) > 9


def test_print_shows_light_and_every_table(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.report.as_uri(), dark=True, media="print")
    assert background(browser) == "rgb(255, 255, 255)"
    fill = "return getComputedStyle(document.querySelector('.chart svg text')).fill"
    assert browser.execute_script(fill) == "rgb(90, 99, 112)"
    height = "return document.querySelector('figure details table').getBoundingClientRect().height"
    assert browser.execute_script(height) > 0
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    assert base64.b64decode(pdf).startswith(b"%PDF")
