"""The page in headless Chromium, offline, under a strict content-security policy: no request, no complaint, legible.

Needs Debian's packages chromium and chromium-driver; skipped where they are not.
"""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_records import DETAILED, make_record
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from reports.html import write_report

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9",
    # The page itself is served on loopback; all else goes to a proxy that isn't there.
    "--proxy-bypass-list=127.0.0.1",
)  # fmt: skip

pytestmark = pytest.mark.skipif(not (CHROMIUM.exists() and DRIVER.exists()), reason="no chromium with its driver")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    verdicts: Any = {"-kotlin-db": "failed", "-java-cpu@saturate": "generator_limited", "-go-db@75%": "unstable"}
    return write_report(make_record(folder, verdicts=verdicts, profiles=DETAILED))


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


def look_at(browser: webdriver.Chrome, url: str, *, width: int = 1440, dark: bool = False, media: str = "") -> list[str]:
    """Open a page in a form; the addresses that it asked for."""
    browser.get_log("performance")
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(url)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def console(browser: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def background(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_from_disk_it_asks_for_nothing_and_fits(
    browser: webdriver.Chrome, page: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    asked = look_at(browser, page.as_uri(), width=width, dark=dark)
    # Chromium reports the empty icon, which is a data address and no request.
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
    assert console(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert background(browser) == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    size = browser.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(size, 4000), "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    picture = tmp_path / f"report-{width}-{'dark' if dark else 'light'}.png"
    picture.write_bytes(base64.b64decode(shot["data"]))
    assert picture.stat().st_size > 20_000


def test_it_works_under_the_strict_policy(browser: webdriver.Chrome, page: Path) -> None:
    class Strict(http.server.BaseHTTPRequestHandler):
        asked: list[str] = []  # noqa: RUF012

        def do_GET(self) -> None:
            self.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(page.read_bytes())

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


def test_charts_change_with_the_theme_and_stay_legible_on_a_telephone(browser: webdriver.Chrome, page: Path) -> None:
    script = "return getComputedStyle(document.querySelector('.chart svg text')).fill"
    look_at(browser, page.as_uri(), dark=False)
    light = browser.execute_script(script)
    look_at(browser, page.as_uri(), dark=True)
    assert browser.execute_script(script) != light
    look_at(browser, page.as_uri(), width=390)
    heights = browser.execute_script(
        "return [...document.querySelectorAll('.chart svg text')].filter(t => t.textContent.trim())"
        ".map(t => Math.max(t.getBoundingClientRect().height, t.getBoundingClientRect().width))"
    )
    assert min(heights) > 9


def test_everything_that_opens_or_scrolls_is_reached_by_keyboard(browser: webdriver.Chrome, page: Path) -> None:
    look_at(browser, page.as_uri())
    # Not those that are folded up in something closed: they are reached once it is open.
    shown = "[...document.querySelectorAll('a[href], summary')].filter(e => e.checkVisibility())"
    wanted = browser.execute_script(f"return {shown}.length")
    seen = set()
    for _ in range(wanted + 20):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = browser.switch_to.active_element
        if focused.tag_name == "body":
            break
        seen.add(focused.id)
    assert len(seen) >= wanted
    first = browser.find_element(By.CSS_SELECTOR, "summary")
    first.send_keys(Keys.ENTER)
    assert first.find_element(By.XPATH, "..").get_attribute("open")


def test_print_shows_light_and_every_table(browser: webdriver.Chrome, page: Path) -> None:
    look_at(browser, page.as_uri(), dark=True, media="print")
    assert background(browser) == "rgb(255, 255, 255)"
    fill = "return getComputedStyle(document.querySelector('.chart svg text')).fill"
    assert browser.execute_script(fill) == "rgb(90, 99, 112)"
    height = "return document.querySelector('figure details table').getBoundingClientRect().height"
    assert browser.execute_script(height) > 0
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    assert base64.b64decode(pdf).startswith(b"%PDF")
