"""The live advisor in headless Chromium: the same answers as Python's, and a word where it can't give one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from browser import Pages, look_at, needs_chromium, of_page, type_into, write_pages
from report_records import make_record
from selenium import webdriver
from selenium.webdriver.common.by import By

from reports.analysis.cost_model import (
    HEADROOM,
    SMALLEST_CORES,
    STRETCH,
    CostAnswer,
    CostInputs,
    Interval,
    Rates,
    Requirements,
    answer,
    cost_inputs,
    everyday,
)
from reports.sections.cost import advise
from reports.units import number

pytestmark = needs_chromium

MODEL = {"headroom": HEADROOM, "smallest_cores": SMALLEST_CORES, "stretch": STRETCH}
#: Rows, what can't be priced, warnings, and the sentence, as the page shows them.
SHOWN = """(texts => [
    [...document.querySelectorAll("#advisor tbody tr")].map(row => texts(row.cells)),
    texts(document.querySelectorAll("#advisor .answer p[data-target]")),
    texts(document.querySelectorAll("#advisor .warnings bdi")),
    document.querySelector("#advisor .answer [aria-live]").textContent,
])(elements => [...elements].map(each => each.textContent))"""
#: What differs from the page's own need.
NEEDS: tuple[dict[str, Any], ...] = (
    {},
    {"rps": 0.0},
    {"rps": 25_000.0},
    {"reference": "python"},
    {"reference": "java"},
    {"queries": 0.0},
    {"queries": 50.0, "cpu_ms": 0.0},
    {"wait_ms": 5000.0, "rps": 3000.0},
    {"core_price": 7.25, "memory_price": 1.0},
    {"cpu_ms": 40.0, "reference": "go"},
    {"cpu_ms": 0.0, "queries": 0.0},
    {"rps": 0.125, "core_price": 0.0, "memory_price": 0.0},
)


@pytest.mark.parametrize("changes", NEEDS)
def test_the_page_shows_the_same_answer_as_the_command(
    browser: webdriver.Chrome, pages: Pages, changes: Mapping[str, Any]
) -> None:
    if not browser.current_url.startswith(pages.explore.as_uri()) or not changes:
        look_at(browser, pages.explore.as_uri())
    compare(browser, pages, changes)


def test_what_can_not_be_priced_is_said_with_the_reason(browser: webdriver.Chrome, tmp_path: Path) -> None:
    record = make_record(tmp_path, targets=("rust", "java", "kotlin"), blocks=2, verdicts={"-java-cpu": "failed"})
    pages = write_pages(record)
    look_at(browser, pages.explore.as_uri())
    for changes in ({}, {"reference": "java"}, {"cpu_ms": 0.0}):
        compare(browser, pages, changes)


def compare(browser: webdriver.Chrome, pages: Pages, changes: Mapping[str, Any]) -> None:
    """Type a need in; what is shown is what `fitmap advise` says, and so are the numbers behind it."""
    need = msgspec.structs.replace(everyday(pages.analysis), **changes)
    wanted = advise(pages.analysis, need)
    for name in ("rps", "cpu_ms", "reference", "queries", "wait_ms", "core_price", "memory_price"):
        value = getattr(need, name)
        type_into(browser, name, value if name == "reference" else f"{value:.10g}")
    rows, unpriced, warnings, text = of_page(browser, SHOWN)
    assert rows == [list(row) for row in wanted.bills.rows]
    assert unpriced == [f"{target} can't be priced: {reason}." for target, reason in wanted.unpriced]
    assert warnings == list(wanted.warnings)
    assert text == "".join(span.text for span in wanted.said)
    same_answer(browser, cost_inputs(pages.analysis), need, wanted.answer)


def same_answer(browser: webdriver.Chrome, basis: CostInputs, need: Requirements, wanted: CostAnswer) -> None:
    """Number by number, to the noise of floats."""
    script = "fitmap.answer(arguments[0], arguments[1], arguments[2])"
    found = of_page(browser, script, *(msgspec.to_builtins(each) for each in (basis, need, MODEL)))
    assert [bill["target"] for bill in found["bills"]] == [bill.target for bill in wanted.bills]
    for got, bill in zip(found["bills"], wanted.bills, strict=True):
        numbers = msgspec.to_builtins(bill)
        assert got.keys() == numbers.keys()
        assert {k: v for k, v in got.items() if k != "target"} == pytest.approx(
            {k: v for k, v in numbers.items() if k != "target"}, rel=1e-12, abs=0
        )
    assert [tuple(each) for each in found["unpriced"]] == list(wanted.unpriced)
    assert found["warnings"] == list(wanted.warnings)
    assert found["decided"] == (None if wanted.decided is None else pytest.approx(wanted.decided, rel=1e-12, abs=1e-15))


def test_what_this_record_lacks_is_summed_alike_too(browser: webdriver.Chrome, pages: Pages) -> None:
    """A base, memory of waiters, ends of intervals that differ, a database in fractions, instances of several cores."""
    first = Rates("first", Interval(90, 100, 120), Interval(300, 310, 330), Interval(20, 21, 23),
                  Interval(70, 80, 90), Interval(9e6, 1e7, 2e7),
                  Interval(2e4, 2.1e4, 2.2e4))  # fmt: skip
    second = Rates(
        "second", Interval(900, 1000, 1100), Interval(15, 16, 17), Interval(20, 22, 25), None, Interval(2e8, 2e8, 2e8), None
    )
    basis = CostInputs(
        (first, second, msgspec.structs.replace(first, target="another")), statements=2.75, cores=4, connections=64
    )
    look_at(browser, pages.explore.as_uri())
    for need in (
        Requirements(900.0, 1.5, 3.0, 0.0, 20.0, 2.0, "first"),
        Requirements(90_000.0, 0.2, 7.0, 2500.0, 20.0, 2.0, "second", utilisation=0.5, instances=3),
        Requirements(10.0, 30.0, 40.0, 90_000.0, 1.0, 9.0, "first"),
        Requirements(10.0, 0.0, 1.0, 0.0, 1.0, 9.0, "nobody"),
    ):
        same_answer(browser, basis, need, answer(basis, need))


def test_numbers_are_written_as_python_writes_them(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.explore.as_uri())
    # Halves go to the even neighbour, 9.996 gains a digit, and no number has an exponent.
    values = [0.0, 0.125, 0.375, 1.125, 12.25, 12.35, 9.996, 999.5, 1000.0, 12_250.0, 12_350.0, 1e-7, 1.5e9, 0.1 + 0.2]
    assert of_page(browser, "arguments[0].map(each => fitmap.number(each))", values) == [number(value) for value in values]
    halves = [0.5, 1.5, 2.5, 12.5, 0.05, 1e15]
    assert of_page(browser, "arguments[0].map(each => fitmap.fixed(each, 0))", halves) == [
        f"{value:.0f}" for value in halves
    ]
    assert of_page(browser, "arguments[0].map(each => fitmap.fixed(each, 2))", values) == [
        f"{value:.2f}" for value in values
    ]


def test_what_is_no_number_is_said_and_the_last_answer_stays_dim(browser: webdriver.Chrome, pages: Pages) -> None:
    look_at(browser, pages.explore.as_uri())
    text = "document.querySelector('#advisor .answer').textContent"
    before = of_page(browser, text)
    for typed, words in (
        ("", "Requests per second: please give a number."),
        ("-1", "Requests per second: it can't be negative."),
        ("many", "Requests per second: “many” is not a number."),
        ("0x10", "“0x10” is not a number."),
        ("1e999", "“1e999” is not a number."),
        ("1e12", "at most 1,000,000,000."),
    ):
        type_into(browser, "rps", typed)
        assert words in browser.find_element(By.ID, "need-wrong").text
        # On the way to the last three are numbers, which have answers.
        assert of_page(browser, text) == before or typed[0] in "01"
        assert browser.find_elements(By.CSS_SELECTOR, ".answer.stale")
        assert browser.find_element(By.ID, "need-rps").get_attribute("aria-invalid") == "true"
    type_into(browser, "rps", "600")
    assert browser.find_element(By.ID, "need-wrong").text == ""
    assert not browser.find_elements(By.CSS_SELECTOR, ".stale, [aria-invalid=true]")
    assert of_page(browser, text) != before
