"""axe-core, Deque's rules of accessibility (MPL-2.0), run on the page that is open."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from selenium import webdriver

RUN = """
const [only, done] = arguments;
const options = {resultTypes: ["violations"], preload: false, ...(only.length ? {runOnly: only} : {})};
axe.run(document, options).then(found => done(found.violations), error => done(null));
"""


def violations(browser: webdriver.Chrome, *only: str) -> list[str]:
    """Serious and critical ones, a line each with the first elements that break the rule. `only`: of these rules."""
    browser.execute_script(_axe())
    found: list[dict[str, Any]] = browser.execute_async_script(RUN, only)
    return [
        f"{rule['id']} ({rule['impact']}): {[node['html'][:160] for node in rule['nodes'][:3]]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@cache
def _axe() -> str:
    return files("selenium_axe_python").joinpath("axe-core/axe.min.js").read_text(encoding="utf-8")
