"""Headless Chromium for the tests of the pages: offline, with its console and its requests on record.

Needs Debian's packages chromium and chromium-driver; tests that need them are skipped where they are not.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.export.html import render_page
from reports.export.interactive import render_explore
from reports.export.view import make_view

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9",
    # A page that is served comes from loopback; all else goes to a proxy that isn't there.
    "--proxy-bypass-list=127.0.0.1",
)  # fmt: skip

WATCH = "window.forbidden = []; addEventListener('securitypolicyviolation', event => forbidden.push(event.blockedURI))"
#: A curve chart that every record has.
FIRST_CHART = "latency-0"

needs_chromium = pytest.mark.skipif(not (CHROMIUM.exists() and DRIVER.exists()), reason="no chromium with its driver")


class Pages(Struct, frozen=True):
    """The pages of a record, on disk."""

    analysis: Analysis
    report: Path
    explore: Path


def write_pages(record: Record) -> Pages:
    analysis = analyse(record)
    view = make_view(analysis, record.folder, interactive=True)
    pages = Pages(analysis, record.folder / "report.html", record.folder / "explore.html")
    pages.report.write_text(render_page(view), encoding="utf-8")
    pages.explore.write_text(render_explore(view), encoding="utf-8")
    return pages


def start_chromium() -> webdriver.Chrome:
    options = Options()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    # The console does not tell of all that a policy has forbidden: of an eval that was caught, it does not.
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    return driver


def look_at(browser: webdriver.Chrome, url: str, *, width: int = 1440, dark: bool = False, media: str = "") -> list[str]:
    """Open a page in a form; the addresses that it asked for."""
    browser.get_log("performance")
    console(browser)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    # An address that differs in its fragment alone would not load the page anew.
    browser.get("about:blank")
    browser.get(url)
    return asked(browser)


def asked(browser: webdriver.Chrome) -> list[str]:
    """The addresses that were asked for since the last look. Chromium reports data addresses, which are no requests."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "about:"))]


def console(browser: webdriver.Chrome) -> list[str]:
    """What the console has said since the last look."""
    return [entry["message"] for entry in browser.get_log("browser")]


def forbidden(browser: webdriver.Chrome) -> list[str]:
    """What the page's policy has forbidden since it was opened."""
    return list(browser.execute_script("return window.forbidden"))


def background(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))


def scroll_width(browser: webdriver.Chrome) -> int:
    return int(browser.execute_script("return document.documentElement.scrollWidth"))


def screenshot(browser: webdriver.Chrome, path: Path, width: int, most: int = 4000) -> None:
    """The page from its top, at most so many pixels of it."""
    size = browser.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(size, most), "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(base64.b64decode(shot["data"]))


def out_of_reach(browser: webdriver.Chrome) -> list[str]:
    """What can be opened, typed into, clicked or scrolled, is there to be seen, and is not reached by the tabulator."""
    # Not what is folded up in something closed: it is reached once it is open.
    browser.execute_script(
        "window.reached = new Set(); document.addEventListener('focusin', event => reached.add(event.target));"
        "window.wanted = [...document.querySelectorAll('a[href], summary, button, input, select, [tabindex=\"0\"]')]"
        ".filter(each => each.checkVisibility())"
    )
    wanted = browser.execute_script("return wanted.length")
    assert wanted > 10
    ActionChains(browser).send_keys(Keys.TAB * (wanted + 20)).perform()
    missed = "return wanted.filter(each => !reached.has(each)).map(each => each.outerHTML.slice(0, 200))"
    return list(browser.execute_script(missed))


def wait_for(what: Callable[[], Any], seconds: float = 5.0) -> Any:
    """What is true before the time is over."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.02)
    return found


def of_page(browser: webdriver.Chrome, script: str, *arguments: Any) -> Any:
    return browser.execute_script(f"return {script}", *arguments)


def type_into(browser: webdriver.Chrome, name: str, text: str) -> None:
    """As a reader does: all of it selected, and typed over."""
    element = browser.find_element(By.ID, f"need-{name}")
    browser.execute_script("arguments[0].closest('details').open = true", element)
    if element.tag_name == "select":
        # Not by a selector, which no hostile name survives.
        next(each for each in element.find_elements(By.TAG_NAME, "option") if each.get_attribute("value") == text).click()
    else:
        # Two calls: a modifier is held to the end of one.
        element.send_keys(Keys.CONTROL, "a")
        element.send_keys(Keys.BACKSPACE, text)


def fragment(browser: webdriver.Chrome) -> str:
    return browser.current_url.partition("#")[2]


def unfold(browser: webdriver.Chrome) -> None:
    """Open every folded part."""
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")


def shown(browser: webdriver.Chrome, chart: str = FIRST_CHART) -> None:
    """Bring a chart into sight, and wait until it is drawn."""
    browser.execute_script(
        "const figure = document.getElementById(arguments[0]);"
        "for (let each = figure; each; each = each.parentElement) if (each.tagName === 'DETAILS') each.open = true;"
        "figure.querySelector('.plot').scrollIntoView({block: 'center'})",
        chart,
    )
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, f"#{chart} .plot svg"))


def zoom(browser: webdriver.Chrome, chart: str = FIRST_CHART) -> None:
    shown(browser, chart)
    browser.find_element(By.CSS_SELECTOR, f"#{chart} .bar button").click()
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, f"#{chart} .live svg"))


def drawing(browser: webdriver.Chrome, chart: str = FIRST_CHART) -> str:
    """The paths of a zoomed chart's lines."""
    found = of_page(
        browser, f"[...document.querySelectorAll('#{chart} .live .mark-line path')].map(p => p.getAttribute('d'))"
    )
    return " ".join(found)
